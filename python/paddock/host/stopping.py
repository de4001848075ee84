"""How a host is told to stop, also while it starts."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine

LOG = logging.getLogger("paddock.host")


def on_signals(stop: asyncio.Event) -> None:
    """Sets `stop` at SIGTERM and SIGINT; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        if stop.is_set():
            os._exit(130)
        LOG.info("stopping: no new work; a second signal ends at once")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, first)
        except NotImplementedError:  # Windows has no loop signals
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(first))


async def unless_stopped(work: Coroutine[object, object, object], stop: asyncio.Event) -> bool:
    """Whether `work` was done; it is cancelled when `stop` comes first. Raises what it raises."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait((working,))
    if working.cancelled():
        return False
    working.result()
    return True
