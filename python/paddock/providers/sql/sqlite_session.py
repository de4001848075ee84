"""Sessions on an SQLite file.

A statement first runs in place, on the guest's thread, for about a millisecond at
most: handing it to the pool of threads costs more than most statements take. One
that is not done by then is interrupted, which undoes it, and starts again on the
pool. In a transaction an interrupted write would undo all of it, so there writes
go to the pool at once.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import TypeVar

from paddock.capabilities.sql import BATCH, MOST_ROWS, Outcome, Row, Rows, Table
from paddock.capabilities.sql_portable import native
from paddock.capabilities.sql_text import tokens
from paddock.capabilities.sql_values import Value
from paddock.errors import StatementError
from paddock.providers.sql.rows import TableRows
from paddock.providers.sql.sqlite_file import PATIENCE, Busy, DatabaseFile, Lent, TooLong
from paddock.providers.sql.sqlite_rows import SqliteRows, columns_of
from paddock.providers.sql.sqlite_values import parameter
from paddock.providers.sql.statements import first_word, leaves_state, statements
from paddock.types import Deferred, Reply, then

T = TypeVar("T")

#: Statements that never write, whatever follows.
_READING = frozenset({"SELECT", "VALUES", "EXPLAIN"})
#: Words that make a writing of what begins with WITH.
_WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
#: Functions that tell of the connection's own writes.
_OF_CONNECTION = re.compile(r"\b(?:last_insert_rowid|changes|total_changes)\s*\(", re.IGNORECASE)
_BEGIN = re.compile(r"\s*BEGIN(\s+(DEFERRED|TRANSACTION))*\s*;?\s*", re.IGNORECASE)


class SqliteSession:
    """The contract is `paddock.capabilities.sql.Session`."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._held: Lent | None = None
        self._writing = False
        #: A connection that wrote is kept; one with temporary tables nobody else gets.
        self._kept = False
        self._changed = False
        #: As SQLite's functions of these names tell for one connection.
        self.last_insert_rowid = 0
        self.changes = 0

    def fetch(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Table]:
        """See the contract."""
        sql, values = _native(sql, params)

        def work(lent: Lent) -> Table:
            cursor = lent.raw.execute(_immediate(sql), values)
            rows = _bounded(cursor)
            self._note(cursor)
            return Table(columns_of(cursor), rows)

        return self._run(work, sql)

    def execute(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Outcome]:
        """See the contract."""
        sql, values = _native(sql, params)

        def work(lent: Lent) -> Outcome:
            before = lent.raw.total_changes
            cursor = lent.raw.execute(_immediate(sql), values)
            if cursor.description is not None:
                _drain(cursor)
            self._note(cursor)
            if cursor.rowcount >= 0:
                return Outcome(cursor.rowcount, cursor.lastrowid if cursor.rowcount else None)
            return Outcome(lent.raw.total_changes - before)

        return self._run(work, sql)

    def query(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Rows]:
        """See the contract."""
        own = self._kept and _OF_CONNECTION.search(sql)
        if own or self.in_transaction or self._changed or _writes(sql):
            return then(self.fetch(sql, params), TableRows)
        sql, values = _native(sql, params)
        try:
            return self._begun(sql, values, in_place=True)
        except (Busy, TooLong):
            return self._file.patiently(
                lambda: self._begun(sql, values, in_place=False), write=False
            )

    def script(self, sql: str, /) -> Reply[None]:
        """See the contract."""

        def work(lent: Lent) -> None:
            for statement in statements(sql):
                _drain(lent.raw.execute(_immediate(statement)))

        return self._run_away(work, sql)

    def begin(self) -> Reply[None]:
        """See the contract."""
        if self.in_transaction:
            raise StatementError("a transaction is open already", kind="invalid")
        return self._run(lambda lent: _drop(lent.raw.execute("BEGIN IMMEDIATE")), "BEGIN")

    def commit(self) -> Reply[None]:
        """See the contract."""
        if not self.in_transaction:
            raise StatementError("no transaction is open", kind="invalid")
        return self._run_away(lambda lent: _drop(lent.raw.execute("COMMIT")), "COMMIT")

    def rollback(self) -> None:
        """See the contract."""
        with self._lock:
            lent = self._held
            if lent is not None:
                lent.begin(float("inf"), in_place=False)
                if lent.raw.in_transaction:
                    lent.raw.execute("ROLLBACK")
                self._after(lent)

    @property
    def in_transaction(self) -> bool:
        """See the contract."""
        held = self._held
        return held is not None and held.raw.in_transaction

    def close(self) -> None:
        """See the contract."""
        if self._held is not None:
            self.rollback()
        self._let_go()

    def __del__(self) -> None:
        # A guest that ended without dropping its resource.
        if self._held is not None:
            self._changed |= self._held.raw.in_transaction
            self._let_go()
            self._let_write()

    def _let_go(self) -> None:
        lent, self._held = self._held, None
        if lent is None:
            return
        if self._changed:
            lent.raw.close()
        else:
            self._file.take_back(lent)

    # -- where a statement runs

    def _run(self, work: Callable[[Lent], T], sql: str) -> Reply[T]:
        if not (self.in_transaction and _writes(sql)):
            try:
                return self._attempt(work, sql, in_place=True)
            except (Busy, TooLong):
                pass
        return self._run_away(work, sql)

    def _run_away(self, work: Callable[[Lent], T], sql: str) -> Reply[T]:
        """Never in place."""
        if self._writing:
            # Nothing is waited for but a statement of this session.
            return Deferred(lambda: self._alone(work, sql))
        return self._later(work, sql)

    def _later(self, work: Callable[[Lent], T], sql: str) -> Coroutine[object, object, T]:
        write = _writes(sql) and not self._writing
        return self._file.patiently(
            lambda: self._attempt(work, sql, in_place=False, right=write), write=write
        )

    def _alone(self, work: Callable[[Lent], T], sql: str) -> T:
        try:
            return self._attempt(work, sql, in_place=False)
        except Busy:
            raise self._file.locked() from None

    def _attempt(
        self, work: Callable[[Lent], T], sql: str, *, in_place: bool, right: bool = False
    ) -> T:
        """Raises Busy, TooLong or errors of the CapabilityError tree.

        `right`: the right to write was taken for this; it is given back where it
        is not needed any more.
        """
        if not self._lock.acquire(timeout=0 if in_place else PATIENCE):
            if right:
                self._file.right.give()
            raise Busy
        try:
            self._writing |= right
            lent = self._taken(sql)
            lent.begin(self._file.timeout, in_place=in_place)
            try:
                return work(lent)
            except BaseException as error:
                raise self._file.explained(error, lent) from error
            finally:
                self._changed |= leaves_state(sql)
                # What it asks of its last insert later, only this connection knows.
                self._kept |= _writes(sql)
                self._after(lent)
        finally:
            self._lock.release()

    def _taken(self, sql: str) -> Lent:
        if _writes(sql) and not self._writing:
            if not self._file.right.take():
                raise Busy
            self._writing = True
        if self._held is not None:
            return self._held
        try:
            return self._file.lend()
        except BaseException:
            self._let_write()
            raise

    def _after(self, lent: Lent) -> None:
        if not lent.raw.in_transaction:
            self._let_write()
        if self._kept or self._changed or lent.raw.in_transaction:
            self._held = lent
        else:
            self._held = None
            self._file.take_back(lent)

    def _let_write(self) -> None:
        if self._writing:
            self._writing = False
            self._file.right.give()

    def _begun(self, sql: str, values: tuple[object, ...], *, in_place: bool) -> Rows:
        """A reading on a connection of its own; the first rows come with it."""
        lent = self._file.lend()
        lent.begin(self._file.timeout, in_place=in_place)
        try:
            cursor = lent.raw.execute(sql, values)
            first = cursor.fetchmany(BATCH)
        except BaseException as error:
            lent.raw.close()
            raise self._file.explained(error, lent) from error
        if len(first) < BATCH:
            self._file.take_back(lent)
            return TableRows(Table(columns_of(cursor), first))
        return SqliteRows(self._file, lent, cursor, first)

    def _note(self, cursor: sqlite3.Cursor) -> None:
        if cursor.rowcount >= 0:
            self.changes = cursor.rowcount
            self.last_insert_rowid = cursor.lastrowid or self.last_insert_rowid


def _native(sql: str, params: Sequence[Value]) -> tuple[str, tuple[object, ...]]:
    sql, params = native(sql, params, "sqlite")
    return sql, tuple(map(parameter, params))


@lru_cache(maxsize=1024)
def _writes(sql: str) -> bool:
    word = first_word(sql)
    if word == "WITH":
        return any(token.word in _WRITING for token in tokens(sql, "sqlite"))
    return word not in _READING


def _immediate(sql: str) -> str:
    """A transaction takes the right to write when it begins: it could fail to get it later."""
    return "BEGIN IMMEDIATE" if _BEGIN.fullmatch(sql) else sql


def _bounded(cursor: sqlite3.Cursor) -> list[Row]:
    """All rows, but not more than a host can keep for a guest."""
    rows: list[Row] = cursor.fetchmany(MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise StatementError(f"the statement has more than {MOST_ROWS} rows", kind="other")
    return rows


def _drain(cursor: sqlite3.Cursor) -> None:
    """Run a statement to its end; its rows are kept by nobody."""
    deque(cursor, maxlen=0)


def _drop(cursor: sqlite3.Cursor) -> None:
    del cursor
