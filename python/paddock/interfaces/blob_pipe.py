"""From a guest's stream into an object, with what lies in between bounded.

A guest writes to the stream of a value before or after it says where the value
goes, and ends the value by `finish`. Bytes that come before are kept; from then
on a task writes them to the store as they come, and the guest waits when it is
too far ahead.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, Exhausted
from paddock.types import Reply, resolve

if TYPE_CHECKING:
    from paddock.capabilities.blob import Upload

LOG = logging.getLogger("paddock.bridge")

#: Bytes that a guest may be ahead of the store before it waits.
AHEAD = 1 << 20

#: Bytes of a value that are kept before it is known where it goes.
KEPT = 8 << 20

#: Bytes of all values of one component that are kept and ahead.
BUDGET = 64 << 20

#: Tasks that nobody waits for; a loop alone would not keep them alive.
_ENDING: set[asyncio.Future[None]] = set()


class Budget:
    """Counts the bytes that all values of one component hold."""

    __slots__ = ("_lock", "left")

    def __init__(self, left: int = BUDGET) -> None:
        self.left = left
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Raises Exhausted."""
        with self._lock:
            if size > self.left:
                raise Exhausted("too many bytes of values wait for write-data or for the store")
            self.left -= size

    def give(self, size: int) -> None:
        """Give bytes back."""
        with self._lock:
            self.left += size


class Pipe:
    """One value on its way. `put` is called on the guest's thread, the rest on the loop."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._upload: Upload | None = None
        self._pump: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None
        #: A write that had to wait may be followed by bytes that have not come here yet.
        self._behind = False
        self.closed = False

    @property
    def begun(self) -> bool:
        """Whether it is known where the value goes."""
        return self._upload is not None

    def put(self, data: bytes) -> Reply[None]:
        """Take bytes of the guest; raises what went wrong before."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._upload is None and self._held + len(data) > KEPT:
                raise Exhausted(f"write-data has to be called before {KEPT} bytes are written")
            self._budget.take(len(data))
            self._chunks.append(data)
            self._held += len(data)
            full = self._upload is not None and self._held > AHEAD
            self._behind = full
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._news.set)
        return self._wait() if full else None

    async def begin(self, upload: Upload) -> None:
        """From now on the bytes go there."""
        with self._lock:
            self._upload = upload
            self._loop = asyncio.get_running_loop()
        self._news.set()
        self._pump = self._loop.create_task(self._run(upload))

    async def finish(self) -> None:
        """The value is complete: answers when the object is in its place."""
        upload, pump = self._upload, self._pump
        if upload is None or pump is None:
            self._over()
            return
        if self._behind and not self.closed:
            await self._stop(upload, pump)
            self._over()
            raise CapabilityError("the value's output stream has to be dropped before finish")
        self.closed = True
        self._news.set()
        try:
            await pump
            if self._failure is not None:
                raise self._failure
            await resolve(upload.finish())
        except BaseException:
            await self._stop(upload, pump)
            raise
        finally:
            self._over()
            self._upload = self._pump = None

    def drop(self) -> None:
        """The value is not finished: nothing of it stays. Belongs to the loop."""
        upload, pump = self._upload, self._pump
        self._failure = self._failure or CapabilityError("the value was dropped")
        if upload is None or pump is None:
            self._empty()
            return
        self._upload = self._pump = None
        task = asyncio.get_running_loop().create_task(self._stop(upload, pump))
        _ENDING.add(task)
        task.add_done_callback(_ENDING.discard)

    async def _run(self, upload: Upload) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while (chunk := self._next()) is not None:
                    await resolve(upload.write(chunk))
                    self._written(len(chunk))
                # Whoever closes has written all before, and tells of it afterwards.
                if self.closed and not self._chunks:
                    return
        except Exception as error:
            self._failure = error
            self._empty()

    def _next(self) -> bytes | None:
        with self._lock:
            return self._chunks.popleft() if self._chunks else None

    def _written(self, size: int) -> None:
        with self._lock:
            self._held -= size
            room = self._held <= AHEAD
        self._budget.give(size)
        if room:
            self._room.set()

    async def _wait(self) -> None:
        while self._failure is None and self._held > AHEAD:
            self._room.clear()
            await self._room.wait()
        if self._failure is not None:
            raise self._failure

    def _empty(self) -> None:
        """Let go of what is held, and of who waits for room."""
        with self._lock:
            held, self._held = self._held, 0
            self._chunks.clear()
        self._budget.give(held)
        self._room.set()

    def _over(self) -> None:
        """The value is finished: what comes after that would be counted and never let go."""
        with self._lock:
            self._failure = self._failure or CapabilityError("the value is finished already")
        self._empty()

    async def _stop(self, upload: Upload, pump: asyncio.Task[None]) -> None:
        """Leave nothing behind; whoever called has an error of its own to tell."""
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        self._empty()
        try:
            await resolve(upload.abandon())
        except Exception as error:
            LOG.warning("an unfinished object may have left something behind: %s", error)
