"""A key-value store that can be moved to another provider while it is used.

Copying goes on beside the writes: keys that are written meanwhile are noted and
copied again, a few rounds long. Only for the last few of them writes wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from typing import TypeVar, cast

from paddock.capabilities.key_value import PAGE, KeyPage, KeyValueStore, Snapshot
from paddock.host.live.key_value_copy import Copy
from paddock.host.live.writes import Move, Writes
from paddock.types import Deferred, Reply, resolve, then

T = TypeVar("T")

#: Keys that may have changed since they were copied, before writes have to wait.
FEW = 200

#: Types of replies to writes that are values: looking here is quicker than asking an ABC.
_PLAIN = frozenset({type(None), bool, int})


async def is_empty(provider: object) -> bool:
    """Whether a store holds no key."""
    store = cast("KeyValueStore", provider)
    cursor: str | None = None
    while True:
        page = await resolve(store.keys(cursor, 1))
        if page.keys or page.cursor is None:
            return not page.keys
        cursor = page.cursor


class LiveKeyValue:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`.

    After a move it passes calls on to the successor, which is another of these:
    who began on it ends on it.
    """

    __slots__ = ("_awaited", "_epoch", "_loop", "_own", "_store", "_writes")

    def __init__(self, store: KeyValueStore) -> None:
        self._own = self._store = store
        #: Saves making a coroutine only to learn that it is one.
        self._awaited = iscoroutinefunction(store.set)
        self._writes: Writes[str] = Writes("the key-value store")
        #: Where migrations run, once one did.
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Counts moves: a snapshot of another provider is never still true.
        self._epoch = 0

    def get(self, key: str, /) -> Reply[bytes | None]:
        """Goes where the data is."""
        return self._store.get(key)

    def exists(self, key: str, /) -> Reply[bool]:
        """Goes where the data is."""
        return self._store.exists(key)

    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[KeyPage]:
        """A cursor from before a move is good where both providers list in the same order."""
        return self._store.keys(cursor, limit)

    def get_many(self, keys: Sequence[str], /) -> Reply[list[tuple[str, bytes | None]]]:
        """Goes where the data is."""
        return self._store.get_many(keys)

    def set(self, key: str, value: bytes, /) -> Reply[None]:
        """Written out, without `_write`, since this is the write that must be fast."""
        writes = self._writes
        gate = writes.gate
        flight = gate.flight
        if flight is None or self._awaited:
            return self._waiting((key,), lambda store: store.set(key, value))
        flight.append(None)
        # See the gate: another thread may have changed it between the two lines above.
        if gate.flight is not flight:
            flight.pop()
            return self._write((key,), lambda store: store.set(key, value))
        try:
            reply = self._store.set(key, value)
        finally:
            if writes.noted is not None:
                writes.note((key,))
            flight.pop()
        if reply is None:
            return None
        return self._later(reply, (key,), lambda store: store.set(key, value))

    def delete(self, key: str, /) -> Reply[None]:
        """A write."""
        return self._write((key,), lambda store: store.delete(key))

    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> Reply[None]:
        """A write."""
        return self._write([key for key, _ in items], lambda store: store.set_many(items))

    def delete_many(self, keys: Sequence[str], /) -> Reply[None]:
        """A write."""
        return self._write(keys, lambda store: store.delete_many(keys))

    def increment(self, key: str, delta: int, /) -> Reply[int]:
        """A write."""
        return self._write((key,), lambda store: store.increment(key, delta))

    def snapshot(self, key: str, /) -> Reply[Snapshot]:
        """Remembers which provider it is of."""
        # Before the store: the other way round, an old value could pass for a new one.
        epoch = self._epoch
        return then(
            self._store.snapshot(key), lambda seen: Snapshot(seen.value, (epoch, seen.version))
        )

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> Reply[bool]:
        """A write; False for a snapshot of the provider before a move."""
        epoch, version = cast("tuple[int, object]", expected.version)
        seen = Snapshot(expected.value, version)

        def swap(store: KeyValueStore) -> Reply[bool]:
            return epoch == self._epoch and store.swap(key, seen, value)

        return self._write((key,), swap)

    def close(self) -> Reply[None]:
        """Closes the provider that it began with; a successor has a handle of its own."""
        return self._own.close()

    def _write(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> Reply[T]:
        flight = None if self._awaited else self._writes.gate.begin()
        if flight is None:
            return self._waiting(keys, work)
        try:
            reply = work(self._store)
        finally:
            self._writes.note(keys)
            flight.pop()
        return reply if type(reply) in _PLAIN else self._later(reply, keys, work)

    def _later(
        self, reply: Reply[T], keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]
    ) -> Reply[T]:
        """What has not begun yet begins anew, and is counted, when its time comes."""
        if isinstance(reply, Deferred):
            return Deferred(lambda: self._blocking(keys, work))
        if isinstance(reply, Coroutine):
            reply.close()
            return self._waiting(keys, work)
        return reply

    async def _waiting(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> T:
        try:
            flight = await self._writes.gate.enter()
        except TimeoutError as error:
            raise self._writes.waited() from error
        try:
            return await resolve(work(self._store))
        finally:
            self._writes.note(keys)
            flight.pop()

    def _blocking(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> T:
        try:
            flight = self._writes.gate.wait()
        except TimeoutError as error:
            raise self._writes.waited() from error
        try:
            reply = work(self._store)
            if isinstance(reply, Deferred):
                return cast("Deferred[T]", reply)()
            if not isinstance(reply, Coroutine):
                return reply
            # It was moved, from a store that blocks to one that awaits, before its turn came.
            assert self._loop is not None
            return cast("T", asyncio.run_coroutine_threadsafe(reply, self._loop).result())
        finally:
            self._writes.note(keys)
            flight.pop()

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> Move[str]:
        """See `paddock.host.live.Live`."""
        self._loop = asyncio.get_running_loop()
        copy = Copy(self._store, cast("KeyValueStore", target), progress)
        await self._writes.copy(copy, FEW)
        return Move(self._writes, copy, self._go)

    def _go(self, successor: object) -> None:
        self._store = cast("KeyValueStore", successor)
        self._epoch += 1
        self._awaited = False
