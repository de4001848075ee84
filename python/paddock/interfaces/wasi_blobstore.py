"""`wasi:blobstore@0.2.0-draft`: blobstore, container, types, as wasmCloud has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paddock.capabilities.blob import ContainerInfo, Download, NamePage, ObjectInfo, collected
from paddock.errors import CapabilityError, NotFound
from paddock.interfaces.blob import Place, copy_object, message, move_object, past
from paddock.interfaces.blob_pipe import Budget, Pipe
from paddock.types import Err, Reply, Sink, Steps, Stream, resolve, sequence, then

if TYPE_CHECKING:
    from paddock.capabilities.blob import BlobStore
    from paddock.interfaces.grants import Grants

#: Bytes that `incoming-value-consume-sync` may answer at once.
WHOLE = 64 << 20

#: Names that one read of `stream-object-names` answers at most.
MANY = 10_000


@dataclass(frozen=True, slots=True)
class ContainerMetadata:
    """The record; `created_at` in seconds since 1970, as in wasmCloud."""

    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class ObjectMetadata:
    """The record; `created_at` in seconds since 1970, `size` in bytes."""

    name: str
    container: str
    created_at: int
    size: int


class Errors:
    """The error of all three interfaces is a text."""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        return message(exc)


class StreamObjectNames:
    """The resource: names, read on from where it stopped."""

    def __init__(self, store: BlobStore, container: str) -> None:
        self._store = store
        self._container = container
        self._ready: list[str] = []
        self._cursor: str | None = None
        self._more = True

    def read_stream_object_names(self, len: int) -> Reply[tuple[list[str], bool]]:
        """At most `len` names, and whether these are the last; raises CapabilityError."""
        return sequence(self._read(min(len, MANY)))

    def skip_stream_object_names(self, num: int) -> Reply[tuple[int, bool]]:
        """How many of `num` names were skipped, and whether these are the last."""
        return sequence(self._skip(num))

    def _read(self, wanted: int) -> Steps[tuple[list[str], bool]]:
        # One more is looked for, which tells whether these are the last.
        while len(self._ready) <= wanted and self._more:
            page: NamePage = yield self._store.objects(self._container, self._cursor)
            self._ready += page.names
            self._cursor, self._more = page.cursor, page.cursor is not None
        found, self._ready = self._ready[:wanted], self._ready[wanted:]
        return found, not self._ready and not self._more

    def _skip(self, wanted: int) -> Steps[tuple[int, bool]]:
        skipped = 0
        while True:
            names, last = yield from self._read(min(wanted - skipped, MANY))
            skipped += len(names)
            if last or skipped >= wanted:
                return skipped, last


class Container:
    """The resource."""

    __slots__ = ("_name", "_store")

    def __init__(self, store: BlobStore, name: str) -> None:
        self._store = store
        self._name = name

    def name(self) -> str:
        """Its name."""
        return self._name

    def info(self) -> Reply[ContainerMetadata]:
        """Its record."""
        return then(self._store.container_info(self._name), _container_record)

    def get_data(self, name: str, start: int, end: int) -> Reply[IncomingValue]:
        """The bytes from `start` to `end`, both included; what lies beyond is left out."""
        return then(self._store.read(self._name, name, start, past(end)), IncomingValue)

    async def write_data(self, name: str, data: OutgoingValue) -> None:
        """Says where a value goes; the object is there when the value is finished."""
        await data.begin(self._store, self._name, name)

    def list_objects(self) -> StreamObjectNames:
        """Nothing is asked before the guest reads."""
        return StreamObjectNames(self._store, self._name)

    def delete_object(self, name: str) -> Reply[None]:
        """See the contract."""
        return self._store.delete(self._name, name)

    def delete_objects(self, names: Sequence[str]) -> Reply[None]:
        """See the contract."""
        return self._store.delete_many(self._name, names)

    def has_object(self, name: str) -> Reply[bool]:
        """See the contract."""
        return self._store.has_object(self._name, name)

    def object_info(self, name: str) -> Reply[ObjectMetadata]:
        """The record."""
        return then(self._store.object_info(self._name, name), _object_record)

    def clear(self) -> Reply[None]:
        """See the contract."""
        return self._store.clear(self._name)


class Containers(Errors):
    """`wasi:blobstore/container`: its functions are those of the resources."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a container is the grant


