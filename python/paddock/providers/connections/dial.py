"""Finds the addresses of a host that may be connected to.

A name that a guest chose may resolve to an address that it was not granted, so
whoever connects for a guest connects to one of these addresses, not to the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Any

from paddock.errors import AccessDenied, Unavailable

#: Whether a host that resolved to an IP address may be connected to at a port.
Allowed = Callable[[str, str, int], bool]


async def addresses(host: str, port: int, allowed: Allowed | None) -> list[str]:
    """The allowed IP addresses of `host`, in the order to try them.

    Raises Unavailable where the name has none, AccessDenied where none is allowed.
    """
    try:
        found = [str(ipaddress.ip_address(host))]
    except ValueError:
        loop = asyncio.get_running_loop()
        try:
            infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"the name {host[:100]!r} can't be resolved") from error
        found = list(dict.fromkeys(str(info[4][0]) for info in infos))
    if allowed is None:
        return found
    permitted = [address for address in found if allowed(host, address, port)]
    if not permitted:
        raise AccessDenied(
            f"the address of {host[:100]!r} is not permitted",
            hint="grant the address that the name resolves to in allowed_outbound_hosts",
        )
    return permitted


class NamedContext(ssl.SSLContext):
    """Checks the certificate for `name`, whatever address is connected to."""

    name: str

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """The one method that asyncio makes TLS objects with."""
        options: dict[str, Any] = {"server_side": server_side, "session": session}
        return super().wrap_bio(incoming, outgoing, server_hostname=self.name, **options)
