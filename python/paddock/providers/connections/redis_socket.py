"""How a connection to Redis is made, and what its errors mean."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, TypedDict

from paddock.errors import CapabilityError, Exhausted, Unavailable, WrongType
from paddock.providers.connections.dial import addresses
from paddock.providers.connections.redis_target import RedisTarget
from paddock.providers.connections.trust import context

if TYPE_CHECKING:
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
            if target.statuses:
                from paddock.providers.connections.redis_parser import parser

                options["parser_class"] = parser()
            super().__init__(**{**options, "retry": Retry(NoBackoff(), 0)})  # type: ignore[arg-type]

        async def _connect(self) -> None:
            self._reader, self._writer = await _open(target)

    return Careful


async def _open(target: RedisTarget) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket to the first address that is allowed and answers; OSError, AccessDenied."""
    secure = context(target.ca) if target.tls else None
    failure = OSError(f"{target.host} has no address")
    for address in await addresses(target.host, target.port, target.allowed):
        try:
            reader, writer = await asyncio.open_connection(
                address,
                target.port,
                ssl=secure,
                server_hostname=target.host if secure else None,
            )
        except OSError as error:
            failure = error
            continue
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return reader, writer
    raise failure


class NoScript(CapabilityError):
    """The server does not know a script by its digest, which it does not since its start."""


#: First words of answers that may be others when the same is asked again.
_AGAIN = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS")


def explained(error: Exception, target: RedisTarget) -> CapabilityError:
    """The error of the tree for one of redis-py's; holds no secret."""
    from redis import exceptions

    what, text = target.what, str(error)
    # What `_open` raised comes wrapped up.
    found = error.__cause__
    if isinstance(found, CapabilityError):
        return found
    if isinstance(
        error, exceptions.AuthenticationError | exceptions.AuthorizationError
    ) or text.startswith(("NOAUTH", "WRONGPASS")):
        found = CapabilityError(
            f"{what} refused the user name or password", hint="check them in its table"
        )
    elif isinstance(error, exceptions.OutOfMemoryError) or text.startswith("OOM"):
        found = Exhausted(f"{what} has no memory left for what is written (maxmemory)")
    elif text.startswith(_AGAIN) or isinstance(
        error, exceptions.BusyLoadingError | exceptions.ReadOnlyError
    ):
        found = Unavailable(f"{what} can't answer now: {text}")
    elif isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError):
        reason = text.splitlines()[0] if text else type(error).__name__
        found = Unavailable(f"{what} can't be reached: {reason}")
    elif isinstance(error, exceptions.NoScriptError):
        found = NoScript(f"{what} does not know the script")
    elif text.startswith("WRONGTYPE") or "not an integer" in text:
        found = WrongType(f"{what} answered: {text}")
    else:
        found = CapabilityError(f"{what} answered: {text}")
    return found
