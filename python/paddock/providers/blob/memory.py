"""A blob store in this process's memory, for development and tests.

Everything answers in place. The bytes of an object never change once it is
there, so who reads it goes on with them whatever happens to its name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddock.capabilities.blob import (
    PAGE,
    ContainerInfo,
    Download,
    NamePage,
    ObjectId,
    ObjectInfo,
    checked,
    clipped,
    sliced,
    sorted_page,
)
from paddock.errors import Exhausted, NotFound
from paddock.providers.options import Options

#: Bytes of all objects of a store, unless the table has another `limit`.
LIMIT = 256 << 20


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """`limit`: bytes that all objects together, and those being written, may have."""

    limit: int = LIMIT

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> MemoryConfig:
        """Read a `[blob_store.X]` table."""
        del base
        table = Options(options, "a memory blob store")
        limit = table.integer("limit", LIMIT, least=1, most=2**62)
        table.done()
        return cls(limit)


@dataclass(frozen=True, slots=True)
class _Object:
    data: bytes
    created: int


@dataclass(slots=True)
class _Container:
    created: int
    objects: dict[str, _Object] = field(default_factory=dict[str, _Object])


class MemoryBlobStore:
    """The contract is `paddock.capabilities.blob.BlobStore`."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._containers: dict[str, _Container] = {}
        self._lock = threading.RLock()
        self._limit = limit
        self._used = 0

    def create_container(self, name: str, /) -> bool:
        """See the contract."""
        checked(name, "a container")
        with self._lock:
            if name in self._containers:
                return False
            self._containers[name] = _Container(time.time_ns())
            return True

    def delete_container(self, name: str, /) -> None:
        """At once."""
        with self._lock:
            gone = self._containers.pop(name, None)
            self._used -= _bytes(gone.objects.values()) if gone else 0

    def has_container(self, name: str, /) -> bool:
        """See the contract."""
        return name in self._containers

    def container_info(self, name: str, /) -> ContainerInfo:
        """See the contract."""
        return ContainerInfo(name, self._container(name).created)

    def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """Sorted."""
        with self._lock:
            return sorted_page(self._containers, cursor, limit)

    def objects(self, container: str, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """Sorted; the cursor is the last name of the page before."""
        with self._lock:
            return sorted_page(self._container(container).objects, cursor, limit)

    def clear(self, container: str, /) -> None:
        """At once."""
        with self._lock:
            found = self._container(container)
            self._used -= _bytes(found.objects.values())
            found.objects = {}

    def has_object(self, container: str, name: str, /) -> bool:
        """See the contract."""
        found = self._containers.get(container)
        return found is not None and name in found.objects

    def object_info(self, container: str, name: str, /) -> ObjectInfo:
        """See the contract."""
        found = self._object(container, name)
        return ObjectInfo(container, name, len(found.data), found.created)

    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        """The bytes as they are now, even if the object goes meanwhile."""
        data = self._object(container, name).data
        first, last = clipped(start, end, len(data))
        return Download(last - first, sliced(data, first, last))

    def upload(self, container: str, name: str, /) -> MemoryUpload:
        """The bytes are gathered, and put in their place at once."""
        self._container(container)
        checked(name, "an object")
        return MemoryUpload(self, container, name)

    def delete(self, container: str, name: str, /) -> None:
        """See the contract."""
        self.delete_many(container, (name,))

    def delete_many(self, container: str, names: Sequence[str], /) -> None:
        """All at once."""
        with self._lock:
            objects = self._container(container).objects
            for name in names:
                gone = objects.pop(name, None)
                self._used -= len(gone.data) if gone else 0

    def copy(self, source: ObjectId, target: ObjectId, /) -> None:
        """At once."""
        with self._lock:
            found = self._object(source.container, source.name)
            self._container(target.container)
            checked(target.name, "an object")
            if source != target:
                self.reserve(len(found.data))
                self.put(target.container, target.name, found.data)

    def move(self, source: ObjectId, target: ObjectId, /) -> None:
        """At once."""
        with self._lock:
            found = self._object(source.container, source.name)
            self._container(target.container)
            checked(target.name, "an object")
            if source != target:
                self.delete(source.container, source.name)
                self.reserve(len(found.data))
                self.put(target.container, target.name, found.data)

    def close(self) -> None:
        """Nothing to let go: the data goes with the last reference."""

    def reserve(self, size: int) -> None:
        """Count bytes in before they are kept; raises Exhausted when there is no room."""
        with self._lock:
            if self._used + size > self._limit:
                raise Exhausted(
                    f"the blob store in memory is full: it may hold {self._limit} bytes",
                    hint="set a larger `limit`, or another type, in its table [blob_store.…]",
                )
            self._used += size

    def release(self, size: int) -> None:
        """Count bytes out again that were reserved and not kept."""
        with self._lock:
            self._used -= size

    def put(self, container: str, name: str, data: bytes) -> None:
        """Keep bytes that were reserved."""
        with self._lock:
            objects = self._container(container).objects
            old = objects.get(name)
            objects[name] = _Object(data, time.time_ns())
            self._used -= len(old.data) if old else 0

    def _container(self, name: str) -> _Container:
        found = self._containers.get(name)
        if found is None:
            raise NotFound(f"there is no container {name!r}")
        return found

    def _object(self, container: str, name: str) -> _Object:
        found = self._container(container).objects.get(name)
        if found is None:
            raise NotFound(f"there is no object {name!r} in the container {container!r}")
        return found


class MemoryUpload:
    """The contract is `paddock.capabilities.blob.Upload`."""

    __slots__ = ("_chunks", "_container", "_name", "_reserved", "_store")

    def __init__(self, store: MemoryBlobStore, container: str, name: str) -> None:
        self._store = store
        self._container = container
        self._name = name
        self._chunks: list[bytes] = []
        self._reserved = 0

    def write(self, chunk: bytes, /) -> None:
        """Keep a chunk; Exhausted when the store is full."""
        self._store.reserve(len(chunk))
        self._reserved += len(chunk)
        self._chunks.append(bytes(chunk))

    def finish(self) -> None:
        """Put the object in its place."""
        try:
            self._store.put(self._container, self._name, b"".join(self._chunks))
        except NotFound:
            self.abandon()
            raise
        self._chunks, self._reserved = [], 0

    def abandon(self) -> None:
        """Let go of the bytes."""
        self._store.release(self._reserved)
        self._chunks, self._reserved = [], 0

    def __del__(self) -> None:
        if self._reserved:
            self.abandon()


class MemoryBlob:
    """`type = "memory"`: each opening is a new, empty store."""

    Config = MemoryConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> MemoryBlobStore:
        """A store of its own for each opening, so applications never meet."""
        del application, name, state_dir
        if not isinstance(config, MemoryConfig):
            raise TypeError(f"wanted MemoryConfig, got {type(config).__name__}")
        return MemoryBlobStore(config.limit)


def _bytes(objects: Iterable[_Object]) -> int:
    return sum(len(each.data) for each in objects)
