"""Spin's databases on servers that the guest names: what all versions share, and
`fermyon:spin/postgres` and `/mysql` without a version and 2.0.0, and
`spin:mysql/mysql@3.0.0`, which have the same values.

A connection is a session of a pooled client that all instances of a component
share. Connecting comes with the first statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import quote

from paddock.capabilities.sql import Column, Outcome, Row, SqlDatabase, Table
from paddock.capabilities.sql_values import Value
from paddock.errors import AccessDenied, CapabilityError, StatementError
from paddock.interfaces.sql import SessionResource, message_of, once, streamed
from paddock.types import Reply, Stream, Variant, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

T = TypeVar("T")

NULL = Variant("db-null")
UNSUPPORTED = Variant("unsupported")

#: Our word for a column's type → the interface's `db-data-type`, and its case of values.
_TYPES = {
    "boolean": "boolean", "text": "str", "bytes": "binary",
    "float32": "floating32", "float64": "floating64",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


class Errors:
    """Gives a bound interface its error mapping; `other` is the name of the last case."""

    __slots__ = ()
    other = "other"

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, AccessDenied):
            return Variant("connection-failed", exc.message.removeprefix("the "))
        if isinstance(exc, StatementError):
            # What the database did not see, is a value that it could not be given.
            return self._failed(exc) if exc.code else Variant("bad-parameter", exc.message)
        if isinstance(exc, CapabilityError):
            return Variant("connection-failed", exc.message)
        return Variant(self.other, message_of(exc))

    def _failed(self, exc: StatementError) -> Variant:
        return Variant("query-failed", exc.message)


def database(grants: Grants, kind: str, address: str) -> SqlDatabase:
    """The client for an address; raises AccessDenied, CapabilityError for what is none."""
    if grants.addresses is None:
        raise AccessDenied("the address is not permitted")
    return cast("SqlDatabase", grants.addresses.open(kind, as_url(kind, address)))


def as_url(kind: str, address: str) -> str:
    """An address as a URL: Postgres' form `host=… user=…` is one too (libpq, "Keyword/Value")."""
    if kind != "postgres" or "://" in address or "=" not in address:
        return address
    words: dict[str, str] = {}
    for part in address.split():
        key, _, value = part.partition("=")
        words[key] = value.strip("'")
    user, password = quote(words.get("user", ""), safe=""), words.get("password")
    login = f"{user}:{quote(password, safe='')}" if password is not None else user
    port = f":{words['port']}" if "port" in words else ""
    mode = f"?sslmode={words['sslmode']}" if "sslmode" in words else ""
    name = quote(words.get("dbname", ""), safe="")
    return f"postgres://{login}{'@' if login else ''}{words.get('host', '')}{port}/{name}{mode}"


def _params(params: Sequence[Variant]) -> list[Value]:
    return [cast("Value", each.payload) for each in params]


class Types:
    """The data types of one product, by our words for them."""

    __slots__ = ("_cases",)

    def __init__(self, **own: str) -> None:
        self._cases = {**_TYPES, **own}

    def head(self, columns: Sequence[Column]) -> list[object]:
        """Records `column`."""
        return [
            {"name": column.name, "data_type": self._cases.get(column.kind, "other")}
            for column in columns
        ]

    def reader(self, columns: Sequence[Column]) -> Callable[[Row], object]:
        """Makes rows, which are lists of `db-value`."""
        cases = [self._cases.get(column.kind) for column in columns]

        def read(row: Row) -> list[Variant]:
            return [
                NULL if value is None else Variant(case, value) if case else UNSUPPORTED
                for case, value in zip(cases, row, strict=True)
            ]

        return read

    def row_set(self, table: Table) -> dict[str, object]:
        """The record `row-set`."""
        read = self.reader(table.columns)
        return {"columns": self.head(table.columns), "rows": [read(row) for row in table.rows]}


POSTGRES = Types()
#: A truth value is a number there, as it is for Spin; the bridge takes True for 1.
MYSQL = Types(boolean="int8")


