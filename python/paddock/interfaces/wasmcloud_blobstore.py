"""`wasmcloud:blobstore@0.1.0`: asynchronous, with bytes and names as streams."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from paddock.capabilities.blob import NamePage, store_object
from paddock.errors import AccessDenied, Exhausted, NotFound, TimedOut, Unavailable
from paddock.interfaces.blob import Place, copy_object, message, move_object, past
from paddock.interfaces.wasi_blobstore import ContainerMetadata, ObjectMetadata
from paddock.types import Err, Page, Reply, Stream, Variant, resolve

if TYPE_CHECKING:
    from paddock.capabilities.blob import BlobStore
    from paddock.interfaces.grants import Grants

_Between: TypeAlias = "Callable[[Grants, Place, Place], Reply[None]]"

NO_CONTAINER = Variant("no-such-container")


class Errors:
    """The variant `error`."""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, AccessDenied):
            return Variant("access-denied")
        if isinstance(exc, NotFound):
            return Variant("no-such-object")
        if isinstance(exc, TimedOut):
            return Variant("timeout")
        if isinstance(exc, Exhausted):
            return Variant("quota-exceeded")
        if isinstance(exc, Unavailable):
            return Variant("store-unavailable")
        return Variant("other", message(exc))


class Container:
    """The resource; times are in nanoseconds here."""

    __slots__ = ("_name", "_store")

    def __init__(self, store: BlobStore, name: str) -> None:
        self._store = store
        self._name = name

    async def name(self) -> str:
        """Its name."""
        return self._name

    async def info(self) -> ContainerMetadata:
        """Its record."""
        async with self._there():
            info = await resolve(self._store.container_info(self._name))
            return ContainerMetadata(info.name, info.created)

    async def get_data(self, name: str, start: int, end: int) -> Stream:
        """The bytes from `start` to `end`, both included; what lies beyond is left out."""
        async with self._there():
            found = await resolve(self._store.read(self._name, name, start, past(end)))
            return Stream(found.chunks)

    async def write_data(self, name: str, data: AsyncIterable[bytes]) -> None:
        """Answers when the stream has ended and the object is in its place."""
        async with self._there():
            await store_object(self._store, self._name, name, data)

    async def list_objects(self) -> Stream:
        """A page is asked for when the guest has read the one before."""
        async with self._there():
            first = await resolve(self._store.objects(self._name))
            return Stream(self._pages(first))

    async def delete_object(self, name: str) -> None:
        """See the contract."""
        async with self._there():
            await resolve(self._store.delete(self._name, name))

    async def delete_objects(self, names: Sequence[str]) -> None:
        """See the contract."""
        async with self._there():
            await resolve(self._store.delete_many(self._name, names))

    async def has_object(self, name: str) -> bool:
        """See the contract."""
        return await resolve(self._store.has_object(self._name, name))

    async def object_info(self, name: str) -> ObjectMetadata:
        """The record."""
        async with self._there():
            info = await resolve(self._store.object_info(self._name, name))
            return ObjectMetadata(info.name, info.container, info.created, info.size)

    async def clear(self) -> None:
        """See the contract."""
        async with self._there():
            await resolve(self._store.clear(self._name))

    @asynccontextmanager
    async def _there(self) -> AsyncIterator[None]:
        """Tells an absent container from an absent object."""
        try:
            yield
        except NotFound as error:
            if not await resolve(self._store.has_container(self._name)):
                raise Err(NO_CONTAINER) from error
            raise

    async def _pages(self, page: NamePage) -> AsyncIterator[Page[str]]:
        while True:
            if page.names:
                yield Page(page.names)
            if page.cursor is None:
                return
            page = await resolve(self._store.objects(self._name, page.cursor))


class Containers(Errors):
    """`wasmcloud:blobstore/container`: its functions are those of the resource."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a container is the grant


class Types(Containers):
    """`wasmcloud:blobstore/types`, which has no functions."""

    __slots__ = ()


class Blobstore(Errors):
    """`wasmcloud:blobstore/blobstore`."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def create_container(self, name: str) -> Container:
        """A new, empty container."""
        store = self._store(name)
        if not await resolve(store.create_container(name)):
            raise Err(Variant("container-already-exists"))
        return Container(store, name)

    async def get_container(self, name: str) -> Container:
        """A container that is there."""
        store = self._store(name)
        if not await resolve(store.has_container(name)):
            raise Err(NO_CONTAINER)
        return Container(store, name)

    async def delete_container(self, name: str) -> None:
        """See the contract."""
        await resolve(self._store(name).delete_container(name))

    async def container_exists(self, name: str) -> bool:
        """See the contract."""
        return await resolve(self._store(name).has_container(name))

    async def copy_object(self, src: Place, dest: Place) -> None:
        """Also from one store to another."""
        await self._between(copy_object, src, dest)

    async def move_object(self, src: Place, dest: Place) -> None:
        """Also from one store to another."""
        await self._between(move_object, src, dest)

    def _store(self, name: str) -> BlobStore:
        try:
            return self._grants.container(name)
        except NotFound as error:
            raise Err(NO_CONTAINER) from error

    async def _between(self, work: _Between, src: Place, dest: Place) -> None:
        try:
            await resolve(work(self._grants, src, dest))
        except NotFound as error:
            for name in (src.container, dest.container):
                if not await resolve(self._store(name).has_container(name)):
                    raise Err(NO_CONTAINER) from error
            raise
