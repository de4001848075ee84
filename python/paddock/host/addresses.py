"""Clients for addresses that guests name: `redis://…`, `postgres://…` and so on.

A client, which pools its connections, is kept for each component and address
and shared by all instances, over generations. What no guest holds and nobody
opened for a while is closed, as is the one opened longest ago where a component
names too many.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from paddock import _core
from paddock.errors import CapabilityError, Exhausted
from paddock.interfaces.grants import Denied
from paddock.types import Reply, resolve

if TYPE_CHECKING:
    from paddock._options import Grant
    from paddock.capabilities.outbound import Outbound
    from paddock.errors import AccessDenied

LOG = logging.getLogger("paddock.host")

#: Clients of one component, and seconds after which one that nobody opened again is closed.
MOST = 32
IDLE = 120.0

#: kind → capability and type of its provider, and the port where the URL has none.
_PROVIDERS = {
    "redis": ("redis", "redis", 6379),
    "mqtt": ("mqtt", "mqtt", 1883),
    "postgres": ("sql", "postgres", 5432),
    "mysql": ("sql", "mysql", 3306),
}
#: Schemes of URLs by the scheme that a grant has.
_SCHEMES = {"rediss": "redis", "mqtts": "mqtt", "postgresql": "postgres"}

#: Whether a host that resolved to an IP address may be connected to at a port.
Allowed = Callable[[str, str, int], bool]


class AddressProvider(Protocol):
    """A provider class that also opens clients for URLs of guests."""

    @staticmethod
    def open_address(url: str, *, allowed: Allowed) -> object:
        """A client that connects when it is used, and only where `allowed` says so.

        `allowed(host, address, port)` has to hold for each address that is really
        connected to. Raises CapabilityError for a URL that can't be read.
        """
        ...


class _Closable(Protocol):
    def close(self) -> Reply[None]: ...


@dataclass(slots=True)
class _Client:
    opened: object
    used: float = field(default_factory=time.monotonic)

    @property
    def held(self) -> bool:
        """Whether a guest has a resource of it, however long that has been quiet.

        A resource is an object that refers to the client, so nobody has to be told
        when an instance ends without letting go of it.
        """
        return sys.getrefcount(self.opened) > _ALONE


#: The count for a client that only the pool refers to.
_ALONE = sys.getrefcount((_NOBODYS := _Client(object())).opened)


class AddressPool:
    """All such clients of a host. `close` belongs to the host's event loop."""

    def __init__(self) -> None:
        self._clients: dict[tuple[object, ...], _Client] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._sweep = self._loop.call_later(IDLE, self._drop_idle)

    def of(
        self,
        who: tuple[str, str],
        grants: Sequence[Grant],
        blocked: Sequence[str],
        denied: Denied,
    ) -> ComponentAddresses:
        """What one component, `who` by application and id, may open.

        `blocked` are networks that no grant opens, as in `paddock._core.ComponentSpec`.
        """
        return ComponentAddresses(self, (*who, tuple(grants), tuple(blocked)), denied)

    def client(self, owner: tuple[object, ...], kind: str, url: str, allowed: Allowed) -> object:
        """The client for a URL, made if there is none."""
        key = (*owner, kind, url)
        client = self._clients.get(key)
        if client is None:
            self._make_room(owner)
            from paddock.providers.registry import find

            capability, type_name, _ = _PROVIDERS[kind]
            provider = cast("AddressProvider", find(capability, type_name))
            client = self._clients.setdefault(
                key, _Client(provider.open_address(url, allowed=allowed))
            )
        client.used = time.monotonic()
        return client.opened

    def _make_room(self, owner: tuple[object, ...]) -> None:
        """Let go of the client that nobody holds and that was used longest ago, if there are many.

        Raises Exhausted where all are held.
        """
        own = [(client, key) for key, client in [*self._clients.items()] if key[:-2] == owner]
        if len(own) < MOST:
            return
        idle = [(client.used, key) for client, key in own if not client.held]
        if not idle:
            raise Exhausted(
                f"the component holds connections to {len(own)} addresses, which is the most",
                hint="let go of one before opening another",
            )
        self._let_go(min(idle, key=lambda each: each[0])[1])

    def _drop_idle(self) -> None:
        before = time.monotonic() - IDLE
        for key, client in [*self._clients.items()]:
            busy = client.held or getattr(client.opened, "busy", False)
            if client.used < before and not busy:
                self._let_go(key)
        self._sweep = self._loop.call_later(IDLE / 4, self._drop_idle)

    def _let_go(self, key: tuple[object, ...]) -> None:
        client = self._clients.pop(key, None)
        if client is not None:
            self._loop.call_soon_threadsafe(self._close_later, client)

    def _close_later(self, client: _Client) -> None:
        task = self._loop.create_task(_close(client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close every client."""
        self._sweep.cancel()
        clients, self._clients = [*self._clients.values()], {}
        for client in clients:
            await _close(client)
        await asyncio.gather(*self._closing, return_exceptions=True)


async def _close(client: _Client) -> None:
    try:
        await resolve(cast("_Closable", client.opened).close())
    except Exception:
        LOG.exception("closing a client of a guest's failed")


class ComponentAddresses:
    """The contract is `paddock.capabilities.outbound.Addresses`."""

    __slots__ = ("_denied", "_made", "_owner", "_pool", "_reported")

    def __init__(self, pool: AddressPool, owner: tuple[object, ...], denied: Denied) -> None:
        self._pool = pool
        self._owner = owner
        self._denied = denied
        self._made: Outbound | None = None
        self._reported: set[str] = set()

    def open(self, kind: str, address: str, /) -> object:
        """See the contract."""
        scheme, host, port = _place(kind, address)
        outbound = self._outbound()
        if not outbound.allows_host(scheme, host, port):
            raise self._refuse(scheme, host, port)

        def allowed(name: str, ip: str, where: int) -> bool:
            return outbound.allows_address(scheme, name, ip, where)

        return self._pool.client(self._owner, kind, address, allowed)

    def _outbound(self) -> Outbound:
        # Most components never ask, so nothing is made for them.
        if self._made is None:
            grants, blocked = self._owner[2:]
            self._made = _core.Outbound(
                cast("Sequence[Grant]", grants), cast("Sequence[str]", blocked)
            )
        return self._made

    def _refuse(self, scheme: str, host: str, port: int) -> AccessDenied:
        from paddock.errors import AccessDenied

        place = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"[:200]
        line = f"allowed_outbound_hosts = [{json.dumps(place)}]"
        if place not in self._reported and len(self._reported) < 100:
            self._reported.add(place)
            self._denied("outbound address", place, line)
        return AccessDenied(f"the address {place} is not permitted", hint=f"add {line}")


def grant_for(kind: str, address: str) -> str:
    """The grant that allows the server of a URL and no other; CapabilityError for no URL."""
    scheme, host, port = _place(kind, address)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _place(kind: str, address: str) -> tuple[str, str, int]:
    """Scheme of grants, host and port of a URL."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise CapabilityError("the address is not a URL") from error
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    if scheme != kind or not host:
        raise CapabilityError(f"the address is not a {kind}:// URL with a host")
    return scheme, host, port or _PROVIDERS[kind][2]
