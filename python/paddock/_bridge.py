"""The Python half of the host-call bridge: what must happen on the event loop.

The core queues work from its own threads and wakes the loop once for a batch;
these functions carry it out there. Everything else of the bridge is in Rust.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Coroutine
from dataclasses import make_dataclass
from types import CodeType
from typing import Final, Protocol

from paddock.errors import AccessDenied, PaddockError

LOG: Final = logging.getLogger("paddock.bridge")

#: Positional and keyword-only counts live in a code object; no import of
#: `inspect`, whose signatures cost twenty times as much, is needed to read them.
_MAX_WRAPPERS: Final = 32


class Job(Protocol):
    """One reply that a guest waits for."""

    def finish(self, value: object, /) -> None: ...
    def fail(self, error: BaseException, /) -> None: ...


async def _run(tasks: Tasks, number: int, job: Job, reply: Awaitable[object]) -> None:
    try:
        value = await reply
    except BaseException as error:  # noqa: BLE001 - the core decides what each means
        job.fail(error)
    else:
        job.finish(value)
    finally:
        tasks.forget(number)


class Tasks:
    """The coroutines under way for guests, by the core's number of each."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start(self, number: int, job: Job, reply: Awaitable[object]) -> None:
        """Run a reply as a task; eagerly where Python can (3.12)."""
        work: Coroutine[object, object, None] = _run(self, number, job, reply)
        if sys.version_info >= (3, 12):
            task = asyncio.Task(work, loop=self._loop, eager_start=True)
            if task.done():
                return
        else:
            task = self._loop.create_task(work)
        self._tasks[number] = task

    def cancel(self, number: int) -> None:
        """The guest is gone: cancel what it waited for, if it still runs."""
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    def forget(self, number: int) -> None:
        self._tasks.pop(number, None)

    async def cancel_all(self) -> None:
        """Cancel every coroutine and wait until all have ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)


class Flow(Protocol):
    """Takes the items of a stream over to a guest, a bounded number ahead of it."""

    def put(self, item: object, /) -> bool: ...
    def room(self) -> Awaitable[None]: ...


async def feed(items: AsyncIterable[object], flow: Flow) -> None:
    """Hand the items of a stream over, all in one task, and end its source."""
    iterator = aiter(items)
    try:
        async for item in iterator:
            if not flow.put(item):
                await flow.room()
    finally:
        # A generator's clean-up belongs to this task, not to the collector.
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


class Pace:
    """Lets a few lines a second pass for each place, and counts the others.

    Guests choose how often they call what fails, so their failures must not
    be able to fill a disk or to hide the other lines.
    """

    LINES: Final = 10
    SECONDS: Final = 1.0

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._passed: dict[str, int] = {}

    def left_out(self, where: str) -> int | None:
        """None if this line is one too many, else how many were since the last that passed."""
        now = time.monotonic()
        passed = self._passed.get(where, 0)
        if now - self._began.get(where, -self.SECONDS) >= self.SECONDS:
            self._began[where], self._passed[where] = now, 1
            return max(0, passed - self.LINES)
        self._passed[where] = passed + 1
        return 0 if passed < self.LINES else None


_FAILURES: Final = Pace()


def log_failure(where: str, error: BaseException, answered: bool) -> None:
    """Log what a host method raised: a line if it was meant, else a traceback.

    A denial is always meant, also by an interface that has no error for it.
    """
    left_out = _FAILURES.left_out(where)
    if left_out is None:
        return
    if left_out:
        LOG.warning("%s: %d more failures came too fast to be logged", where, left_out)
    if isinstance(error, AccessDenied) or (answered and isinstance(error, PaddockError)):
        LOG.warning("%s: %s", where, error)
    else:
        LOG.error("%s failed", where, exc_info=error)


def log_text(where: str, text: str) -> None:
    """Log a mistake of the bridge's caller that is not an exception."""
    LOG.error("%s: %s", where, text)


def record_type(fields: tuple[str, ...]) -> type:
    """A frozen dataclass for a WIT record with these fields (snake_case)."""
    return make_dataclass("Record", fields, frozen=True, slots=True)


def wants_context(function: object) -> bool:
    """Whether a callable has a keyword-only parameter `ctx`."""
    for _ in range(_MAX_WRAPPERS):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if inner is None and not hasattr(function, "__code__"):
            inner = getattr(function, "func", None) or _entry(function)
        if inner is None or inner is function:
            break
        function = inner
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    first = code.co_argcount
    return "ctx" in code.co_varnames[first : first + code.co_kwonlyargcount]


def _entry(function: object) -> object | None:
    if isinstance(function, type):
        init: object = getattr(function, "__init__", None)
        return init
    call = getattr(type(function), "__call__", None)  # noqa: B004
    return call if hasattr(call, "__code__") else None
