"""Sessions on a database that can be moved: each statement passes the gate.

A transaction is one passage, and so are rows until the last of them is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol, TypeVar, cast

from paddock.capabilities.sql import BATCH, Outcome, Row, Rows, Session, SqlDatabase, Table
from paddock.capabilities.sql_values import Value
from paddock.errors import Unavailable
from paddock.host.live.gate import Flight, Gate
from paddock.types import Deferred, Reply, resolve, then

T = TypeVar("T")

#: Seconds that a statement waits while tables are copied.
PATIENCE = 60.0

WAITED = "the database is being moved and did not take the statement in time"


class Owner(Protocol):
    """What a session is of: `database` is what is behind it now."""

    database: SqlDatabase
    gate: Gate


class Passage:
    """One passage of the gate. It ends with `leave`, or with the last who knows of it:

    a reply that nobody ever waits for must not keep the gate open for ever.
    """

    __slots__ = ("_flight",)

    def __init__(self, flight: Flight) -> None:
        self._flight: Flight | None = flight

    def leave(self) -> None:
        """May be repeated."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.pop()

    def __del__(self) -> None:
        self.leave()


class LiveSession:
    """The contract is `paddock.capabilities.sql.Session`."""

    __slots__ = ("_database", "_inner", "_live", "_passage")

    def __init__(self, live: Owner) -> None:
        self._live = live
        self._database: SqlDatabase | None = None
        self._inner: Session | None = None
        #: Of the transaction that is open.
        self._passage: Passage | None = None

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
        passage, self._passage = self._passage, None
        reply = inner.close()
        # Without a transaction there is nothing to wait for but a connection's return.
        return _closed(reply, passage) if isinstance(reply, Coroutine) and passage else reply

    # -- through the gate

    def _run(self, work: Callable[[Session], Reply[T]]) -> Reply[T]:
        passage = self._passage
        if passage is None:
            flight = self._live.gate.begin()
            if flight is None:
                return self._waiting(work)
            passage = Passage(flight)
        try:
            reply = work(self._session())
        except BaseException:
            self._after(passage)
            raise
        if isinstance(reply, Coroutine):
            return self._carried(cast("Coroutine[object, object, T]", reply), passage)
        if isinstance(reply, Deferred):
            later = cast("Deferred[T]", reply)
            return Deferred(lambda: self._finished(later, passage))
        self._after(passage, reply)
        return _wrapped(reply, passage)

    def _finished(self, reply: Deferred[T], passage: Passage) -> T:
        try:
            value = reply()
        except BaseException:
            self._after(passage)
            raise
        self._after(passage, value)
        return _wrapped(value, passage)

    async def _carried(self, reply: Reply[T], passage: Passage) -> T:
        try:
            value = await resolve(reply)
        except BaseException:
            self._after(passage)
            raise
        self._after(passage, value)
        return _wrapped(value, passage)

    async def _waiting(self, work: Callable[[Session], Reply[T]]) -> T:
        passage = await self._entered()
        try:
            reply = work(self._session())
        except BaseException:
            self._after(passage)
            raise
        return await self._carried(reply, passage)

    async def _entered(self) -> Passage:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return Passage(await self._live.gate.enter())
            except TimeoutError as error:
                if time.monotonic() > end:
                    raise Unavailable(WAITED) from error

    def _session(self) -> Session:
        """The session on what is behind now; one of before is let go."""
        database = self._live.database
        if self._inner is None or self._database is not database:
            self._database = database
            self._inner = database.session()
        return self._inner

    def _after(self, passage: Passage, value: object = None) -> None:
        """Leave, unless a transaction goes on or rows are still to be read."""
        if self.in_transaction:
            self._passage = passage
            return
        self._passage = None
        if not getattr(value, "open", False):
            passage.leave()


def _wrapped(value: T, passage: Passage) -> T:
    """Rows that are still at the database keep the passage until they are read."""
    if getattr(value, "open", False):
        return cast("T", LiveRows(cast("Rows", value), passage))
    return value


class LiveRows:
    """The contract is `paddock.capabilities.sql.Rows`."""

    __slots__ = ("_inner", "_passage", "columns")

    def __init__(self, inner: Rows, passage: Passage) -> None:
        self.columns = inner.columns
        self._inner = inner
        self._passage: Passage | None = passage

    @property
    def open(self) -> bool:
        """See the contract."""
        return self._inner.open

    def next(self, most: int = BATCH, /) -> Reply[Sequence[Row]]:
        """See the contract."""
        return then(self._inner.next(most), self._look)

    def close(self) -> Reply[None]:
        """See the contract."""
        passage, self._passage = self._passage, None
        reply = self._inner.close()
        return _closed(reply, passage) if isinstance(reply, Coroutine) and passage else reply

    def _look(self, page: Sequence[Row]) -> Sequence[Row]:
        if not self._inner.open:
            # In a transaction, the session has it too.
            self._passage = None
        return page


async def _closed(reply: Coroutine[object, object, None], passage: Passage) -> None:
    await reply
    # Only now may it go: the name keeps it until here.
    del passage
