"""`[[trigger.command]]`: a program (`wasi:cli/run`) runs with the host: a job, or a service.

[[trigger.command]]
component = "worker"
restart = "always"
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from paddock.interfaces.handlers import command
from paddock.triggers.policy import Policy
from paddock.triggers.source import Call, Context, Event, Standing, Trigger

if TYPE_CHECKING:
    from paddock.providers.options import Options

#: Attempts of a service that is always restarted.
EVER = 1_000_000


class CommandTrigger(Trigger):
    """`restart`: "never" runs it once, "on-failure" again until it ends well, "always" for ever.

    `pause` ("1s") passes between a good end and the next start.
    """

    policy = Policy(concurrency=1, attempts=EVER, backoff=1.0, longest=60.0, time=inf)

    def __init__(self, context: Context, options: Options) -> None:
        self._call = Call(command(context.exports))
        self._restart = options.choice("restart", ("never", "on-failure", "always"))
        self._pause = options.seconds("pause", 1.0)
        self._stopping = asyncio.Event()
        self._starts = 0

    async def events(self) -> AsyncIterator[Event]:
        """One start after another, each when the one before has ended."""
        while not self._stopping.is_set():
            self._starts += 1
            yield Start(self._call, again=self._restart != "never")
            if self._restart != "always":
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._pause)

    def standing(self) -> Standing:
        """How often it was started."""
        return Standing(fields={"starts": self._starts})

    async def stop(self) -> None:
        """No more starts."""
        self._stopping.set()


class Start(Event):
    """One start of the program."""

    __slots__ = ()

    def __init__(self, call: Call, *, again: bool) -> None:
        super().__init__("a start", call)
        if not again:
            # Its failure counts as the last one.
            self.attempt = EVER