class Blobstore(Errors):
    """`wasi:blobstore/blobstore`."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def create_container(self, name: str) -> Reply[Container]:
        """A new, empty container; one that is there already is an error, as in wasmCloud."""
        store = self._grants.container(name)

        def made(new: bool) -> Container:
            if not new:
                raise CapabilityError(f"the container {name!r} exists already")
            return Container(store, name)

        return then(store.create_container(name), made)

    def get_container(self, name: str) -> Reply[Container]:
        """A container that is there."""
        store = self._grants.container(name)

        def found(there: bool) -> Container:
            if not there:
                raise NotFound(f"there is no container {name!r}")
            return Container(store, name)

        return then(store.has_container(name), found)

    def delete_container(self, name: str) -> Reply[None]:
        """See the contract."""
        return self._grants.container(name).delete_container(name)

    def container_exists(self, name: str) -> Reply[bool]:
        """See the contract."""
        return self._grants.container(name).has_container(name)

    def copy_object(self, src: Place, dest: Place) -> Reply[None]:
        """Also from one store to another."""
        return copy_object(self._grants, src, dest)

    def move_object(self, src: Place, dest: Place) -> Reply[None]:
        """Also from one store to another."""
        return move_object(self._grants, src, dest)


class OutgoingValue:
    """The resource: what a guest writes, on its way into an object."""

    def __init__(self, budget: Budget) -> None:
        self._pipe = Pipe(budget)
        self._taken = False
        self._done = False

    def outgoing_value_write_body(self) -> Sink:
        """The stream to write to; it can be had once."""
        if self._taken:
            raise Err(None)
        self._taken = True
        return _Body(self._pipe)

    async def begin(self, store: BlobStore, container: str, name: str) -> None:
        """For `write-data`."""
        if self._pipe.begun:
            raise CapabilityError("the value was given to write-data already")
        await self._pipe.begin(await resolve(store.upload(container, name)))

    @staticmethod
    async def finish(this: OutgoingValue) -> None:
        """Answers when the object is in its place. A value that went nowhere is let go."""
        this._done = True
        await this._pipe.finish()

    def drop(self) -> None:
        """Not finished: nothing of it stays."""
        if not self._done:
            self._done = True
            self._pipe.drop()


class _Body:
    """The contract is `paddock.types.Sink`."""

    __slots__ = ("_pipe",)

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def write(self, data: bytes, /) -> Reply[None]:
        """Waits while the store is far behind."""
        return self._pipe.put(data)

    def close(self) -> None:
        """All was written."""
        self._pipe.closed = True


class IncomingValue:
    """The resource: bytes of an object that a guest reads once."""

    __slots__ = ("_download",)

    def __init__(self, download: Download) -> None:
        self._download = download

    def size(self) -> int:
        """How many bytes it has."""
        return self._download.size

    @staticmethod
    def incoming_value_consume_sync(this: IncomingValue) -> Reply[bytes]:
        """All of it, which has to fit into memory."""
        download = this._download
        if download.size > WHOLE:
            raise CapabilityError(
                f"a value of {download.size} bytes is too large to be had at once: "
                "use incoming-value-consume-async"
            )
        if isinstance(download.chunks, AsyncIterator):
            return collected(download)
        return b"".join(download.chunks)

    @staticmethod
    def incoming_value_consume_async(this: IncomingValue) -> Stream:
        """As it comes."""
        return Stream(this._download.chunks)


class Types(Errors):
    """`wasi:blobstore/types`."""

    incoming_value = IncomingValue

    def __init__(self, grants: Grants) -> None:
        del grants  # a container is the grant
        budget = Budget()

        class Outgoing(OutgoingValue):
            @staticmethod
            def new_outgoing_value() -> OutgoingValue:
                return OutgoingValue(budget)

        self.outgoing_value = Outgoing


def _container_record(info: ContainerInfo) -> ContainerMetadata:
    return ContainerMetadata(info.name, info.created // 10**9)


def _object_record(info: ObjectInfo) -> ObjectMetadata:
    return ObjectMetadata(info.name, info.container, info.created // 10**9, info.size)
