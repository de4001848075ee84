"""Listening sockets: made here, handed to the core, or handed to a new process."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from paddock.errors import HostError, UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """`host` as given, without brackets; `port` 0 picks a free one."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT`; UsageError otherwise."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"{text!r} is not an address to listen on",
            hint="write HOST:PORT, such as 127.0.0.1:3000; port 0 picks a free one",
        )
    return Address(host or "0.0.0.0", int(port))


def bind(address: Address) -> socket.socket:
    """A listening TCP socket; HostError says who may hold the port."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(
            (address.host, address.port), family=family, backlog=1024, reuse_port=False
        )
    except OSError as error:
        raise HostError(
            f"can't listen on {address.host}:{address.port}: {error.strerror or error}",
            hint="another program may use the port; choose one with --listen HOST:PORT",
        ) from error


def url(listener: socket.socket, *, tls: bool) -> str:
    """How a client on this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
