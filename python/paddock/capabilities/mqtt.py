"""MQTT, spoken to directly: for interfaces whose guests name a broker's address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply


class MqttClient(Protocol):
    """A client for one broker and user, shared by all instances of a component."""

    def publish(self, topic: str, body: bytes, qos: int, /) -> Reply[None]:
        """Send a message; for `qos` 1 and 2 the broker has it when this answers.

        Raises `BadName` for what is no topic, `Unavailable` within the provider's
        timeout, and AccessDenied where the address that the broker's name has now
        may not be connected to.
        """
        ...

    def close(self) -> Reply[None]:
        """Let go of the connection; may be repeated."""
        ...
