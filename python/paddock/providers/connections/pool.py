"""A bounded pool of connections to a database, which outlives the server's outages.

A connection belongs to one user at a time. While the server can't be reached,
whoever asks fails at once instead of queueing, and one task keeps trying, with
pauses that grow and vary; so memory is bounded and the server is not overrun
when it returns.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from typing import Generic, Protocol, TypeVar

from paddock.errors import CapabilityError, Unavailable

LOG = logging.getLogger("paddock.providers")

#: Seconds between two attempts while a server is down: the first and the longest pause.
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Stale(Unavailable):
    """The connection was gone before anything was sent: another one may be tried."""


class Pooled(Protocol):
    """A connection, as the pool sees it."""

    @property
    def usable(self) -> bool:
        """False when it broke, or is in a state that nobody else may get."""
        ...

    def discard(self) -> None:
        """Let go of it at once, without talking to the server."""
        ...

    async def close(self) -> None:
        """Say goodbye; must not raise and must not wait for long."""
        ...


C = TypeVar("C", bound=Pooled)
C_co = TypeVar("C_co", bound=Pooled, covariant=True)


class Connector(Protocol[C_co]):
    """Makes connections; `__str__` names the server without any secret."""

    async def connect(self) -> C_co:
        """A new connection within the timeout; raises Unavailable or CapabilityError."""
        ...


class Pool(Generic[C]):
    """Everything in here belongs to the event loop that first used it."""

    def __init__(self, connector: Connector[C], *, size: int, timeout: float) -> None:
        self._connector = connector
        self._size = size
        self._timeout = timeout
        self._idle: list[C] = []
        self._lent: set[C] = set()
        self._opening = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._down: CapabilityError | None = None
        self._reviver: asyncio.Task[None] | None = None
        self._closed = False

    def take(self) -> C | None:
        """An idle connection, without waiting; None if `acquire` has to find one."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                self._lent.add(connection)
                return connection
            connection.discard()
        return None

    async def acquire(self) -> C:
        """A connection; give it back with `release`. Raises Unavailable, CapabilityError."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        while True:
            if self._closed:
                raise Unavailable(f"{self._connector} is closed")
            connection = self.take()
            if connection is not None:
                return connection
            if self._down is not None:
                raise self._again(self._down)
            if len(self._lent) + self._opening < self._size:
                return await self._opened()
            await self._turn(deadline)

    async def _turn(self, deadline: float) -> None:
        """Wait until something changed; raises Unavailable at the deadline."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except BaseException as error:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:
                # It was woken for something that it can't take any more.
                self._wake()
            if isinstance(error, TimeoutError):
                raise Unavailable(
                    f"{self._connector}: all {self._size} connections were in use for "
                    f"{self._timeout:g} s",
                    hint="raise `connections`, or look for transactions that stay open",
                ) from error
            raise

    async def _opened(self) -> C:
        self._opening += 1
        try:
            connection = await self._connector.connect()
        except CapabilityError as error:
            self._failed(error)
            raise
        except BaseException:
            # Cancelled: somebody else may use the place.
            self._wake()
            raise
        finally:
            self._opening -= 1
        self._lent.add(connection)
        return connection

    def release(self, connection: C) -> None:
        """Give a connection back; one that is not usable any more is dropped."""
        self._lent.discard(connection)
        if self._closed or not connection.usable:
            connection.discard()
        else:
            self._idle.append(connection)
        self._wake()

    def probe(self) -> None:
        """Try to connect in the background, so that the log says early if that fails."""
        if self._reviver is None and not self._closed:
            self._reviver = asyncio.get_running_loop().create_task(self._revive(0.0))

    @property
    def busy(self) -> bool:
        """Whether any connection is lent or waited for."""
        return bool(self._lent or self._opening or self._waiters)

    async def close(self) -> None:
        """Close idle connections; lent ones when they come back, which is soon."""
        self._closed = True
        if self._reviver is not None:
            self._reviver.cancel()
            await asyncio.gather(self._reviver, return_exceptions=True)
        self._wake_all()
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    def _failed(self, error: CapabilityError) -> None:
        if self._down is None and not self._closed:
            LOG.warning("%s; calls fail until it answers", error.message)
            self._down = error
            if self._reviver is None:
                self._reviver = asyncio.get_running_loop().create_task(self._revive(FIRST_PAUSE))
        self._wake_all()

    async def _revive(self, pause: float) -> None:
        try:
            while True:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
                try:
                    connection = await self._connector.connect()
                except CapabilityError as error:
                    if self._down is None:
                        LOG.warning("%s; calls fail until it answers", error.message)
                    self._down = error
                    continue
                if self._down is not None:
                    LOG.info("%s answers again", self._connector)
                self._down = None
                if len(self._lent) + self._opening + len(self._idle) < self._size:
                    self.release(connection)
                else:
                    await connection.close()
                return
        finally:
            self._reviver = None

    def _again(self, error: CapabilityError) -> CapabilityError:
        """The same error for another caller: one instance would gather tracebacks."""
        return type(error)(error.message, hint=error.hint)

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._waiters:
            self._wake()
