"""Copies a key-value store into another; works for any pair of providers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Sequence

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import CapabilityError
from paddock.types import resolve

#: Keys of one batch: at first, and at most.
FIRST = 16
BATCH = 250
#: Bytes of values that are read at once, and after which they are written out.
ENOUGH = 4 << 20
LARGE = 1 << 20


class Copy:
    """`copied` counts the keys so far; `progress` is told of it after each batch."""

    def __init__(
        self, source: KeyValueStore, target: KeyValueStore, progress: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self.copied = 0
        #: Keys that are read at once.
        self._together = FIRST

    async def everything(self) -> None:
        """Every key of the source; what else the target holds is removed."""
        await self._check_apart()
        await self._clear()
        cursor: str | None = None
        while True:
            page = await resolve(self._source.keys(cursor, BATCH))
            await self._carry(page.keys)
            cursor = page.cursor
            if cursor is None:
                return

    async def again(self, keys: Collection[str]) -> None:
        """These keys as they are now, gone ones included."""
        ordered = sorted(keys)
        for start in range(0, len(ordered), BATCH):
            await self._carry(ordered[start : start + BATCH])

    async def _check_apart(self) -> None:
        """Refuse two names for one store: clearing the target would clear the source."""
        mark = f"paddock-migration-{uuid.uuid4().hex}"
        await resolve(self._target.set(mark, b""))
        try:
            if await resolve(self._source.exists(mark)):
                raise CapabilityError(
                    "the old and the new store are the same one",
                    hint="leave migrate_from out: there is nothing to copy",
                )
        finally:
            await resolve(self._target.delete(mark))

    async def _clear(self) -> None:
        cursor: str | None = None
        while True:
            page = await resolve(self._target.keys(cursor, BATCH))
            if page.keys:
                await resolve(self._target.delete_many(page.keys))
            cursor = page.cursor
            if cursor is None:
                return
            await _give_way()

    async def _carry(self, keys: Sequence[str]) -> None:
        start = 0
        while start < len(keys):
            part = keys[start : start + self._together]
            start += len(part)
            size = await self._carry_part(part)
            # As many as fit, so that large values fill neither memory nor a call's time.
            fit = len(part) * ENOUGH // max(size, 1)
            self._together = max(1, min(fit, self._together * 2, BATCH))
            self._progress(self.copied)
            await _give_way()

    async def _carry_part(self, keys: Sequence[str]) -> int:
        """Bytes of values carried."""
        present: list[tuple[str, bytes]] = []
        gone: list[str] = []
        whole = size = 0
        for key, value in await resolve(self._source.get_many(keys)):
            if value is None:
                gone.append(key)
                continue
            present.append((key, value))
            size += len(value)
            if size >= LARGE:
                await self._put(present)
                present, whole, size = [], whole + size, 0
        if present:
            await self._put(present)
        if gone:
            await resolve(self._target.delete_many(gone))
        return whole + size

    async def _put(self, items: Sequence[tuple[str, bytes]]) -> None:
        await resolve(self._target.set_many(items))
        self.copied += len(items)


async def _give_way() -> None:
    """Between two stores that answer in place, nothing else would let the loop go on."""
    await asyncio.sleep(0)
