"""A key-value store that can be moved to another provider while it is used.

Copying goes on beside the writes: keys that are written meanwhile are noted and
copied again, a few rounds long. Only for the last few of them writes wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from typing import TypeVar, cast

from paddock.capabilities.key_value import PAGE, KeyPage, KeyValueStore, Snapshot
from paddock.errors import Unavailable
from paddock.host.live.gate import Gate
from paddock.types import Deferred, Reply, resolve, then

T = TypeVar("T")

#: Keys that are copied while writes wait, at most, unless rounds run out.
FEW = 200
ROUNDS = 8
#: Keys of one batch, and bytes of values after which a batch is written out.
BATCH = 250
LARGE = 1 << 20

WAITED = "the key-value store is being moved and did not take the write in time"


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
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    __slots__ = ("_awaited", "_dirty", "_epoch", "_gate", "_lock", "_own", "_store")

    def __init__(self, store: KeyValueStore) -> None:
        self._own = self._store = store
        #: Saves making a coroutine only to learn that it is one.
        self._awaited = iscoroutinefunction(store.set)
        self._gate = Gate()
        self._lock = threading.Lock()
        #: Keys written since a migration looked; None while there is none.
        self._dirty: set[str] | None = None
        #: Counts moves: a snapshot of another provider is never still true.
        self._epoch = 0

    def get(self, key: str, /) -> Reply[bytes | None]:
        """Goes where the data is."""
        return self._store.get(key)

    def exists(self, key: str, /) -> Reply[bool]:
        """Goes where the data is."""
        return self._store.exists(key)

    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[KeyPage]:
        """A cursor that was made before a move may skip or repeat keys."""
        return self._store.keys(cursor, limit)

    def get_many(self, keys: Sequence[str], /) -> Reply[list[tuple[str, bytes | None]]]:
        """Goes where the data is."""
        return self._store.get_many(keys)

    def set(self, key: str, value: bytes, /) -> Reply[None]:
        """A write."""
        return self._write((key,), lambda store: store.set(key, value))

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
        epoch = self._epoch
        return then(
            self._store.snapshot(key), lambda seen: Snapshot(seen.value, (epoch, seen.version))
        )

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> Reply[bool]:
        """A write; False for a snapshot of the provider before a move."""

        def swap(store: KeyValueStore) -> Reply[bool]:
            epoch, version = cast("tuple[int, object]", expected.version)
            if epoch != self._epoch:
                return False
            return store.swap(key, Snapshot(expected.value, version), value)

        return self._write((key,), swap)

    def close(self) -> Reply[None]:
        """Closes the provider that it began with; a successor has a handle of its own."""
        return self._own.close()

    def _write(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> Reply[T]:
        if self._awaited:
            return self._waiting(keys, work)
        flight = self._gate.begin()
        if flight is None:
            return self._waiting(keys, work)
        with flight:
            try:
                reply = work(self._store)
            finally:
                self.note(keys)
            if not isinstance(reply, Deferred | Coroutine):
                return reply
            # It has not begun yet: it will be counted when it does.
            if isinstance(reply, Coroutine):
                reply.close()
                return self._waiting(keys, work)
            return Deferred(lambda: self._blocking(keys, work))

    async def _waiting(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> T:
        try:
            flight = await self._gate.enter()
        except TimeoutError as error:
            raise Unavailable(WAITED) from error
        with flight:
            try:
                return await resolve(work(self._store))
            finally:
                self.note(keys)

    def _blocking(self, keys: Sequence[str], work: Callable[[KeyValueStore], Reply[T]]) -> T:
        try:
            flight = self._gate.wait()
        except TimeoutError as error:
            raise Unavailable(WAITED) from error
        with flight:
            try:
                reply = work(self._store)
                if isinstance(reply, Deferred):
                    return cast("Deferred[T]", reply)()
                if not isinstance(reply, Coroutine):
                    return reply
            finally:
                self.note(keys)
        # The store was moved, from one that blocks to one that awaits, between
        # the call and its turn on this thread, which can't await.
        reply.close()
        raise Unavailable(WAITED)

    def note(self, keys: Sequence[str]) -> None:
        """Remember keys that a migration has to copy again.

        After the write and inside its flight, whether it succeeded or not:
        before it, a copy could come between and the key be forgotten.
        """
        if self._dirty is not None:
            with self._lock:
                if self._dirty is not None:
                    self._dirty.update(keys)

    def _noted(self) -> list[str]:
        with self._lock:
            found = sorted(self._dirty or ())
            self._dirty = set()
        return found

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> _Move:
        """See `paddock.host.live.Live`."""
        copy = _Copy(self._store, cast("KeyValueStore", target), progress)
        self._noted()
        try:
            # From here on every write under way is one that notes its keys.
            await self._gate.renew()
            await copy.everything()
            for _ in range(ROUNDS):
                changed = self._noted()
                await copy.again(changed)
                if len(changed) <= FEW:
                    break
            await self._gate.close()
        except BaseException as error:
            self._dirty = None
            if isinstance(error, TimeoutError):
                raise Unavailable("writes to the old store did not end in time") from error
            raise
        try:
            await copy.again(self._noted())
        except BaseException:
            self.stay()
            raise
        return _Move(self, copy.copied)

    def stay(self) -> None:
        """Give the migration up."""
        self._dirty = None
        self._gate.open()

    def go(self, successor: KeyValueStore) -> None:
        """Go on with the successor for every call."""
        self._epoch += 1
        self._awaited = False
        self._store = successor
        self.stay()


class _Move:
    """The end of a migration; writes wait until one of its methods is called."""

    def __init__(self, live: LiveKeyValue, copied: int) -> None:
        self.copied = copied
        self._live = live

    def commit(self, successor: object, /) -> None:
        """See `paddock.host.live.Switch`."""
        self._live.go(cast("KeyValueStore", successor))

    def abandon(self) -> None:
        """See `paddock.host.live.Switch`."""
        self._live.stay()


class _Copy:
    """Copies keys from one store to another; works for any pair of providers."""

    def __init__(
        self, source: KeyValueStore, target: KeyValueStore, progress: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self.copied = 0

    async def everything(self) -> None:
        """Every key of the source; keys of the target that the source lacks are removed."""
        await self._clear()
        cursor: str | None = None
        while True:
            page = await resolve(self._source.keys(cursor, BATCH))
            await self._carry(page.keys)
            cursor = page.cursor
            if cursor is None:
                return

    async def _clear(self) -> None:
        while True:
            page = await resolve(self._target.keys(None, BATCH))
            if page.keys:
                await resolve(self._target.delete_many(page.keys))
            elif page.cursor is None:
                return

    async def again(self, keys: Sequence[str]) -> None:
        """These keys as they are now, gone ones included."""
        for start in range(0, len(keys), BATCH):
            await self._carry(keys[start : start + BATCH])

    async def _carry(self, keys: Sequence[str]) -> None:
        present: list[tuple[str, bytes]] = []
        gone: list[str] = []
        size = 0
        for key, value in await resolve(self._source.get_many(keys)):
            if value is None:
                gone.append(key)
                continue
            present.append((key, value))
            size += len(value)
            if size >= LARGE:
                await resolve(self._target.set_many(present))
                self.copied += len(present)
                present, size = [], 0
        if present:
            await resolve(self._target.set_many(present))
            self.copied += len(present)
        if gone:
            await resolve(self._target.delete_many(gone))
        self._progress(self.copied)
