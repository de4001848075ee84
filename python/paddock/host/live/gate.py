"""Counts what is under way, and can keep what comes next waiting for a moment.

A migration needs two certainties: that every write which began before a certain
point has ended, and that none begins while the last changes are carried over.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

#: Seconds that a write waits at a closed gate, and a gate for what is under way.
PATIENCE = 15.0


class Flight:
    """The calls that began under one state of a gate. Enter and exit from any thread."""

    __slots__ = ("_changed", "count")

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.count = 0

    def __enter__(self) -> Flight:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self.count -= 1
            if self.count == 0:
                self._changed.notify_all()


class Gate:
    """Open most of the time; `begin` then costs a fraction of a microsecond."""

    __slots__ = ("_changed", "_closed", "_flight")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._flight = Flight(self._changed)
        self._closed = False

    def begin(self) -> Flight | None:
        """Count one call in; None while the gate is closed. Leave with `with`."""
        with self._changed:
            if self._closed:
                return None
            self._flight.count += 1
            return self._flight

    def wait(self) -> Flight:
        """The same, for a thread that may block. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._closed, PATIENCE):
                raise TimeoutError
            self._flight.count += 1
            return self._flight

    async def enter(self) -> Flight:
        """The same, for a coroutine."""
        flight = self.begin()
        return flight or await asyncio.to_thread(self.wait)

    async def renew(self) -> None:
        """Wait until every call that is under way now has ended; new ones go on."""
        with self._changed:
            old, self._flight = self._flight, Flight(self._changed)
        await asyncio.to_thread(self._drain, old)

    async def close(self) -> None:
        """Let no new call begin, and wait for those under way. Raises TimeoutError, open again."""
        with self._changed:
            self._closed = True
            flight = self._flight
        try:
            await asyncio.to_thread(self._drain, flight)
        except BaseException:
            self.open()
            raise

    def open(self) -> None:
        """Let calls begin again."""
        with self._changed:
            self._closed = False
            self._changed.notify_all()

    def _drain(self, flight: Flight) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: flight.count == 0, PATIENCE):
                raise TimeoutError
