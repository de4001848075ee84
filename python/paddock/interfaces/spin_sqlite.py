"""Spin's SQLite: `fermyon:spin/sqlite`, `fermyon:spin/sqlite@2.0.0`,
`spin:sqlite/sqlite@3.0.0` and `@3.1.0`.

A connection is a session: it has one connection of SQLite's own from its first
write on, so that `last_insert_rowid()` and transactions mean what they should.
Without a version a connection is a number that stands for a label, and each
statement is a session of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

from paddock.capabilities.sql import Column, Row, Table
from paddock.capabilities.sql_values import Value, text_of
from paddock.errors import AccessDenied, Exhausted, NotFound
from paddock.interfaces.grants import Grants
from paddock.interfaces.sql import SessionResource, message_of, streamed
from paddock.types import Err, Reply, Stream, Variant, then

T = TypeVar("T")

NULL = Variant("null")

#: Values of these types are SQLite's own.
_CASES: dict[type, Callable[[object], Variant]] = {
    type(None): lambda _: NULL,
    int: lambda value: Variant("integer", value),
    bool: lambda value: Variant("integer", int(cast("bool", value))),
    float: lambda value: Variant("real", value),
    str: lambda value: Variant("text", value),
    bytes: lambda value: Variant("blob", value),
}


def _other(value: object) -> Variant:
    return Variant("text", text_of(cast("Value", value)))


def _row(row: Row) -> dict[str, list[Variant]]:
    """The record `row-result`."""
    return {"values": [_CASES.get(type(value), _other)(value) for value in row]}


def _result(table: Table) -> dict[str, object]:
    """The record `query-result`."""
    return {
        "columns": [column.name for column in table.columns],
        "rows": [_row(row) for row in table.rows],
    }


def _params(parameters: Sequence[Variant]) -> list[Value]:
    return [cast("Value", each.payload) for each in parameters]


def _names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]


class _LastInsert(Protocol):
    """What a session of SQLite knows beyond the contract."""

    last_insert_rowid: int
    changes: int


class Connection(SessionResource):
    """The resource."""

    __slots__ = ()

    def execute(self, statement: str, parameters: Sequence[Variant]) -> Reply[object]:
        """Run a statement; its columns and rows."""
        return then(self.session.fetch(statement, _params(parameters)), _result)

    async def execute_async(self, statement: str, parameters: Sequence[Variant]) -> Stream:
        """The same, with the rows as a stream."""
        reply = self.session.query(statement, _params(parameters))
        return await streamed(reply, _names, lambda _: _row)

    def last_insert_rowid(self) -> int:
        """Of this connection; 0 before the first insert."""
        return cast("_LastInsert", self.session).last_insert_rowid

    def changes(self) -> int:
        """Rows of the last INSERT, UPDATE or DELETE."""
        return cast("_LastInsert", self.session).changes

    async def last_insert_rowid_async(self) -> int:
        """The same."""
        return self.last_insert_rowid()

    async def changes_async(self) -> int:
        """The same."""
        return self.changes()


class _Opener:
    """Opens granted databases."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def open(self, database: str) -> Connection:
        """A new connection; raises AccessDenied or NotFound."""
        return Connection(self._grants.sqlite_database(database).session())

    async def open_async(self, database: str) -> Connection:
        """The same."""
        return self.open(database)


class _Errors:
    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, AccessDenied):
            return Variant("access-denied")
        if isinstance(exc, NotFound):
            return Variant("no-such-database")
        if isinstance(exc, Exhausted):
            return Variant("database-full")
        return Variant("io", message_of(exc))


class Sqlite(_Errors):
    """The bound interface with resources: 2.0.0 and later."""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = _Opener(grants)


class NumberedSqlite(_Errors):
    """The bound interface without a version."""

    __slots__ = ("_grants", "_numbers")

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._numbers = dict(enumerate(grants.sqlite, 1))

    def open(self, database: str) -> int:
        """The number of a database."""
        self._grants.sqlite_database(database)
        return next(number for number, name in self._numbers.items() if name == database)

    def execute(self, conn: int, statement: str, parameters: Sequence[Variant]) -> Reply[object]:
        """Run a statement; its columns and rows."""
        name = self._numbers.get(conn)
        if name is None:
            raise Err(Variant("invalid-connection"))
        session = self._grants.sqlite_database(name).session()
        return then(session.fetch(statement, _params(parameters)), _result)

    def close(self, conn: int) -> None:
        """Has no effect: a number stays good."""
