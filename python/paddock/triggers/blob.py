"""`[[trigger.blob]]`: a component is told of objects that appear in a container or change there.

    [[trigger.blob]]
    component = "thumbnails"
    container = "photos"
    pattern = "*.jpg"
    interval = "2s"

It gets a message on the subject `blobs.CONTAINER` whose body is a JSON object of
container, name, size and created (nanoseconds since 1970). The container is
looked through every `interval`; what was handled is remembered in the state
directory, so an object is told of at least once, and again when it is replaced.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.capabilities.blob import ObjectInfo
from paddock.capabilities.messaging import Message
from paddock.errors import ManifestError, NotFound
from paddock.interfaces.handlers import message_handler
from paddock.triggers.source import Call, Context, Event, Need, Standing, Trigger
from paddock.types import resolve

if TYPE_CHECKING:
    from paddock.capabilities.blob import BlobStore
    from paddock.providers.options import Options

FILE = "seen.jsonl"
#: Objects that are asked about together.
AT_ONCE = 16


class BlobEvent(Event):
    """One object that is new, or new again."""

    __slots__ = ("_trigger", "info")

    def __init__(self, trigger: BlobTrigger, info: ObjectInfo, call: Call) -> None:
        super().__init__(f"{info.container}/{info.name}", call)
        self.info = info
        self._trigger = trigger

    async def ack(self) -> None:
        """It is not told of again."""
        await self._trigger.remember(self.info)


class BlobTrigger(Trigger):
    """`container`, `pattern` ("*"), `interval` ("2s")."""

    def __init__(self, context: Context, options: Options) -> None:
        self._store = cast("BlobStore", context.opened)
        self._container = options.required("container")
        self._pattern = options.text("pattern", "*") or "*"
        self._interval = options.seconds("interval", 2.0, least=0.05)
        self._shape = message_handler(context.exports)
        self._file = context.state / FILE
        self._stopping = asyncio.Event()
        self._writing = asyncio.Lock()
        #: What was handled, by name; what is in hand is in the second.
        self._seen: dict[str, list[int]] = {}
        self._in_hand: set[str] = set()
        #: Handled, and not yet in the file.
        self._unwritten: dict[str, list[int]] = {}
        self._read = False

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """The store that holds the container."""
        del settings
        name = options.get("container")
        if not isinstance(name, str) or not name:
            raise ManifestError("the trigger needs `container`, the name of a blob container")
        return Need("blob", name)

    async def events(self) -> AsyncIterator[Event]:
        """Objects that were not handled as they are now."""
        if not self._read:
            self._seen = await asyncio.to_thread(_recall, self._file)
            await asyncio.to_thread(_rewrite, self._file, self._seen)
            self._read = True
        while not self._stopping.is_set():
            async for info in self._objects():
                if self._seen.get(info.name) == _mark(info) or info.name in self._in_hand:
                    continue
                self._in_hand.add(info.name)
                yield BlobEvent(self, info, self._call(info))
                if self._stopping.is_set():
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval)

    async def _objects(self) -> AsyncIterator[ObjectInfo]:
        names: set[str] = set()
        cursor: str | None = None
        while True:
            try:
                page = await resolve(self._store.objects(self._container, cursor))
            except NotFound:
                return
            names.update(page.names)
            wanted = [name for name in page.names if fnmatchcase(name, self._pattern)]
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                for info in await asyncio.gather(*map(self._info, some)):
                    if info is not None:
                        yield info
            cursor = page.cursor
            if cursor is None:
                break
        for name in self._seen.keys() - names:
            del self._seen[name]

    async def _info(self, name: str) -> ObjectInfo | None:
        with suppress(NotFound):
            return await resolve(self._store.object_info(self._container, name))
        return None

    def _call(self, info: ObjectInfo) -> Call:
        about = {
            "container": info.container,
            "name": info.name,
            "size": info.size,
            "created": info.created,
        }
        subject = f"blobs.{self._container}"
        return Call(*self._shape(Message(subject, json.dumps(about).encode())))

    async def remember(self, info: ObjectInfo) -> None:
        """It was handled."""
        self._unwritten[info.name] = _mark(info)
        async with self._writing:
            # Those that waited meanwhile are written together, by the first of them.
            if info.name in self._unwritten:
                await self._write()

    async def _write(self) -> None:
        batch, self._unwritten = self._unwritten, {}
        try:
            await asyncio.to_thread(_append, self._file, batch)
        except BaseException:
            self._unwritten = {**batch, **self._unwritten}
            raise
        self._seen.update(batch)
        self._in_hand.difference_update(batch)

    def standing(self) -> Standing:
        """How many objects were handled and are still there."""
        return Standing(fields={"objects": len(self._seen)})

    async def stop(self) -> None:
        """Look no more."""
        self._stopping.set()


def _mark(info: ObjectInfo) -> list[int]:
    return [info.size, info.created]


def _recall(path: Path) -> dict[str, list[int]]:
    """What the lines of the file say, the last one of a name; a torn line says nothing."""
    seen: dict[str, list[int]] = {}
    with suppress(OSError), path.open(encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError, TypeError):
                name, size, created = json.loads(line)
                seen[str(name)] = [int(size), int(created)]
    return seen


def _rewrite(path: Path, seen: Mapping[str, list[int]]) -> None:
    """One line for each name, so that the file does not grow for ever."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(_lines(seen), encoding="utf-8")
    os.replace(part, path)


def _append(path: Path, seen: Mapping[str, list[int]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(_lines(seen))


def _lines(seen: Mapping[str, list[int]]) -> str:
    return "".join(json.dumps([name, *mark]) + "\n" for name, mark in seen.items())
