"""A blob store in NATS JetStream: one object store, in its words a bucket, for each container."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from paddock.capabilities.blob import (
    PAGE,
    ContainerInfo,
    Download,
    NamePage,
    ObjectId,
    ObjectInfo,
    checked,
    sorted_page,
    store_object,
)
from paddock.errors import NotFound
from paddock.providers.blob import nats_objects
from paddock.providers.blob.nats_names import bucket_name, bucket_prefix, container_name, name_of
from paddock.providers.blob.nats_objects import Described, NatsUpload, described, forget, put
from paddock.providers.blob.nats_stream import Stream, StreamOptions, nanoseconds
from paddock.providers.connections import jetstream
from paddock.providers.connections.nats import NatsLink, give, load, take
from paddock.providers.connections.nats_target import NatsTarget, target_from
from paddock.providers.options import Options

T = TypeVar("T")

#: Requests of one batch that are under way at once.
TOGETHER = 64

#: Containers whose streams are remembered.
MOST = 1000


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """Servers (see `nats_target.target_from`), and how containers are made.

    `prefix` begins the names of all buckets.
    """

    target: NatsTarget
    prefix: str = "paddock"
    options: StreamOptions = field(default_factory=StreamOptions)

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return f"{self.target.place} {self.prefix}"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> NatsConfig:
        """Read a `[blob_store.X]` table."""
        table = Options(options, "a NATS blob store")
        target = target_from(table, base)
        prefix = table.text("prefix", "paddock") or "paddock"
        stream = StreamOptions(
            replicas=table.integer("replicas", 1, least=1, most=5),
            storage=table.choice("storage", ("file", "memory")),
        )
        table.done()
        return cls(target, prefix, stream)


class NatsStore:
    """The contract is `paddock.capabilities.blob.BlobStore`."""

    def __init__(self, config: NatsConfig, link: NatsLink, application: str) -> None:
        self._config = config
        self._link = link
        self._application = application
        self._closed = False
        self._streams: dict[str, Stream] = {}

    async def create_container(self, name: str, /) -> bool:
        """Two makers at once: one of them is told that it is there."""
        return await self._stream(name).create(self._config.options)

    async def delete_container(self, name: str, /) -> None:
        """At once."""
        await self._stream(name).delete()
        self._streams.pop(name, None)

    async def has_container(self, name: str, /) -> bool:
        """See the contract."""
        try:
            await self._stream(name).info()
        except NotFound:
            return False
        return True

    async def container_info(self, name: str, /) -> ContainerInfo:
        """See the contract."""
        info = await self._stream(name).info()
        return ContainerInfo(name, nanoseconds(cast("str", info["created"])))

    async def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """Sorted. Each page asks for the names of all streams of the account."""
        start = f"OBJ_{bucket_prefix(self._config.prefix, self._application)}"
        names: list[str] = []
        seen = 0
        while True:
            answer = await jetstream.call(self._link, "STREAM.NAMES", {"offset": seen})
            streams = cast("list[str]", answer.get("streams") or [])
            seen += len(streams)
            ours = (each.removeprefix(start) for each in streams if each.startswith(start))
            names += [name for name in map(container_name, ours) if name is not None]
            if not streams or seen >= answer.get("total", 0):
                return sorted_page(names, cursor, limit)

    async def objects(
        self, container: str, cursor: str | None = None, /, limit: int = PAGE
    ) -> NamePage:
        """Sorted. Each page asks for all names, and for each that it has whether it is there."""
        stream = self._stream(container)
        page = sorted_page(await self._names(stream), cursor, limit)
        # What other clients deleted leaves a description behind that says so.
        found = await _all(lambda name: described(stream, name), page.names)
        names = [name for name, each in zip(page.names, found, strict=True) if each.there]
        return NamePage(names, page.cursor)

    async def clear(self, container: str, /) -> None:
        """Object by object: some of the bytes there may be of one that is being written."""
        stream = self._stream(container)
        await self.delete_many(container, await self._names(stream))

    async def has_object(self, container: str, name: str, /) -> bool:
        """See the contract."""
        try:
            return (await described(self._stream(container), name)).there
        except NotFound:
            return False

    async def object_info(self, container: str, name: str, /) -> ObjectInfo:
        """See the contract."""
        found = await self._found(container, name)
        return ObjectInfo(container, name, found.size, found.time)

    async def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        """A part in the middle costs as much as all that comes before it."""
        found = await self._found(container, name)
        return nats_objects.download(self._stream(container), found, start, end)

    async def upload(self, container: str, name: str, /) -> NatsUpload:
        """The bytes are sent as they come, and described at the end."""
        stream = self._stream(container)
        nats_objects.meta(stream, checked(name, "an object"))
        return NatsUpload(stream, name)

    async def delete(self, container: str, name: str, /) -> None:
        """See the contract."""
        stream = self._stream(container)
        found = await described(stream, checked(name, "an object"))
        if found.sequence:
            await forget(stream, name, found)

    async def delete_many(self, container: str, names: Sequence[str], /) -> None:
        """Many at once."""
        await _all(lambda name: self.delete(container, name), names)

    async def copy(self, source: ObjectId, target: ObjectId, /) -> None:
        """The bytes go through this host: NATS does not copy."""
        download = await self.read(source.container, source.name)
        if source != target:
            await store_object(self, target.container, target.name, download.chunks)

    async def move(self, source: ObjectId, target: ObjectId, /) -> None:
        """In one container only the description moves. Both names may be seen in between."""
        found = await self._found(source.container, source.name)
        if source == target:
            return
        if source.container != target.container:
            await self.copy(source, target)
            await self.delete(source.container, source.name)
            return
        stream = self._stream(source.container)
        old = await put(stream, checked(target.name, "an object"), found)
        await stream.purge(nats_objects.meta(stream, source.name), found.sequence + 1)
        await nats_objects.drop(stream, old.nuid)

    async def close(self) -> None:
        """The connection is closed with the last one that uses it."""
        if not self._closed:
            self._closed = True
            await give(self._link)

    def _stream(self, container: str) -> Stream:
        found = self._streams.get(container)
        if found is None:
            name = checked(container, "a container")
            bucket = bucket_name(self._config.prefix, self._application, name)
            if len(self._streams) >= MOST:
                self._streams.clear()
            found = self._streams[container] = Stream(self._link, bucket, container)
        return found

    async def _found(self, container: str, name: str) -> Described:
        found = await described(self._stream(container), checked(name, "an object"))
        if not found.there:
            raise NotFound(f"there is no object {name!r} in the container {container!r}")
        return found

    async def _names(self, stream: Stream) -> list[str]:
        start = f"$O.{stream.bucket}.M."
        names = (name_of(each.removeprefix(start)) for each in await stream.subjects(f"{start}>"))
        return [name for name in names if name is not None]


async def _all(
    request: Callable[[str], Coroutine[object, object, T]], names: Sequence[str]
) -> list[T]:
    """The answers in order; the first failure, when all of a part have ended."""
    found: list[T] = []
    for start in range(0, len(names), TOGETHER):
        part = names[start : start + TOGETHER]
        answers = await asyncio.gather(*map(request, part), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            found.append(answer)
    return found


class NatsBlob:
    """`type = "nats"`."""

    Config = NatsConfig

    @staticmethod
    def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> Coroutine[object, object, NatsStore]:
        """The servers may be away. CapabilityError without the library."""
        del name, state_dir
        if not isinstance(config, NatsConfig):
            raise TypeError(f"wanted NatsConfig, got {type(config).__name__}")
        load()
        return _opened(config, application)


async def _opened(config: NatsConfig, application: str) -> NatsStore:
    return NatsStore(config, take(config.target), application)
