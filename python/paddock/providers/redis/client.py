"""A client for a Redis server that a guest names by its URL."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from paddock.capabilities.redis import Answer
from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.redis_target import RedisTarget, target_of

if TYPE_CHECKING:
    from paddock.providers.connections.redis import RedisLink

#: Commands that change what a connection is for, or keep it waiting, though others use it.
REFUSED = frozenset(
    (
        *("AUTH", "HELLO", "QUIT", "RESET", "SELECT", "CLIENT", "ASKING", "READONLY", "READWRITE"),
        *("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"),
        *("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "REPLCONF"),
        *("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"),
        *("BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"),
        *("WAIT", "WAITAOF", "SHUTDOWN"),
    )
)
#: Commands that wait only when an argument says so.
WAITING = frozenset(("XREAD", "XREADGROUP"))


class AddressClient:
    """The contract is `paddock.capabilities.redis.RedisClient`."""

    def __init__(self, target: RedisTarget) -> None:
        self._target = target
        self._link: RedisLink | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return self._link is not None and self._link.busy

    async def get(self, key: str, /) -> bytes | None:
        """See the contract."""
        return cast("bytes | None", await self._call("GET", key))

    async def set(self, key: str, value: bytes, /) -> None:
        """See the contract."""
        await self._call("SET", key, value)

    async def incr(self, key: str, /) -> int:
        """See the contract."""
        return cast("int", await self._call("INCR", key))

    async def delete(self, keys: Sequence[str], /) -> int:
        """See the contract."""
        return cast("int", await self._call("DEL", *keys)) if keys else 0

    async def sadd(self, key: str, members: Sequence[str], /) -> int:
        """See the contract."""
        return cast("int", await self._call("SADD", key, *members)) if members else 0

    async def smembers(self, key: str, /) -> list[str]:
        """See the contract; a member that is no text is an error."""
        found = cast("list[bytes]", await self._call("SMEMBERS", key))
        try:
            return [member.decode() for member in found]
        except UnicodeDecodeError as error:
            raise CapabilityError(f"a member of the set {key!r} is not text") from error

    async def srem(self, key: str, members: Sequence[str], /) -> int:
        """See the contract."""
        return cast("int", await self._call("SREM", key, *members)) if members else 0

    async def publish(self, channel: str, body: bytes, /) -> None:
        """See the contract."""
        await self._call("PUBLISH", channel, body)

    async def execute(self, command: str, arguments: Sequence[bytes | int], /) -> list[Answer]:
        """See the contract."""
        words = command.upper().split()
        name = words[0] if words else ""
        blocks = name in WAITING and any(
            isinstance(each, bytes) and each.upper() == b"BLOCK" for each in arguments
        )
        if name in REFUSED or blocks:
            raise CapabilityError(
                f"the command {name} can't be used here: the connection is shared",
                hint="use a command that neither waits nor changes the connection",
            )
        if len(words) != 1:
            raise CapabilityError(f"{command[:100]!r} is not the name of a command")
        return list(_flat(await self._call(command, *arguments)))

    async def close(self) -> None:
        """See the contract."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _call(self, *command: bytes | str | int) -> Awaitable[object]:
        link = self._link
        if link is None:
            from paddock.providers.connections.redis import RedisLink, load

            if self._closed:
                raise Unavailable(f"the connection to {self._target.what} is closed")
            load()
            # Made here since it belongs to the loop that runs the calls.
            link = self._link = RedisLink(self._target)
        return link.execute(*command)


def _flat(answer: object) -> list[Answer]:
    if isinstance(answer, list):
        return [one for each in cast("list[object]", answer) for one in _flat(each)]
    return [cast("Answer", answer)]


class RedisAddresses:
    """Opens clients for `redis://` and `rediss://` URLs of guests."""

    @staticmethod
    def open_address(url: str, *, allowed: Allowed) -> AddressClient:
        """A client that connects with its first call."""
        return AddressClient(replace(target_of(url, allowed), statuses=True))
