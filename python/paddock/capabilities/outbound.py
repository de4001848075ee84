"""Who may be reached: what a facade asks before a client goes to an address of a guest's.

The rules are those of outgoing HTTP and sockets (`paddock._core.Outbound`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply


class Outbound(Protocol):
    """What `allowed_outbound_hosts` of one component allows."""

    def allows_host(self, scheme: str, host: str, port: int, /) -> bool:
        """Whether a guest may name this host at all."""
        ...

    def allows_address(self, scheme: str, host: str, address: str, port: int, /) -> bool:
        """Whether `host`, which resolved to the IP `address`, may be connected to."""
        ...


class Addresses(Protocol):
    """Opens clients for addresses that a guest names, each one shared by its instances."""

    def open(self, kind: str, address: str, /) -> Reply[object]:
        """The client for a URL; `kind` is redis, mqtt, postgres or mysql.

        Raises AccessDenied where the component has no grant for it,
        CapabilityError for a URL that can't be read. Connecting comes later, so
        an unreachable server shows at the first call.
        """
        ...
