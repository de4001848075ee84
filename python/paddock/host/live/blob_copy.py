"""Copies a blob store into another; works for any pair of providers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeAlias

from paddock.capabilities.blob import BlobStore, store_object
from paddock.errors import CapabilityError, NotFound
from paddock.types import resolve

#: A container and one of its objects; with None in its place, the container itself.
Mark: TypeAlias = tuple[str, str | None]

#: Objects that are copied at once.
TOGETHER = 8


class Copy:
    """`copied` counts the objects so far; `progress` is told of it after each batch."""

    def __init__(
        self, source: BlobStore, target: BlobStore, progress: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self.copied = 0

    async def everything(self) -> None:
        """Every container of the source; what else the target holds is removed."""
        await self._check_apart()
        async for name in containers(self._target):
            await resolve(self._target.delete_container(name))
        async for name in containers(self._source):
            await resolve(self._target.create_container(name))
            await self._objects(name, await _listed(self._source, name))

    async def again(self, marks: Iterable[Mark]) -> None:
        """These containers and objects as they are now, gone ones included."""
        names: dict[str, set[str]] = {}
        for container, name in sorted(marks, key=lambda mark: (mark[0], mark[1] or "")):
            if name is None:
                await self._container(container)
            else:
                names.setdefault(container, set()).add(name)
        for container, objects in names.items():
            await self._objects(container, sorted(objects))

    async def _check_apart(self) -> None:
        """Refuse two names for one store: clearing the target would clear the source."""
        mark = f"paddock-migration-{uuid.uuid4().hex}"
        await resolve(self._target.create_container(mark))
        try:
            if await resolve(self._source.has_container(mark)):
                raise CapabilityError(
                    "the old and the new blob store are the same one",
                    hint="leave migrate_from out: there is nothing to copy",
                )
        finally:
            await resolve(self._target.delete_container(mark))

    async def _container(self, name: str) -> None:
        """Make, empty or remove a container as the source did."""
        if not await resolve(self._source.has_container(name)):
            await resolve(self._target.delete_container(name))
            return
        await resolve(self._target.create_container(name))
        there = await _listed(self._source, name)
        gone = set(await _listed(self._target, name)).difference(there)
        await resolve(self._target.delete_many(name, sorted(gone)))
        await self._objects(name, there)

    async def _objects(self, container: str, names: list[str]) -> None:
        for start in range(0, len(names), TOGETHER):
            part = names[start : start + TOGETHER]
            copying = [carry(self._source, self._target, container, name) for name in part]
            results = await asyncio.gather(*copying, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                self.copied += result
            self._progress(self.copied)


async def carry(source: BlobStore, target: BlobStore, container: str, name: str) -> bool:
    """One object as it is now; False if it is gone, and then it is gone from the target too."""
    try:
        found = await resolve(source.read(container, name))
    except NotFound:
        if await resolve(target.has_container(container)):
            await resolve(target.delete(container, name))
        return False
    try:
        await store_object(target, container, name, found.chunks)
    except NotFound:
        # The container came, or came again, since the target was told of it.
        if not await resolve(source.has_container(container)):
            return False
        await resolve(target.create_container(container))
        again = await resolve(source.read(container, name))
        await store_object(target, container, name, again.chunks)
    return True


async def containers(store: BlobStore) -> AsyncIterator[str]:
    """The names of all containers."""
    cursor: str | None = None
    while True:
        page = await resolve(store.containers(cursor))
        for name in page.names:
            yield name
        cursor = page.cursor
        if cursor is None:
            return


async def _listed(store: BlobStore, container: str) -> list[str]:
    names: list[str] = []
    cursor: str | None = None
    while True:
        try:
            page = await resolve(store.objects(container, cursor))
        except NotFound:
            return names
        names += page.names
        cursor = page.cursor
        if cursor is None:
            return names
