"""A blob store in a bucket of S3, or of a server that speaks its protocol.

A container is a mark in the bucket and the keys beneath its name. A small object
is one request, a larger one a multipart upload which shows nothing before it is
completed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
)
from paddock.errors import CapabilityError, NotFound
from paddock.providers.blob import s3_keys
from paddock.providers.blob.s3_link import S3BlobConfig, S3Link, first, give, take
from paddock.providers.blob.s3_transfer import SMALL, STEP, S3Upload, chunks

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

#: Seconds for which a container that was seen is believed to be there still.
BELIEVED = 5.0

#: Objects that are removed with one request.
BATCH = 1000


class S3Store:
    """The contract is `paddock.capabilities.blob.BlobStore`."""

    def __init__(self, config: S3BlobConfig, link: S3Link, application: str) -> None:
        self._config = config
        self._link = link
        self._closed = False
        home = f"{config.prefix}/" if config.prefix else ""
        self._home = f"{home}{s3_keys.container_key(application)}/"
        self._marks = f"{self._home}.containers/"
        self._seen: dict[str, float] = {}

    async def create_container(self, name: str, /) -> bool:
        """Two makers at once: one of them is told that it is there."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        key = self._marks + s3_keys.container_key(checked(name, "a container"))
        async with self._link.call():
            try:
                await obstore.put_async(self._link.store, key, b"", mode="create")
            except AlreadyExistsError:
                return False
        return True

    async def delete_container(self, name: str, /) -> None:
        """Object by object; one that is written meanwhile may go or stay."""
        await self.clear(name)
        self._seen.pop(name, None)
        await self._remove([self._marks + s3_keys.container_key(name)])
        await self.clear(name)

    async def has_container(self, name: str, /) -> bool:
        """See the contract."""
        return (
            bool(name) and await self._head(self._marks + s3_keys.container_key(name)) is not None
        )

    async def container_info(self, name: str, /) -> ContainerInfo:
        """See the contract."""
        found = await self._head(self._marks + s3_keys.container_key(name))
        if found is None:
            raise _no_container(name)
        return ContainerInfo(name, _nanoseconds(found))

    async def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> NamePage:
        """In the order of their keys."""
        keys, cursor = await self._list(self._marks, cursor, limit)
        names = (s3_keys.container_name(key) for key in keys)
        return NamePage([name for name in names if name is not None], cursor)

    async def objects(
        self, container: str, cursor: str | None = None, /, limit: int = PAGE
    ) -> NamePage:
        """In the order of the keys; an absent container is an empty page."""
        keys, cursor = await self._list(self._folder(container), cursor, limit)
        names = (s3_keys.object_name(key) for key in keys)
        return NamePage([name for name in names if name is not None], cursor)

    async def clear(self, container: str, /) -> None:
        """Object by object, a thousand with each request."""
        folder = self._folder(container)
        cursor: str | None = None
        while True:
            keys, cursor = await self._list(folder, cursor, BATCH)
            await self._remove([folder + key for key in keys])
            if cursor is None:
                return

    async def has_object(self, container: str, name: str, /) -> bool:
        """See the contract."""
        return await self._head(self._key(container, name)) is not None

    async def object_info(self, container: str, name: str, /) -> ObjectInfo:
        """See the contract."""
        found = await self._head(self._key(container, name))
        if found is None:
            raise _no_object(container, name)
        return ObjectInfo(container, name, found["size"], _nanoseconds(found))

    async def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        """One request; its answer is the object as it was then."""
        import obstore

        options: GetOptions = {}
        if end is not None:
            if end <= start:
                await self.object_info(container, name)
                return Download(0, iter(()))
            options["range"] = (start, min(end, 2**63 - 1))
        elif start:
            options["range"] = {"offset": start}
        try:
            async with self._link.call():
                found = await obstore.get_async(
                    self._link.store, self._key(container, name), options=options
                )
                size = found.range[1] - found.range[0]
                if size <= SMALL:
                    return Download(size, sliced(bytes(await found.bytes_async())))
        except NotFound:
            raise _no_object(container, name) from None
        except CapabilityError:
            # A range that begins at the end of the object or beyond is an error in S3.
            whole = (await self.object_info(container, name)).size if options else None
            if whole is None or clipped(start, end, whole)[0] < whole:
                raise
            return Download(0, iter(()))
        return Download(size, chunks(self._link, found.stream(min_chunk_size=STEP), size))

    async def upload(self, container: str, name: str, /) -> S3Upload:
        """Nothing is sent before there is enough of it."""
        checked(name, "an object")
        return S3Upload(self, container, self._key(container, name))

    async def delete(self, container: str, name: str, /) -> None:
        """See the contract."""
        await self._remove([self._key(container, name)])

    async def delete_many(self, container: str, names: Sequence[str], /) -> None:
        """A thousand with each request."""
        await self._remove([self._key(container, name) for name in names if name])

    async def copy(self, source: ObjectId, target: ObjectId, /) -> None:
        """The server copies; AWS does so for objects of up to 5 GB."""
        import obstore

        await self.must_exist(target.container)
        origin = self._key(source.container, source.name)
        place = self._key(target.container, checked(target.name, "an object"))
        if origin == place:
            await self.object_info(source.container, source.name)
            return
        try:
            async with self._link.call(bounded=False):
                await obstore.copy_async(self._link.store, origin, place)
        except NotFound:
            raise _no_object(source.container, source.name) from None

    async def move(self, source: ObjectId, target: ObjectId, /) -> None:
        """A copy, then a removal: both names may be seen in between."""
        await self.copy(source, target)
        if source != target:
            await self.delete(source.container, source.name)

    async def close(self) -> None:
        """Give the client back."""
        if not self._closed:
            self._closed = True
            await give(self._config, self._link)

    async def must_exist(self, container: str) -> None:
        """NotFound for a container that is not there; asks again after some seconds only."""
        now = time.monotonic()
        if self._seen.get(container, 0) > now:
            return
        if not await self.has_container(container):
            raise _no_container(container)
        if len(self._seen) >= PAGE:
            self._seen.clear()
        self._seen[container] = now + BELIEVED

    @property
    def link(self) -> S3Link:
        """The client."""
        return self._link

    @property
    def part_size(self) -> int:
        """Bytes of one part of an upload."""
        return self._config.part_size

    def _folder(self, container: str) -> str:
        return f"{self._home}{s3_keys.container_key(checked(container, 'a container'))}/"

    def _key(self, container: str, name: str) -> str:
        return self._folder(container) + s3_keys.object_key(name)

    async def _head(self, key: str) -> ObjectMeta | None:
        import obstore

        try:
            async with self._link.call():
                return await obstore.head_async(self._link.store, key)
        except NotFound:
            return None

    async def _list(
        self, folder: str, cursor: str | None, limit: int
    ) -> tuple[list[str], str | None]:
        """Keys below a folder, without its name, and the cursor after the last of them."""
        import obstore

        offset = folder + cursor if cursor is not None else None
        pages = obstore.list(self._link.store, folder, offset=offset, chunk_size=limit)
        async with self._link.call():
            found: Sequence[ObjectMeta] = await first(aiter(pages)) or ()
        keys = [each["path"].removeprefix(folder) for each in found]
        return keys, keys[-1] if len(keys) == limit else None

    async def _remove(self, keys: Sequence[str]) -> None:
        import obstore

        for at in range(0, len(keys), BATCH):
            try:
                async with self._link.call():
                    await obstore.delete_async(self._link.store, keys[at : at + BATCH])
            except NotFound:
                continue


class S3Blob:
    """`type = "s3"`."""

    Config = S3BlobConfig

    @staticmethod
    async def open(config: object, *, application: str, name: str, state_dir: Path) -> S3Store:
        """Does not need the server; stores of one bucket and prefix share their containers."""
        del name, state_dir
        if not isinstance(config, S3BlobConfig):
            raise TypeError(f"wanted S3BlobConfig, got {type(config).__name__}")
        return S3Store(config, take(config), application)


def _nanoseconds(found: ObjectMeta) -> int:
    return int(found["last_modified"].timestamp() * 1e9)


def _no_container(name: str) -> NotFound:
    return NotFound(f"there is no container {name!r}")


def _no_object(container: str, name: str) -> NotFound:
    return NotFound(f"there is no object {name!r} in the container {container!r}")
