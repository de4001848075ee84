"""Connections to Redis, shared by all who use one server from one event loop.

Calls are pipelined: those that are made in one turn of the event loop are sent
together, and answers are given out in their order. That costs each a fraction
of what a connection of its own would, and a slow one delays those behind it,
so calls spread over a few connections when many are under way.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.health import Health
from paddock.providers.connections.redis_lane import Lane
from paddock.providers.connections.redis_target import RedisTarget
from paddock.providers.connections.shared import Shared

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Calls under way on one connection before the next one is used.
PER_LANE = 32

#: A part of a command, as it is sent.
Part = bytes | str | int


class RedisLink:
    """Its methods belong to the event loop where it was made. Redis may be away meanwhile."""

    def __init__(self, target: RedisTarget) -> None:
        self.target = target
        self.health = Health(target.what, self._ping, target.timeout)
        self._lanes = [Lane(target, self.health.doubt) for _ in range(target.connections)]
        self._first = self._lanes[0]
        self._client: Redis | None = None
        self._closed = False

    def execute(self, *command: Part) -> Awaitable[object]:
        """Send a command; its answer has bytes, integers, lists and None, as Redis gave it.

        Raises CapabilityError, Unavailable within the timeout. A command that
        failed because the server went away may have been carried out.
        """
        if self._closed:
            raise Unavailable(f"the connection to {self.target.what} is closed")
        if self.health.failure is not None:
            self.health.check()
        lane = self._first
        if lane.load >= PER_LANE:
            lane = min(self._lanes, key=_load)
        return lane.call(command)

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return any(lane.load for lane in self._lanes)

    @property
    def client(self) -> Redis:
        """redis-py's own client, with connections of its own, for what blocks or subscribes.

        It retries nothing and has no timeout for answers: give it yours.
        """
        if self._client is None:
            from redis.asyncio import Redis
            from redis.asyncio.connection import ConnectionPool

            from paddock.providers.connections.redis_socket import connection_class, settings

            pool = ConnectionPool(connection_class(self.target), **settings(self.target))
            self._client = Redis(connection_pool=pool)
        return self._client

    async def close(self) -> None:
        """End all connections; calls under way fail."""
        self._closed = True
        await self.health.close()
        for lane in self._lanes:
            await lane.close()
        if self._client is not None:
            await self._client.aclose(close_connection_pool=True)

    async def _ping(self) -> None:
        await self._first.call(("PING",))


def _load(lane: Lane) -> int:
    return lane.load


_LINKS: Shared[RedisLink] = Shared()


def load() -> None:
    """Import the client library, which takes a while. CapabilityError where there is none."""
    try:
        import redis.asyncio  # noqa: F401
    except ImportError as error:
        raise CapabilityError(
            "the package 'redis' is not installed", hint="pip install 'paddock[redis]'"
        ) from error


def take(target: RedisTarget) -> RedisLink:
    """The connections to a server; give them back with `give`.

    Needs a running loop and no server. Raises CapabilityError, see `load`.
    """
    load()
    link = _LINKS.take(target, lambda: RedisLink(target))
    link.health.doubt()
    return link


async def give(link: RedisLink) -> None:
    """Give up one use; the last one closes the connections."""
    await _LINKS.give(link.target, link)
