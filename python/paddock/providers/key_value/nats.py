"""A key-value store in NATS JetStream: one KV bucket for each store.

A bucket is a stream `KV_BUCKET` whose subjects `$KV.BUCKET.KEY` keep their last
messages (NATS ADR-8). Its requests are sent as they are, since the client
library's own bucket answers slower and lists by receiving every key's message.
The version of a value is its sequence number. A deletion purges the subject, so
that no marker stays behind to be kept and listed for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot, counted
from paddock.providers.connections.jetstream import Conflict
from paddock.providers.connections.nats import NatsLink, give, load, take
from paddock.providers.connections.nats_target import NatsTarget, target_from
from paddock.providers.key_value.nats_bucket import Bucket, BucketOptions
from paddock.providers.key_value.nats_names import bucket_name, key_of, token_of
from paddock.providers.options import Options

T = TypeVar("T")

#: Requests of one batch that are under way at once.
TOGETHER = 64


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """Servers (see `nats_target.target_from`), and how buckets are made that are not there.

    `prefix` begins the names of all buckets.
    """

    target: NatsTarget
    prefix: str = "paddock"
    options: BucketOptions = field(default_factory=BucketOptions)

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return f"{self.target.place} {self.prefix}"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> NatsConfig:
        """Read a `[key_value_store.X]` table."""
        table = Options(options, "a NATS key-value store")
        target = target_from(table, base)
        prefix = table.text("prefix", "paddock") or "paddock"
        bucket = BucketOptions(
            replicas=table.integer("replicas", 1, least=1, most=5),
            history=table.integer("history", 1, least=1, most=64),
            storage=table.choice("storage", ("file", "memory")),
        )
        table.done()
        return cls(target, prefix, bucket)


class NatsStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    def __init__(self, link: NatsLink, bucket: Bucket) -> None:
        self._link = link
        self._bucket = bucket
        self._closed = False
        #: Counting of one key in this process goes in turns: each that collides costs two requests.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: str, /) -> bytes | None:
        """One request."""
        return (await self._bucket.read(token_of(key)))[0]

    async def exists(self, key: str, /) -> bool:
        """Reads the value too: NATS has no cheaper question."""
        return await self.get(key) is not None

    async def set(self, key: str, value: bytes, /) -> None:
        """One request; answered when the value is stored, on most replicas if there are several."""
        await self._bucket.write(token_of(key), value)

    async def delete(self, key: str, /) -> None:
        """One request."""
        await self._bucket.purge(token_of(key))

    async def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """In the order of code points; the cursor is the last key. Each page reads all names."""
        names = sorted(
            key
            for key in map(key_of, await self._bucket.tokens())
            if key is not None and (cursor is None or key > cursor)
        )
        page = names[:limit]
        return KeyPage(page, page[-1] if len(names) > limit else None)

    async def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
        """A request for each, many at once."""
        return list(zip(keys, await _all(self.get, keys), strict=True))

    async def set_many(self, items: Sequence[tuple[str, bytes]], /) -> None:
        """A request for each, many at once."""
        last = dict(items)
        await _all(lambda key: self.set(key, last[key]), [*last])

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """A request for each, many at once."""
        await _all(self.delete, keys)

    async def increment(self, key: str, delta: int, /) -> int:
        """Repeats a swap until nobody came between."""
        token = token_of(key)
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            while True:
                value, revision = await self._bucket.read(token)
                total = counted(value, delta, key)
                try:
                    await self._bucket.write(token, b"%d" % total, revision)
                except Conflict:
                    continue
                return total

    async def snapshot(self, key: str, /) -> Snapshot:
        """The version is the revision, 0 for a key that never was."""
        return Snapshot(*await self._bucket.read(token_of(key)))

    async def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        """One request, which the stream's leader refuses if the revision is another."""
        try:
            await self._bucket.write(token_of(key), value, cast("int", expected.version))
        except Conflict:
            return False
        return True

    async def close(self) -> None:
        """The connection is closed with the last one that uses it."""
        if not self._closed:
            self._closed = True
            await give(self._link)


async def _all(
    request: Callable[[str], Coroutine[object, object, T]], keys: Sequence[str]
) -> list[T]:
    """The answers in the order of the keys; the first failure, when all of a part have ended."""
    found: list[T] = []
    for start in range(0, len(keys), TOGETHER):
        part = keys[start : start + TOGETHER]
        answers = await asyncio.gather(*map(request, part), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            found.append(answer)
    return found


class NatsKeyValue:
    """`type = "nats"`."""

    Config = NatsConfig

    @staticmethod
    def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> Coroutine[object, object, NatsStore]:
        """Open the store; the servers may be away. CapabilityError without the library."""
        del state_dir
        if not isinstance(config, NatsConfig):
            raise TypeError(f"wanted NatsConfig, got {type(config).__name__}")
        load()
        return _opened(config, bucket_name(config.prefix, application, name))


async def _opened(config: NatsConfig, name: str) -> NatsStore:
    link = take(config.target)
    return NatsStore(link, Bucket(link, name, config.options))
