"""A client for an MQTT broker that a guest names by its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddock.errors import BadName, Unavailable
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.mqtt_target import MqttTarget, target_of

if TYPE_CHECKING:
    from paddock.providers.connections.mqtt import MqttLink

#: What a topic to publish on can't have (MQTT 3.1.1, 4.7), and its bytes.
_WILD = frozenset("+#\0")
LONGEST = 65535


class AddressClient:
    """The contract is `paddock.capabilities.mqtt.MqttClient`; it speaks MQTT 3.1.1."""

    def __init__(self, target: MqttTarget) -> None:
        self._target = target
        self._link: MqttLink | None = None
        self._closed = False
        self._calls = 0

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return self._calls > 0

    async def publish(self, topic: str, body: bytes, qos: int, /) -> None:
        """See the contract."""
        if not topic or not _WILD.isdisjoint(topic) or len(topic.encode()) > LONGEST:
            raise BadName(f"{topic[:100]!r} is not a topic that can be published on")
        link = self._link
        if link is None:
            from paddock.providers.connections.mqtt import MqttLink, load

            if self._closed:
                raise Unavailable(f"the connection to {self._target.what} is closed")
            load()
            # Made here since it belongs to the loop that runs the calls.
            link = self._link = MqttLink(self._target)
        self._calls += 1
        try:
            await link.publish(topic, body, qos)
        finally:
            self._calls -= 1

    async def close(self) -> None:
        """See the contract."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            await link.close()


class MqttAddresses:
    """Opens clients for `mqtt://` and `mqtts://` URLs of guests."""

    @staticmethod
    def open_address(url: str, *, allowed: Allowed) -> AddressClient:
        """A client that connects with its first call."""
        return AddressClient(target_of(url, allowed))
