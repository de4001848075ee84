"""A key-value store in Redis.

A value is a plain string under `PREFIX:APPLICATION:NAME:v:KEY`, so that a read
is one GET. Beside them a sorted set `PREFIX:APPLICATION:NAME:k` holds the keys:
SCAN would report a key twice and looks at every key of the database, while the
set is read in order from any key on. A write changes both in one script, which
nothing comes between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from paddock.capabilities.key_value import LARGEST, PAGE, SMALLEST, KeyPage, Snapshot
from paddock.errors import CapabilityError
from paddock.providers.connections.redis import RedisLink, give, load, take
from paddock.providers.connections.redis_socket import NoScript
from paddock.providers.connections.redis_target import RedisTarget, target_from
from paddock.providers.options import Options

#: Keys, and bytes of values after which a batch goes on in another command: while
#: Redis runs one script it does nothing else.
BATCH = 500
LARGE = 1 << 20


class Script:
    """A Lua script; Redis knows it by its digest once it has seen it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


# KEYS[1] is the set of keys, the rest are values' keys; ARGV begins with the keys themselves.
SET = Script(
    "for i=2,#KEYS do redis.call('SET',KEYS[i],ARGV[2*i-2]) "
    "redis.call('ZADD',KEYS[1],0,ARGV[2*i-3]) end return 1"
)
DELETE = Script(
    "for i=2,#KEYS do redis.call('DEL',KEYS[i]) redis.call('ZREM',KEYS[1],ARGV[i-1]) end return 1"
)
# The sum comes back as text: numbers of Lua have 53 bits.
INCREMENT = Script(
    "redis.call('INCRBY',KEYS[2],ARGV[2]) redis.call('ZADD',KEYS[1],0,ARGV[1]) "
    "return redis.call('GET',KEYS[2])"
)
SWAP = Script(
    "local now=redis.call('GET',KEYS[2]) "
    "if ARGV[3]=='1' then if now~=ARGV[4] then return 0 end elseif now then return 0 end "
    "redis.call('SET',KEYS[2],ARGV[2]) redis.call('ZADD',KEYS[1],0,ARGV[1]) return 1"
)


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """A server (see `redis_target.target_from`), and `prefix`, which all keys begin with."""

    target: RedisTarget
    prefix: str = "paddock"

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return f"{self.target.place} {self.prefix}"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> RedisConfig:
        """Read a `[key_value_store.X]` table."""
        table = Options(options, "a Redis key-value store")
        target = target_from(table, base)
        prefix = table.text("prefix", "paddock") or ""
        table.done()
        return cls(target, prefix)


class RedisStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    def __init__(self, link: RedisLink, prefix: str) -> None:
        self._link = link
        self._what = link.target.what
        self._execute = link.execute
        self._keys = f"{prefix}:k"
        self._value = f"{prefix}:v:"
        self._closed = False

    async def get(self, key: str, /) -> bytes | None:
        """One GET."""
        return cast("bytes | None", await self._execute("GET", self._value + key))

    async def exists(self, key: str, /) -> bool:
        """One EXISTS."""
        return await self._execute("EXISTS", self._value + key) == 1

    async def set(self, key: str, value: bytes, /) -> None:
        """One script."""
        await self._run(SET, (key,), key, value)

    async def delete(self, key: str, /) -> None:
        """One script."""
        await self._run(DELETE, (key,), key)

    async def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """In the order of code points; the cursor is the last key of the page before."""
        start = "-" if cursor is None else f"({cursor}"
        # One more than asked tells whether there are more.
        found = await self._execute("ZRANGEBYLEX", self._keys, start, "+", "LIMIT", 0, limit + 1)
        names = [name.decode() for name in cast("list[bytes]", found)]
        if len(names) <= limit:
            return KeyPage(names)
        return KeyPage(names[:limit], names[limit - 1])

    async def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
        """MGET, in parts."""
        found: list[tuple[str, bytes | None]] = []
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            values = await self._execute("MGET", *(self._value + key for key in part))
            found += zip(part, cast("list[bytes | None]", values), strict=True)
        return found

    async def set_many(self, items: Sequence[tuple[str, bytes]], /) -> None:
        """In parts, each of them whole or not at all."""
        part: dict[str, bytes] = {}
        size = 0
        for key, value in items:
            part[key] = value
            size += len(value)
            if len(part) >= BATCH or size >= LARGE:
                await self._set_part(part)
                part, size = {}, 0
        if part:
            await self._set_part(part)

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """In parts, each of them whole or not at all."""
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            await self._run(DELETE, part, *part)

    async def increment(self, key: str, delta: int, /) -> int:
        """INCRBY, which knows 64 bits and decimal text as the contract wants them."""
        if not SMALLEST <= delta <= LARGEST:
            raise CapabilityError(f"can't increment key {key!r} by more than 64 bits hold")
        try:
            return int(cast("bytes", await self._run(INCREMENT, (key,), key, delta)))
        except CapabilityError as error:
            if "not an integer" in error.message:
                raise CapabilityError(
                    f"can't increment key {key!r}: its value is not a 64-bit decimal number",
                    hint="delete the key or set it to digits first",
                ) from error
            if "would overflow" in error.message:
                raise CapabilityError(
                    f"can't increment key {key!r}: the sum needs more than 64 bits"
                ) from error
            raise

    async def snapshot(self, key: str, /) -> Snapshot:
        """The value itself is compared: there is no version."""
        return Snapshot(await self.get(key))

    async def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        """One script, so atomic for all who use the server."""
        old = expected.value
        there = 0 if old is None else 1
        return await self._run(SWAP, (key,), key, value, there, old or b"") == 1

    async def close(self) -> None:
        """The connections are closed with the last store that uses them."""
        if not self._closed:
            self._closed = True
            await give(self._link)

    async def _set_part(self, part: Mapping[str, bytes]) -> None:
        pairs = [each for item in part.items() for each in item]
        await self._run(SET, tuple(part), *pairs)

    async def _run(
        self, script: Script, keys: Sequence[str], *arguments: str | bytes | int
    ) -> object:
        names = [self._value + key for key in keys]
        rest = (1 + len(names), self._keys, *names, *arguments)
        try:
            return await self._execute("EVALSHA", script.digest, *rest)
        except NoScript:
            return await self._execute("EVAL", script.text, *rest)


class RedisKeyValue:
    """`type = "redis"`."""

    Config = RedisConfig

    @staticmethod
    def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> Coroutine[object, object, RedisStore]:
        """Open the store; the server may be away. CapabilityError without the library."""
        del state_dir
        if not isinstance(config, RedisConfig):
            raise TypeError(f"wanted RedisConfig, got {type(config).__name__}")
        load()
        return _opened(config, f"{config.prefix}:{escaped(application)}:{escaped(name)}")


async def _opened(config: RedisConfig, prefix: str) -> RedisStore:
    return RedisStore(take(config.target), prefix)


def escaped(name: str) -> str:
    """Without colons, so that no two stores meet: what stands between them is a name."""
    return name.replace("%", "%25").replace(":", "%3A")
