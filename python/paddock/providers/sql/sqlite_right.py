"""The right to write, which one session of a process has at a time.

Whoever waits for it does so on an event loop, not in a thread: the pool of threads
would soon be full of those who wait, and none be left for the one who writes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque


class Right:
    """Taken by one, for a statement or a whole transaction; given to those who wait in turn."""

    __slots__ = ("_lock", "_taken", "_waiters")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiters: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def take(self) -> bool:
        """Take it, if nobody has it."""
        with self._lock:
            if self._taken:
                return False
            self._taken = True
            return True

    async def wait(self, seconds: float) -> None:
        """Take it as soon as it is given; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append((loop, waiter))
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except BaseException:
            with self._lock:
                if (loop, waiter) in self._waiters:
                    self._waiters.remove((loop, waiter))
                    raise
            # It was being given at the same moment.
            if waiter.done() and not waiter.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Give it up, to the first who waits."""
        with self._lock:
            while self._waiters:
                loop, waiter = self._waiters.popleft()
                try:
                    loop.call_soon_threadsafe(self._hand_over, waiter)
                except RuntimeError:
                    # That loop has ended, and whoever waited with it.
                    continue
                return
            self._taken = False

    def _hand_over(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            self.give()
        else:
            waiter.set_result(None)
