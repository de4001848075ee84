"""`paddock:sql/database@0.1.0`: our own, for databases of any product.

Statements are of the portable dialect, see `capabilities.sql_portable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast
from uuid import UUID

from paddock.capabilities.sql import Column, Outcome, Portable, Row, Rows, Session, SqlDatabase
from paddock.capabilities.sql_values import Interval, Json, Other, Value, moment, of_day, text_of
from paddock.errors import AccessDenied, Exhausted, NotFound, StatementError, Unavailable
from paddock.interfaces.grants import Grants
from paddock.interfaces.sql import close_later, message_of
from paddock.types import Reply, Variant, then

T = TypeVar("T")

LARGEST = 2**63 - 1
NULL = Variant("null")

Convert = Callable[[Any], object]

_PARAMS: dict[str, Convert] = {
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": of_day,
    "timestamp": moment,
    "timestamp-tz": moment,
    "interval": lambda value: Interval(value.months, value.days, value.microseconds),
    "uuid": UUID,
    "json": Json,
    "other": lambda value: Other(value.type_name, value.text),
}

_CASES: dict[type, Callable[[Any], Variant]] = {
    type(None): lambda _: NULL,
    bool: lambda value: Variant("boolean", value),
    int: lambda value: Variant("integer" if value <= LARGEST else "unsigned", value),
    float: lambda value: Variant("float", value),
    Decimal: lambda value: Variant("decimal", text_of(value)),
    str: lambda value: Variant("text", value),
    bytes: lambda value: Variant("bytes", value),
    date: lambda value: Variant("date", value.isoformat()),
    time: lambda value: Variant("time", value.isoformat()),
    datetime: lambda value: Variant(
        "timestamp" if value.tzinfo is None else "timestamp-tz", value.isoformat()
    ),
    Interval: lambda value: Variant("interval", value),
    Json: lambda value: Variant("json", value.text),
}


def _param(param: Variant) -> Value:
    convert = _PARAMS.get(param.case)
    if convert is None:
        return cast("Value", param.payload)
    try:
        return cast("Value", convert(param.payload))
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise StatementError(
            f"{str(param.payload)[:100]!r} is no {param.case}", kind="invalid"
        ) from error


def _value(value: Value, column: Column) -> Variant:
    case = _CASES.get(type(value))
    if case is not None:
        return case(value)
    if isinstance(value, UUID):
        # Clients have classes of their own for it.
        return Variant("uuid", str(value))
    name = value.type if isinstance(value, Other) else column.native or column.kind
    return Variant("other", {"type_name": name, "text": text_of(value)})


class Result:
    """The resource `rows`."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def columns(self) -> list[object]:
        """Records `column`."""
        return [{"name": each.name, "type_name": each.kind} for each in self._rows.columns]

    def next(self, max: int) -> Reply[list[list[Variant]]]:
        """The next rows."""
        return then(self._rows.next(min(max, 10_000) or 1), self._page)

    def _page(self, page: Sequence[Row]) -> list[list[Variant]]:
        columns = self._rows.columns
        return [[_value(*each) for each in zip(row, columns, strict=True)] for row in page]

    def drop(self) -> None:
        """The guest let go of it."""
        close_later(self._rows)


class Statements:
    """What a connection and a transaction have in common."""

    __slots__ = ("_database", "_session")

    def __init__(self, database: SqlDatabase, session: Session) -> None:
        self._database = database
        self._session = session

    def query(self, statement: str, params: Sequence[Variant]) -> Reply[Result]:
        """Rows, as they are asked for."""
        values = [_param(each) for each in params]
        return then(self._session.query(Portable(statement), values), Result)

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[object]:
        """The record `outcome`."""
        values = [_param(each) for each in params]
        return then(self._session.execute(Portable(statement), values), _outcome)

    def drop(self) -> None:
        """The guest let go of it: an open transaction is undone."""
        close_later(self._session)


def _outcome(outcome: Outcome) -> object:
    return {"rows_affected": outcome.affected, "last_id": outcome.last_id}


class Transaction(Statements):
    """The resource."""

    __slots__ = ("_ended",)

    def __init__(self, database: SqlDatabase, session: Session) -> None:
        super().__init__(database, session)
        self._ended = False

    def query(self, statement: str, params: Sequence[Variant]) -> Reply[Result]:
        """Refused after the end."""
        self._check()
        return super().query(statement, params)

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[object]:
        """Refused after the end."""
        self._check()
        return super().execute(statement, params)

    def commit(self) -> Reply[None]:
        """Keep what it did."""
        self._check()
        self._ended = True
        return self._session.commit()

    def rollback(self) -> Reply[None]:
        """Undo it."""
        self._check()
        self._ended = True
        return self._session.rollback()

    def _check(self) -> None:
        if self._ended:
            raise StatementError("the transaction has ended", kind="invalid")


class Connection(Statements):
    """The resource."""

    __slots__ = ()

    def dialect(self) -> str:
        """Of which product it is."""
        return self._database.dialect

    def begin(self) -> Reply[Transaction]:
        """A transaction, beside what else the connection does."""
        session = self._database.session()
        transaction = Transaction(self._database, session)
        return then(session.begin(), lambda _: transaction)


class _Opener:
    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def open(self, name: str) -> Connection:
        """A new connection; raises AccessDenied or NotFound."""
        database = self._grants.sql_database(name)
        return Connection(database, database.session())


class Database:
    """The bound interface."""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = _Opener(grants)

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, AccessDenied):
            return Variant("access-denied")
        if isinstance(exc, NotFound):
            return Variant("no-such-database")
        text = message_of(exc)
        if isinstance(exc, StatementError):
            return Variant(exc.kind, text)
        unavailable = isinstance(exc, Unavailable) and not isinstance(exc, Exhausted)
        return Variant("unavailable" if unavailable else "other", text)
