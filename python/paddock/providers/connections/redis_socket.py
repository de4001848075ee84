"""How a connection to Redis is made, and what its errors mean."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, TypedDict

from paddock.errors import AccessDenied, CapabilityError, Unavailable
from paddock.providers.connections.redis_target import RedisTarget

if TYPE_CHECKING:
    import ssl

    from redis.asyncio.connection import Connection


class Settings(TypedDict):
    """Arguments of redis-py's connection. Its own timeouts cost a task for each call."""

    host: str
    port: int
    db: int
    username: str | None
    password: str | None
    protocol: int
    socket_timeout: None
    socket_connect_timeout: float


def settings(target: RedisTarget) -> Settings:
    """For `connection_class`."""
    return {
        "host": target.host,
        "port": target.port,
        "db": target.database,
        "username": target.username,
        "password": target.password.value if target.password else None,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": target.timeout,
    }


def connection_class(target: RedisTarget) -> type[Connection]:
    """redis-py's connection, to addresses that are allowed, without retries of its own."""
    from redis.asyncio.connection import Connection
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    class Careful(Connection):
        def __init__(self, **options: object) -> None:
            super().__init__(**{**options, "retry": Retry(NoBackoff(), 0)})  # type: ignore[arg-type]

        async def _connect(self) -> None:
            self._reader, self._writer = await _open(target)

    return Careful


async def _open(target: RedisTarget) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket to the first address that is allowed and answers; OSError, AccessDenied."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if target.allowed is not None:
        addresses = [each for each in addresses if target.allowed(target.host, each, target.port)]
        if not addresses:
            raise Forbidden(target.host)
    context = _tls(target)
    failure: OSError = OSError(f"{target.host} has no address")
    for address in addresses:
        try:
            reader, writer = await asyncio.open_connection(
                address,
                target.port,
                ssl=context,
                server_hostname=target.host if context else None,
            )
        except OSError as error:
            failure = error
            continue
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return reader, writer
    raise failure


class Forbidden(OSError):
    """The host has addresses, none of which may be connected to."""


def _tls(target: RedisTarget) -> ssl.SSLContext | None:
    if not target.tls:
        return None
    import ssl

    return ssl.create_default_context(cafile=target.ca)


#: First words of answers that may be others when the same is asked again.
_AGAIN = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS")


def explained(error: Exception, target: RedisTarget) -> CapabilityError:
    """The error of the tree for one of redis-py's; holds no secret."""
    from redis import exceptions

    what, text = target.what, str(error)
    if isinstance(error.__context__, Forbidden):
        found: CapabilityError = AccessDenied(f"{what} has no address that may be connected to")
    elif isinstance(
        error, exceptions.AuthenticationError | exceptions.AuthorizationError
    ) or text.startswith(("NOAUTH", "WRONGPASS")):
        found = CapabilityError(
            f"{what} refused the user name or password", hint="check them in its table"
        )
    elif isinstance(error, exceptions.OutOfMemoryError) or text.startswith("OOM"):
        found = Unavailable(f"{what} has no memory left for what is written (maxmemory)")
    elif text.startswith(_AGAIN) or isinstance(
        error, exceptions.BusyLoadingError | exceptions.ReadOnlyError
    ):
        found = Unavailable(f"{what} can't answer now: {text}")
    elif isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError):
        reason = text.splitlines()[0] if text else type(error).__name__
        found = Unavailable(f"{what} can't be reached: {reason}")
    else:
        found = CapabilityError(f"{what} answered: {text}")
    return found
