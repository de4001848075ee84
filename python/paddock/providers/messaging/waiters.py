"""Tasks that wait until there is something for one of them, on one event loop."""

from __future__ import annotations

import asyncio
from collections import deque


class Waiters:
    """First come, first woken."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Until woken."""
        waiter = self.waiter()
        try:
            await waiter
        except BaseException:
            # It may have been woken for something that another can take.
            if waiter.done() and not waiter.cancelled():
                self.wake()
            raise

    def waiter(self) -> asyncio.Future[None]:
        """The same, as a future; cancel it when nobody waits any more."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return waiter

    def wake(self) -> None:
        """Wake the first who still waits."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def wake_all(self) -> None:
        """Wake all."""
        while self._waiting:
            self.wake()
