"""The SQL capability: statements on a database of some product.

Statements are in the product's own dialect, with its own placeholders: `?` (SQLite,
MySQL) or `$1` (Postgres). One of the type `Portable` is of the common dialect of
`sql_portable`, by which the provider rewrites it when it runs it, since nobody else
knows which product it will be by then. A parameter is always bound, never put into
the text. Values are those of `sql_values`.

All failures are of the `CapabilityError` tree: `StatementError` for a statement
that the database refuses, `Unavailable` where it can't be reached or did not
answer in time; then nobody knows whether the statement was carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from paddock.capabilities.sql_values import Value
    from paddock.types import Reply

Dialect: TypeAlias = Literal["sqlite", "postgres", "mysql"]


class Portable(str):
    """A statement of the portable dialect."""

    __slots__ = ()


#: The values of a row, in the order of the columns.
Row: TypeAlias = "Sequence[Value]"

#: How many rows are fetched at once where nobody says.
BATCH = 256

#: Rows of a whole result, at most, where the provider can tell; a stream has no bound.
MOST_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result.

    `kind` names the type in words that are the same for every product: boolean,
    int8 to int64, uint8 to uint64, float32, float64, decimal, text, bytes, date,
    time, timestamp, timestamptz, interval, uuid, json, `array<KIND>`,
    `range<KIND>`, `other`, or `any` where values of all types may come (SQLite).
    `native` is the product's name for it, perhaps empty.
    """

    name: str
    kind: str
    native: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A whole result."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did.

    `affected` counts the rows inserted, deleted, or found for an update. `last_id`
    is the key that the last insert generated, None where the product does not say.
    """

    affected: int
    last_id: int | None = None


class Rows(Protocol):
    """A result that is fetched piece by piece; close it."""

    columns: tuple[Column, ...]

    @property
    def open(self) -> bool:
        """Whether rows are still at the database; False when all are here or it is closed."""
        ...

    def next(self, most: int = BATCH, /) -> Reply[Sequence[Row]]:
        """Up to `most` rows and at least one; none after the last."""
        ...

    def close(self) -> Reply[None]:
        """End the query; may be repeated."""
        ...


class Session(Protocol):
    """Statements of one user, one after another; what comes meanwhile waits.

    A session has a connection only during a statement, and from one that opens a
    transaction or changes the session (`SET …`) until the transaction or the
    session ends.
    """

    def fetch(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Table]:
        """Run one statement and answer all its rows: at most MOST_ROWS, else StatementError."""
        ...

    def query(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Rows]:
        """Run one statement and answer its rows as they are asked for.

        Outside a transaction the rows have a connection of their own until they
        are closed or read to the end, and are one moment's.
        """
        ...

    def execute(self, sql: str, params: Sequence[Value] = (), /) -> Reply[Outcome]:
        """Run one statement; rows that it answers are thrown away."""
        ...

    def script(self, sql: str, /) -> Reply[None]:
        """Run any number of statements without parameters."""
        ...

    def begin(self) -> Reply[None]:
        """Begin a transaction; StatementError if one is open."""
        ...

    def commit(self) -> Reply[None]:
        """Keep what the transaction did. On failure all of it is undone."""
        ...

    def rollback(self) -> Reply[None]:
        """Undo the transaction; no error if none is open."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, by `begin` or by a statement."""
        ...

    def close(self) -> Reply[None]:
        """Undo an open transaction and give the connection back; may be repeated."""
        ...


class SqlDatabase(Protocol):
    """One open database of one application."""

    dialect: Dialect

    def session(self) -> Session:
        """A new session; costs nothing until its first statement."""
        ...

    def close(self) -> Reply[None]:
        """Let go of connections; may be repeated. Data stays."""
        ...
