"""A blob store that can be moved to another provider while it is used.

Copying goes on beside the writes: what is written meanwhile is noted and copied
again, a few rounds long. Only for the last of it writes wait. An object whose
writing began before the move ends where it began, and is carried over before
its writer is told that it is there.
"""

from __future__ import annotations

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
from paddock.host.live.blob_copy import Copy, Mark, carry
from paddock.host.live.writes import Move, Writes
from paddock.types import Reply, resolve

T = TypeVar("T")

#: Objects that may have changed since they were copied, before writes have to wait.
FEW = 20


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

    __slots__ = ("_own", "_writes", "store")

    def __init__(self, store: BlobStore) -> None:
        #: Where calls go now.
        self._own = self.store = store
        self._writes: Writes[Mark] = Writes("the blob store")

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
            flight = await self._writes.gate.enter()
        except TimeoutError as error:
            raise self._writes.waited() from error
        try:
            return await resolve(work(self.store))
        finally:
            self._writes.note(marks)
            flight.pop()

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> Move[Mark]:
        """See `paddock.host.live.Live`."""
        copy = Copy(self.store, cast("BlobStore", target), progress)
        await self._writes.copy(copy, FEW)
        return Move(self._writes, copy, self._go)

    def _go(self, successor: object) -> None:
        self.store = cast("BlobStore", successor)


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


def _mark(place: ObjectId) -> Mark:
    return place.container, place.name
