"""A blob store that can be moved to another provider while it is used.

Copying goes on beside the writes: what is written meanwhile is noted and copied
again, a few rounds long. Only for the last of it writes wait. An object whose
writing began before the move ends where it began, and is carried over before
its writer is told that it is there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from paddock.capabilities.blob import (
    PAGE,
    BlobStore,
    ContainerInfo,
    Download,
    NamePage,
    ObjectId,
    ObjectInfo,
    Upload,
)
from paddock.errors import Unavailable
from paddock.host.live.blob_copy import Copy, Mark, carry
from paddock.host.live.gate import Gate
from paddock.types import Reply, resolve

T = TypeVar("T")

#: Objects that may have changed since they were copied, before writes have to wait.
FEW = 20

WAITED = "the blob store is being moved and did not take the write in time"


async def is_empty(provider: object) -> bool:
    """Whether a store holds no container."""
    store = cast("BlobStore", provider)
    cursor: str | None = None
    while True:
        page = await resolve(store.containers(cursor, 1))
        if page.names or page.cursor is None:
            return not page.names
        cursor = page.cursor


class LiveBlob:
    """The contract is `paddock.capabilities.blob.BlobStore`.

    After a move it passes calls on to the successor, which is another of these.
    """

    __slots__ = ("_dirty", "_gate", "_lock", "_own", "store")

    def __init__(self, store: BlobStore) -> None:
        #: Where calls go now.
        self._own = self.store = store
        self._gate = Gate()
        self._lock = threading.Lock()
        #: What was written since a migration looked; None while there is none.
        self._dirty: set[Mark] | None = None

    def has_container(self, name: str, /) -> Reply[bool]:
        """Goes where the data is."""
        return self.store.has_container(name)

    def container_info(self, name: str, /) -> Reply[ContainerInfo]:
        """Goes where the data is."""
        return self.store.container_info(name)

    def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[NamePage]:
        """Goes where the data is."""
        return self.store.containers(cursor, limit)

    def objects(
        self, container: str, cursor: str | None = None, /, limit: int = PAGE
    ) -> Reply[NamePage]:
        """A cursor from before a move is good where both providers list in the same order."""
        return self.store.objects(container, cursor, limit)

    def has_object(self, container: str, name: str, /) -> Reply[bool]:
        """Goes where the data is."""
        return self.store.has_object(container, name)

    def object_info(self, container: str, name: str, /) -> Reply[ObjectInfo]:
        """Goes where the data is; after a move, `created` is when it was copied."""
        return self.store.object_info(container, name)

    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Reply[Download]:
        """Who began to read before a move goes on reading there."""
        return self.store.read(container, name, start, end)

    async def create_container(self, name: str, /) -> bool:
        """A write."""
        return await self.write([(name, None)], lambda store: store.create_container(name))

    async def delete_container(self, name: str, /) -> None:
        """A write."""
        await self.write([(name, None)], lambda store: store.delete_container(name))

    async def clear(self, container: str, /) -> None:
        """A write."""
        await self.write([(container, None)], lambda store: store.clear(container))

    async def upload(self, container: str, name: str, /) -> LiveUpload:
        """A write when it is finished, not before."""
        store = self.store
        upload = await resolve(store.upload(container, name))
        return LiveUpload(self, store, upload, ObjectId(container, name))

    async def delete(self, container: str, name: str, /) -> None:
        """A write."""
        await self.write([(container, name)], lambda store: store.delete(container, name))

    async def delete_many(self, container: str, names: Sequence[str], /) -> None:
        """A write."""
        marks = [(container, name) for name in names]
        await self.write(marks, lambda store: store.delete_many(container, names))

    async def copy(self, source: ObjectId, target: ObjectId, /) -> None:
        """A write."""
        await self.write([_mark(target)], lambda store: store.copy(source, target))

    async def move(self, source: ObjectId, target: ObjectId, /) -> None:
        """A write."""
        marks = [_mark(source), _mark(target)]
        await self.write(marks, lambda store: store.move(source, target))

    def close(self) -> Reply[None]:
        """Closes the provider that it began with; a successor has a handle of its own."""
        return self._own.close()

    async def write(self, marks: Iterable[Mark], work: Callable[[BlobStore], Reply[T]]) -> T:
        """Carry out a write and note what it wrote, whether it succeeded or not."""
        try:
            flight = await self._gate.enter()
        except TimeoutError as error:
            raise Unavailable(WAITED) from error
        try:
            return await resolve(work(self.store))
        finally:
            if self._dirty is not None:
                with self._lock:
                    # Inside its flight: before the write, a copy could come between.
                    if self._dirty is not None:
                        self._dirty.update(marks)
            flight.pop()

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> _Move:
        """See `paddock.host.live.Live`."""
        copy = Copy(self.store, cast("BlobStore", target), progress)
        self._noted()
        try:
            # From here on every write under way is one that notes what it writes.
            await self._gate.renew()
            await copy.everything()
            before = sys.maxsize
            # Writers that are faster than the copy are only caught up with by holding them.
            while FEW < len(changed := self._noted()) < before:
                before = len(changed)
                await copy.again(changed)
            await copy.again(changed)
        except TimeoutError as error:
            self.stay()
            raise Unavailable("writes to the old blob store did not end in time") from error
        except BaseException:
            self.stay()
            raise
        return _Move(self, copy)

    async def hold(self, copy: Copy) -> None:
        """Let writes wait, and carry the last ones over."""
        try:
            await self._gate.close()
            await copy.again(self._noted())
        except TimeoutError as error:
            self.stay()
            raise Unavailable("writes to the old blob store did not end in time") from error
        except BaseException:
            self.stay()
            raise

    def stay(self) -> None:
        """Give the migration up; writes go on here."""
        with self._lock:
            self._dirty = None
        self._gate.open()

    def go(self, successor: BlobStore) -> None:
        """Go on with the successor for every call."""
        self.store = successor
        self.stay()

    def _noted(self) -> set[Mark]:
        """What was noted since the last call; notes are taken from the first one on."""
        with self._lock:
            found, self._dirty = self._dirty or set(), set()
        return found


class LiveUpload:
    """The contract is `paddock.capabilities.blob.Upload`."""

    __slots__ = ("_live", "_place", "_store", "_upload", "abandon", "write")

    def __init__(self, live: LiveBlob, store: BlobStore, upload: Upload, place: ObjectId) -> None:
        self._live = live
        self._store = store
        self._upload = upload
        self._place = place
        self.write = upload.write
        self.abandon = upload.abandon

    async def finish(self) -> None:
        """If the store was moved meanwhile, the object follows before this answers."""
        await self._live.write([_mark(self._place)], self._finish)

    def _finish(self, now: BlobStore) -> Reply[None]:
        return self._finished(now)

    async def _finished(self, now: BlobStore) -> None:
        await resolve(self._upload.finish())
        if now is not self._store:
            await carry(self._store, now, self._place.container, self._place.name)


class _Move:
    """The end of a migration; see `paddock.host.live.Switch`."""

    def __init__(self, live: LiveBlob, copy: Copy) -> None:
        self._live = live
        self._copy = copy

    @property
    def copied(self) -> int:
        """Objects copied, those that changed meanwhile more than once."""
        return self._copy.copied

    async def hold(self) -> None:
        """See `paddock.host.live.Switch`."""
        await self._live.hold(self._copy)

    def commit(self, successor: object, /) -> None:
        """See `paddock.host.live.Switch`."""
        self._live.go(cast("BlobStore", successor))

    def abandon(self) -> None:
        """See `paddock.host.live.Switch`."""
        self._live.stay()


def _mark(place: ObjectId) -> Mark:
    return place.container, place.name
