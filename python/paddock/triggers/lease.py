"""Keeps an event from being handed out again while its handler still works on it."""

from __future__ import annotations

import asyncio
import contextlib

from paddock.errors import PaddockError
from paddock.triggers.source import Event

#: What of a lease may pass before it is extended.
PART = 0.4


class Lease:
    """Extends an event's lease while its handler works; most end before that is due."""

    __slots__ = ("_event", "_pause", "_task", "_timer")

    def __init__(self, event: Event, lease: float) -> None:
        self._event = event
        self._pause = lease * PART
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._extend())

    async def _extend(self) -> None:
        while True:
            # Where the source can't be told, it will bring the event again.
            with contextlib.suppress(PaddockError):
                await self._event.extend()
            await asyncio.sleep(self._pause)

    def end(self) -> None:
        """Nobody works on it any more."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
