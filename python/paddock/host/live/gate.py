"""Counts what is under way, and can keep what comes next waiting for a moment.

A migration needs two certainties: that every write which began before a certain
point has ended, and that none begins while the last changes are carried over.

Counting costs each write next to nothing, since a list's `append` and `pop` are
atomic in CPython. A write enters in two steps, and the order of both sides is
what makes it safe: it appends and then looks whether the flight is still the
gate's, while the gate first puts another flight in place and then looks whether
the old one is empty. So either the gate sees the write or the write sees the gate.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeAlias

#: Seconds that a write waits at a closed gate, and a gate for what is under way.
PATIENCE = 15.0

#: Seconds between two looks at what is under way.
LOOK = 0.002

#: An entry for each call that began under one state of the gate; leave with `pop`.
Flight: TypeAlias = list[None]


class Gate:
    """Open most of the time. Enter from any thread; the rest belongs to one event loop."""

    __slots__ = ("_opened", "flight")

    def __init__(self) -> None:
        #: What calls that begin now belong to; None while the gate is closed.
        self.flight: Flight | None = []
        self._opened: Future[None] = Future()

    def begin(self) -> Flight | None:
        """Count one call in; None while the gate is closed."""
        while True:
            flight = self.flight
            if flight is None:
                return None
            flight.append(None)
            if self.flight is flight:
                return flight
            flight.pop()

    def wait(self) -> Flight:
        """The same, for a thread that may block. Raises TimeoutError."""
        while True:
            flight = self.begin()
            if flight is not None:
                return flight
            self._opened.result(PATIENCE)

    async def enter(self) -> Flight:
        """The same, for a coroutine; no thread is used, of which there are few."""
        while True:
            flight = self.begin()
            if flight is not None:
                return flight
            async with asyncio.timeout(PATIENCE):
                # Others wait for the same, which cancelling one of them must not end.
                await asyncio.shield(asyncio.wrap_future(self._opened))

    async def renew(self) -> None:
        """Wait until every call that is under way now has ended; new ones go on.

        Raises TimeoutError.
        """
        old, self.flight = self.flight, []
        await _ended(old)

    async def close(self) -> None:
        """Let no new call begin, and wait for those under way. Raises TimeoutError, open again."""
        self._opened = Future()
        old, self.flight = self.flight, None
        try:
            await _ended(old)
        except BaseException:
            self.open()
            raise

    def open(self) -> None:
        """Let calls begin again; may be repeated."""
        if self.flight is None:
            self.flight = []
            self._opened.set_result(None)


async def _ended(flight: Flight | None) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while flight:  # noqa: ASYNC110 - a call that ends tells nobody: that would cost it
                await asyncio.sleep(LOOK)
    except TimeoutError:
        if flight:
            raise
