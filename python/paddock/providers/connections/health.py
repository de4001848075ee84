"""Whether a server answers: found out in the background, told once for each change."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from paddock.errors import CapabilityError, Unavailable

LOG = logging.getLogger("paddock.providers")

#: Seconds between two attempts to reach a server that is away: the first and the longest.
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Health:
    """While a server is known to be away, calls fail at once instead of waiting for it.

    `ping` asks the server and raises a CapabilityError; `what` names the server
    in messages. One failed call is only a reason to ask: no more than one
    question is under way, and it is repeated for ever, ever less often.
    """

    def __init__(self, what: str, ping: Callable[[], Awaitable[object]], timeout: float) -> None:
        self._what = what
        self._ping = ping
        self._timeout = timeout
        self._asking: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._closed = False
        #: Why calls fail; None while the server answers, as far as anybody knows.
        self.failure: CapabilityError | None = None

    def check(self) -> None:
        """Raise what a call would fail with, if that is known."""
        if self.failure is not None:
            raise type(self.failure)(self.failure.message, hint=self.failure.hint)

    def doubt(self) -> None:
        """Find out in the background whether the server answers."""
        if not self._closed and (self._asking is None or self._asking.done()):
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    def hurry(self) -> None:
        """There is reason to believe that the server answers again: ask now."""
        self._hurry.set()
        self.doubt()

    async def close(self) -> None:
        """Ask no more."""
        self._closed = True
        task, self._asking = self._asking, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self) -> None:
        pause = FIRST_PAUSE
        while True:
            failure = await self._attempt()
            if failure is None:
                break
            if self.failure is None or self.failure.message != failure.message:
                LOG.warning("%s; calls fail until it answers", failure.message)
            self.failure = failure
            await self._pause(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
        if self.failure is not None:
            LOG.info("%s answers again", self._what)
            self.failure = None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()

    async def _attempt(self) -> CapabilityError | None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._ping()
        except TimeoutError:
            return Unavailable(f"{self._what} did not answer within {self._timeout:g} s")
        except CapabilityError as error:
            return error
        return None
