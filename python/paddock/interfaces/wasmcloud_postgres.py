"""`wasmcloud:postgres` `@0.1.1-draft` and `@0.2.0`: types, query, prepared.

They use the SQL database "default" of the manifest, which has to be a Postgres
one. Statements are Postgres' own. A prepared statement's token is the statement
itself, so it is good in every instance and for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from paddock.capabilities.sql import Column, Outcome, Row, Session, Table
from paddock.errors import (
    AccessDenied,
    CapabilityError,
    NotFound,
    StatementError,
    TimedOut,
    Unavailable,
)
from paddock.interfaces.sql import message_of, once, streamed
from paddock.interfaces.wasmcloud_postgres_values import params_of, pg_value
from paddock.types import Reply, Stream, Variant, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

PREPARED = "statement:"


class _Base:
    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def _session(self) -> Session:
        database = self._grants.sql_database("default")
        if database.dialect != "postgres":
            raise CapabilityError(
                "the SQL database 'default' is no Postgres database",
                hint='set type = "postgres" in [sql_database.default]',
            )
        return database.session()


def _draft_error(exc: Exception) -> Variant:
    """The draft's `query-error`."""
    if isinstance(exc, StatementError):
        # Only what the server said has a code.
        return Variant("invalid-query" if exc.code else "invalid-params", exc.message)
    return Variant("unexpected", message_of(exc))


class DraftQuery(_Base):
    """`wasmcloud:postgres/query@0.1.1-draft`"""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        return _draft_error(exc)

    def query(self, query: str, params: Sequence[Variant]) -> Reply[object]:
        """Rows of entries with the name of the column."""
        return then(once(self._session(), lambda one: one.fetch(query, params_of(params))), _named)

    def query_batch(self, query: str) -> Reply[None]:
        """Any number of statements."""
        return once(self._session(), lambda one: one.script(query))


class DraftPrepared(_Base):
    """`wasmcloud:postgres/prepared@0.1.1-draft`"""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, StatementError):
            return Variant("query-error", _draft_error(exc))
        return Variant("unexpected", message_of(exc))

    def prepare(self, statement: str) -> str:
        """A token for the statement."""
        return PREPARED + statement

    def exec(self, stmt_token: str, params: Sequence[Variant]) -> Reply[int]:
        """How many rows it changed."""
        if not stmt_token.startswith(PREPARED):
            raise _unknown("unknown-prepared-query")
        return _executed(self._session(), stmt_token, params)


class _Errors(_Base):
    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        text = message_of(exc)
        if isinstance(exc, StatementError):
            if not exc.code:
                return Variant("invalid-params", text)
            return Variant(
                "query-failed",
                {
                    "code": exc.code,
                    "severity": exc.severity,
                    "message": exc.message,
                    "detail": exc.detail,
                    "extras": list(exc.extras),
                },
            )
        if isinstance(exc, AccessDenied | NotFound):
            return Variant("access-denied")
        if isinstance(exc, TimedOut):
            return Variant("timeout")
        return Variant("connection-failed" if isinstance(exc, Unavailable) else "other", text)


class Query(_Errors):
    """`wasmcloud:postgres/query@0.2.0`"""

    __slots__ = ()

    async def query(self, query: str, params: Sequence[Variant]) -> Stream:
        """Names of columns, and the rows as a stream."""
        reply = self._session().query(query, params_of(params))
        return await streamed(reply, lambda columns: [each.name for each in columns], _reader)

    def query_batch(self, query: str) -> Reply[None]:
        """Any number of statements."""
        return once(self._session(), lambda one: one.script(query))


class Prepared(_Errors):
    """`wasmcloud:postgres/prepared@0.2.0`"""

    __slots__ = ()

    def prepare(self, statement: str) -> str:
        """A token for the statement."""
        return PREPARED + statement

    def exec(self, stmt_token: str, params: Sequence[Variant]) -> Reply[int]:
        """How many rows it changed."""
        if not stmt_token.startswith(PREPARED):
            raise _unknown("unknown-prepared-statement")
        return _executed(self._session(), stmt_token, params)


def _executed(session: Session, token: str, params: Sequence[Variant]) -> Reply[int]:
    statement = token.removeprefix(PREPARED)
    return then(once(session, lambda one: one.execute(statement, params_of(params))), _affected)


def _affected(outcome: Outcome) -> int:
    return outcome.affected


def _unknown(case: str) -> Exception:
    from paddock.types import Err

    return Err(Variant(case))


def _named(table: Table) -> list[list[dict[str, object]]]:
    names = [column.name for column in table.columns]
    read = _reader(table.columns)
    return [
        [
            {"column_name": name, "value": value}
            for name, value in zip(names, read(row), strict=True)
        ]
        for row in table.rows
    ]


def _reader(columns: Sequence[Column]) -> Callable[[Row], list[Variant]]:
    """Makes rows, which are lists of `pg-value`."""
    natives = [column.native for column in columns]

    def read(row: Row) -> list[Variant]:
        return [pg_value(native, value) for native, value in zip(natives, row, strict=True)]

    return read
