"""Sessions on a database that can be moved: each statement passes the gate.

A transaction is one passage, and so are rows until the last of them is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from typing import Protocol, TypeVar, cast

from paddock.capabilities.sql import BATCH, Outcome, Row, Rows, Session, SqlDatabase, Table
from paddock.capabilities.sql_values import Value
from paddock.errors import Unavailable
from paddock.host.live.gate import Flight, Gate
from paddock.types import Deferred, Reply, resolve

T = TypeVar("T")

#: Seconds that a statement waits while tables are copied.
PATIENCE = 60.0

WAITED = "the database is being moved and did not take the statement in time"


class Owner(Protocol):
    """What a session is of: `database` is what is behind it now."""

    database: SqlDatabase
    gate: Gate


class LiveSession:
    """The contract is `paddock.capabilities.sql.Session`."""

    __slots__ = ("_awaited", "_database", "_flight", "_inner", "_live")

    def __init__(self, live: Owner) -> None:
        self._live = live
        self._database: SqlDatabase | None = None
        self._inner: Session | None = None
        #: Of the transaction that is open.
        self._flight: Flight | None = None
        self._awaited = False

    def fetch(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Table]:
        """See the contract."""
        return self._run(lambda session: session.fetch(sql, params))

    def query(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Rows]:
        """See the contract."""
        return self._run(lambda session: session.query(sql, params))

    def execute(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Outcome]:
        """See the contract."""
        return self._run(lambda session: session.execute(sql, params))

    def script(self, sql: str, /) -> Reply[None]:
        """See the contract."""
        return self._run(lambda session: session.script(sql))

    def begin(self) -> Reply[None]:
        """See the contract."""
        return self._run(lambda session: session.begin())

    def commit(self) -> Reply[None]:
        """See the contract."""
        return self._run(lambda session: session.commit())

    def rollback(self) -> Reply[None]:
        """See the contract."""
        if self._inner is None:
            return None
        return self._run(lambda session: session.rollback())

    @property
    def in_transaction(self) -> bool:
        """See the contract."""
        return self._inner is not None and self._inner.in_transaction

    @property
    def last_insert_rowid(self) -> int:
        """Of SQLite, see its session."""
        return int(getattr(self._inner, "last_insert_rowid", 0))

    @property
    def changes(self) -> int:
        """Of SQLite, see its session."""
        return int(getattr(self._inner, "changes", 0))

    def close(self) -> Reply[None]:
        """See the contract."""
        inner, self._inner = self._inner, None
        if inner is None:
            return None
        flight, self._flight = self._flight, None
        try:
            reply = inner.close()
        except BaseException:
            _leave(flight)
            raise
        if isinstance(reply, Coroutine):
            return _closed(reply, flight)
        _leave(flight)
        return reply

    def __del__(self) -> None:
        _leave(self._flight)

    # -- through the gate

    def _run(self, work: Callable[[Session], Reply[T]]) -> Reply[T]:
        if self._awaited:
            return self._waiting(work)
        flight = self._flight or self._live.gate.begin()
        if flight is None:
            return self._waiting(work)
        held = self._flight is not None
        try:
            reply = work(self._session())
        except BaseException:
            self._after(flight)
            raise
        if isinstance(reply, Coroutine):
            # It has not begun yet: it will be counted when it does.
            reply.close()
            if not held:
                flight.pop()
            return self._waiting(work)
        if isinstance(reply, Deferred):
            if held:
                # The transaction is counted, whether this ever runs or not.
                return Deferred(lambda: self._finished(cast("Deferred[T]", reply), flight))
            flight.pop()
            return self._waiting(work)
        self._after(flight, reply)
        return self._wrapped(reply, flight)

    def _finished(self, reply: Deferred[T], flight: Flight) -> T:
        try:
            value = reply()
        except BaseException:
            self._after(flight)
            raise
        self._after(flight, value)
        return self._wrapped(value, flight)

    async def _waiting(self, work: Callable[[Session], Reply[T]]) -> T:
        flight = self._flight or await self._entered()
        try:
            value = await resolve(work(self._session()))
        except BaseException:
            self._after(flight)
            raise
        self._after(flight, value)
        return self._wrapped(value, flight)

    async def _entered(self) -> Flight:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return await self._live.gate.enter()
            except TimeoutError as error:
                if time.monotonic() > end:
                    raise Unavailable(WAITED) from error

    def _session(self) -> Session:
        """The session on what is behind now; one of before is let go."""
        database = self._live.database
        if self._inner is None or self._database is not database:
            self._database = database
            self._inner = database.session()
            self._awaited = iscoroutinefunction(self._inner.fetch)
        return self._inner

    def _after(self, flight: Flight, value: object = None) -> None:
        """Leave, unless a transaction goes on or rows are still to be read."""
        if self.in_transaction:
            self._flight = flight
            return
        self._flight = None
        if not getattr(value, "open", False):
            flight.pop()

    def _wrapped(self, value: T, flight: Flight) -> T:
        """Rows that are still at the database keep the flight until they are read."""
        if self._flight is None and getattr(value, "open", False):
            return cast("T", LiveRows(cast("Rows", value), flight))
        return value


class LiveRows:
    """The contract is `paddock.capabilities.sql.Rows`."""

    __slots__ = ("_flight", "_inner", "columns")

    def __init__(self, inner: Rows, flight: Flight) -> None:
        self.columns = inner.columns
        self._inner = inner
        self._flight: Flight | None = flight

    @property
    def open(self) -> bool:
        """See the contract."""
        return self._inner.open

    def next(self, most: int = BATCH, /) -> Reply[Sequence[Row]]:
        """See the contract."""
        reply = self._inner.next(most)
        if isinstance(reply, Coroutine | Deferred):
            return self._later(cast("Reply[Sequence[Row]]", reply))
        self._look()
        return reply

    async def _later(self, reply: Reply[Sequence[Row]]) -> Sequence[Row]:
        try:
            return await resolve(reply)
        finally:
            self._look()

    def close(self) -> Reply[None]:
        """See the contract."""
        flight, self._flight = self._flight, None
        reply = self._inner.close()
        if isinstance(reply, Coroutine):
            return _closed(reply, flight)
        _leave(flight)
        return reply

    def _look(self) -> None:
        if not self._inner.open:
            flight, self._flight = self._flight, None
            _leave(flight)

    def __del__(self) -> None:
        _leave(self._flight)


def _leave(flight: Flight | None) -> None:
    if flight is not None:
        flight.pop()


async def _closed(reply: Coroutine[object, object, None], flight: Flight | None) -> None:
    try:
        await reply
    finally:
        _leave(flight)
