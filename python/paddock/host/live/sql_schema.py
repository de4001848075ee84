"""What a database consists of, as far as it can be made again by another product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from paddock.types import resolve

if TYPE_CHECKING:
    from paddock.capabilities.sql import Dialect, Session, SqlDatabase


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `type` is a portable one, with its arguments, None for a foreign type.

    `native` is what the product calls it. `default` is a literal of SQL.
    """

    name: str
    type: str | None
    native: str
    nullable: bool = True
    default: str | None = None
    identity: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """Columns that are looked up together, unique ones at most once."""

    columns: tuple[str, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key; `actions` such as "ON DELETE CASCADE"."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    actions: str = ""


@dataclass(slots=True)
class TableSchema:
    """A table. `next_key` is the number that its identity column gets next."""

    name: str
    columns: list[Column] = field(default_factory=list[Column])
    primary: tuple[str, ...] = ()
    indexes: list[Index] = field(default_factory=list[Index])
    references: list[Reference] = field(default_factory=list[Reference])
    next_key: int = 1
    #: What of it can't be made again, in words.
    others: list[str] = field(default_factory=list[str])

    @property
    def identity(self) -> Column | None:
        """The column whose values the database generates."""
        return next((column for column in self.columns if column.identity), None)

    def led(self, column: str) -> bool:
        """Whether a key or a unique index begins with this column."""
        keys = (self.primary, *(index.columns for index in self.indexes if index.unique))
        return any(key[:1] == (column,) for key in keys)

    def count(self, page: Sequence[Found]) -> None:
        """Let numbers go on behind those of these rows: catalogues may be older than rows."""
        for place, column in enumerate(self.columns):
            if column.identity and page:
                self.next_key = max(self.next_key, max(int(row[place]) for row in page) + 1)


@dataclass(slots=True)
class Schema:
    """All tables, and what is there beside them, in words."""

    tables: list[TableSchema] = field(default_factory=list[TableSchema])
    others: list[str] = field(default_factory=list[str])

    def obstacles(self) -> list[str]:
        """What can't be copied, by name."""
        found = list(self.others)
        for table in self.tables:
            found += [f"table {table.name}: {each}" for each in table.others]
            if sum(column.identity for column in table.columns) > 1:
                found.append(f"table {table.name}: more than one column that numbers rows")
            found += [
                f"table {table.name}: column {column.name} of type {column.native or '(none)'}"
                for column in table.columns
                if column.type is None
            ]
        return found


class _Reader(Protocol):
    async def __call__(self, session: Session, /) -> Schema: ...


_READERS: Mapping[Dialect, str] = {
    "sqlite": "paddock.host.live.sql_schema_sqlite",
    "postgres": "paddock.host.live.sql_schema_postgres",
    "mysql": "paddock.host.live.sql_schema_mysql",
}


#: A row of a product's catalogue, whose columns the query chose.
Found: TypeAlias = "Sequence[Any]"


async def rows_of(session: Session, sql: str, *params: str | int) -> Sequence[Found]:
    """The rows of a query on a product's catalogue."""
    return (await resolve(session.fetch(sql, params))).rows


async def read_schema(database: SqlDatabase) -> Schema:
    """The schema of an open database."""
    session = database.session()
    try:
        read = cast("_Reader", import_module(_READERS[database.dialect]).read)
        return await read(session)
    finally:
        await resolve(session.close())


#: Defaults that every product reads in the same way.
LITERALS = frozenset({"NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE"})


def literal(text: str | None) -> str | None:
    """A default as portable SQL; None if it is none. Raises ValueError for an expression."""
    if text is None:
        return None
    bare = text.strip()
    if bare.upper() in LITERALS:
        return bare.upper()
    number = bare.lstrip("+-")
    if number.replace(".", "", 1).isdigit():
        return bare
    if len(bare) > 1 and bare[0] == bare[-1] == "'" and "'" not in bare[1:-1].replace("''", ""):
        return bare
    raise ValueError(text)


def add_default(table: TableSchema, column: str, text: str | None) -> str | None:
    """The same; an expression is noted as an obstacle."""
    try:
        return literal(text)
    except ValueError:
        table.others.append(f"column {column} has the default {text}")
        return None