def affected(outcome: Outcome) -> int:
    """Rows that a statement changed."""
    return outcome.affected


def nothing(outcome: Outcome) -> None:
    """MySQL's `execute` answers nothing."""
    del outcome


class Connection(SessionResource):
    """The resource of version 2.0.0 for Postgres."""

    __slots__ = ()
    types = POSTGRES

    def query(self, statement: str, params: Sequence[Variant]) -> Reply[object]:
        """Columns and rows."""
        return then(self.session.fetch(statement, _params(params)), self.types.row_set)

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[int | None]:
        """How many rows it changed."""
        return then(self.session.execute(statement, _params(params)), affected)


class MysqlConnection(Connection):
    """The resource of version 2.0.0 for MySQL."""

    __slots__ = ()
    types = MYSQL

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[int | None]:
        """Answers nothing."""
        return then(self.session.execute(statement, _params(params)), nothing)


class StreamingConnection:
    """The resource of `spin:mysql@3.0.0`, all of whose functions are asynchronous."""

    __slots__ = ("_inner",)

    def __init__(self, inner: MysqlConnection) -> None:
        self._inner = inner

    async def query(self, statement: str, params: Sequence[Variant]) -> Stream:
        """Columns, and the rows as a stream."""
        return await streamed(
            self._inner.session.query(statement, _params(params)), MYSQL.head, MYSQL.reader
        )

    def execute(self, statement: str, params: Sequence[Variant]) -> Reply[int | None]:
        """Answers nothing."""
        return self._inner.execute(statement, params)

    def drop(self) -> None:
        """The guest let go of it."""
        self._inner.drop()


class Opener:
    """Opens connections of one kind and class."""

    __slots__ = ("_grants", "_kind", "_resource")

    def __init__(
        self, grants: Grants, kind: str, resource: Callable[[SqlDatabase], object]
    ) -> None:
        self._grants = grants
        self._kind = kind
        self._resource = resource

    def open(self, address: str) -> object:
        """A new connection to the server at an address."""
        return self._resource(database(self._grants, self._kind, address))


class Postgres(Errors):
    """`fermyon:spin/postgres@2.0.0`"""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = Opener(grants, "postgres", lambda db: Connection(db.session()))


class Mysql(Errors):
    """`fermyon:spin/mysql@2.0.0`"""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = Opener(grants, "mysql", lambda db: MysqlConnection(db.session()))


class Mysql3(Errors):
    """`spin:mysql/mysql@3.0.0`"""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = Opener(
            grants, "mysql", lambda db: StreamingConnection(MysqlConnection(db.session()))
        )


class _Addressed(Errors):
    """Without a version: each call names the address."""

    __slots__ = ("_grants",)
    other = "other-error"
    kind = ""
    types = POSTGRES

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def query(self, address: str, statement: str, params: Sequence[Variant]) -> Reply[object]:
        """Columns and rows."""
        session = database(self._grants, self.kind, address).session()
        return then(
            once(session, lambda one: one.fetch(statement, _params(params))), self.types.row_set
        )

    def _executed(self, address: str, statement: str, params: Sequence[Variant]) -> Reply[Outcome]:
        session = database(self._grants, self.kind, address).session()
        return once(session, lambda one: one.execute(statement, _params(params)))


class AddressedPostgres(_Addressed):
    """`fermyon:spin/postgres`"""

    __slots__ = ()
    kind = "postgres"

    def execute(self, address: str, statement: str, params: Sequence[Variant]) -> Reply[int]:
        """How many rows it changed."""
        return then(self._executed(address, statement, params), affected)


class AddressedMysql(_Addressed):
    """`fermyon:spin/mysql`"""

    __slots__ = ()
    kind = "mysql"
    types = MYSQL

    def execute(self, address: str, statement: str, params: Sequence[Variant]) -> Reply[None]:
        """Answers nothing."""
        return then(self._executed(address, statement, params), nothing)
