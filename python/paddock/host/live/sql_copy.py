"""Copies a database into another of any product, table by table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from paddock.capabilities.sql import Dialect, Portable, Row, Session, SqlDatabase
from paddock.capabilities.sql_values import Value
from paddock.errors import CapabilityError, PlanError
from paddock.host.live.sql_schema import Column, Reference, Schema, TableSchema, read_schema
from paddock.types import resolve

#: Rows, parameters and bytes of one INSERT, at most.
ROWS = 250
PARAMETERS = 10_000
BYTES = 1 << 20

#: Text that MySQL keeps in a key has to have a bound; the longest whose key still fits.
KEY_TEXT = 700


class Copy:
    """Everything from `source` into `target`, which nobody else uses."""

    def __init__(
        self, source: SqlDatabase, target: SqlDatabase, progress: Callable[[int], None]
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self.copied = 0

    async def check(self) -> Schema:
        """The schema of the source; raises PlanError that names what can't be copied."""
        schema = await read_schema(self._source)
        obstacles = schema.obstacles()
        if obstacles:
            raise PlanError(
                "the database can't be moved, since it has what can't be made again there: "
                + "; ".join(obstacles[:50]),
                hint="drop it before, and make it anew afterwards where it is needed",
            )
        return schema

    async def everything(self) -> None:
        """All tables with their rows. On failure the target is left empty."""
        schema = await self.check()
        await self._clear()
        try:
            await self._carry(schema)
        except BaseException:
            await self._clear()
            raise

    async def _clear(self) -> None:
        """Drop what an earlier attempt left."""
        old = await read_schema(self._target)
        if not old.tables:
            return
        session = self._target.session()
        try:
            for statement in _dropping(old, self._target.dialect):
                await resolve(session.execute(statement))
        finally:
            await resolve(session.close())

    async def _carry(self, schema: Schema) -> None:
        target = self._target.session()
        dialect = self._target.dialect
        options = await _options(target, dialect)
        try:
            for table in schema.tables:
                sql = created(table, dialect) + options
                await resolve(target.execute(Portable(sql)))
            await resolve(target.begin())
            if dialect == "sqlite":
                # Rows may refer to others that come later.
                await resolve(target.script("PRAGMA defer_foreign_keys = ON"))
            for table in schema.tables:
                await self._rows(table, target)
            await resolve(target.commit())
            for statement in _finishing(schema, dialect):
                await resolve(target.execute(Portable(statement)))
        finally:
            await resolve(target.close())

    async def _rows(self, table: TableSchema, target: Session) -> None:
        names = ", ".join(quoted(column.name) for column in table.columns)
        source = self._source.session()
        rows = await resolve(source.query(Portable(f"SELECT {names} FROM {quoted(table.name)}")))
        try:
            # An identity column takes what it is given only with the last two words.
            insert = f"INSERT INTO {quoted(table.name)} ({names}) VALUES "
            while page := await resolve(rows.next(ROWS)):
                for part in _parts(page, len(table.columns)):
                    await self._insert(insert, part, target)
                    self.copied += len(part)
                self._progress(self.copied)
        finally:
            await resolve(rows.close())
            await resolve(source.close())

    async def _insert(self, insert: str, part: Sequence[Row], target: Session) -> None:
        row = f"({', '.join('?' * len(part[0]))})"
        params: list[Value] = [value for each in part for value in each]
        await resolve(target.execute(Portable(insert + ", ".join([row] * len(part))), params))


def _parts(page: Sequence[Row], width: int) -> Iterator[Sequence[Row]]:
    """Pieces of a page that are not too large for one statement."""
    most = max(1, min(ROWS, PARAMETERS // max(width, 1)))
    part: list[Row] = []
    size = 0
    for row in page:
        part.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(part) >= most or size >= BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def quoted(name: str) -> str:
    """A name as portable SQL."""
    return '"' + name.replace('"', '""') + '"'


def created(table: TableSchema, dialect: Dialect) -> str:
    """The portable CREATE TABLE; foreign keys are in it only for SQLite, which can't add them."""
    keyed = {*table.primary, *(name for index in table.indexes for name in index.columns)}
    if dialect == "mysql":
        keyed |= {name for reference in table.references for name in reference.columns}
    parts = [_column(table, column, dialect, column.name in keyed) for column in table.columns]
    if table.primary and table.identity is None:
        parts.append(f"PRIMARY KEY ({_list(table.primary)})")
    parts += [f"UNIQUE ({_list(index.columns)})" for index in table.indexes if index.unique]
    if dialect == "sqlite":
        parts += [_foreign(reference) for reference in table.references]
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)})"


def _column(table: TableSchema, column: Column, dialect: Dialect, keyed: bool) -> str:
    kind = column.type or ""
    if dialect == "mysql" and keyed and kind == "TEXT":
        kind = f"VARCHAR({KEY_TEXT})"
    text = f"{quoted(column.name)} {kind}"
    if column.identity:
        key = " PRIMARY KEY" if table.primary == (column.name,) else " UNIQUE"
        return f"{text} GENERATED BY DEFAULT AS IDENTITY{key}"
    if not column.nullable:
        text += " NOT NULL"
    if column.default is not None:
        text += f" DEFAULT {column.default}"
    return text


def _foreign(reference: Reference) -> str:
    targets = f" ({_list(reference.targets)})" if reference.targets else ""
    return (
        f"FOREIGN KEY ({_list(reference.columns)}) REFERENCES "
        f"{quoted(reference.table)}{targets}{reference.actions}"
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def _finishing(schema: Schema, dialect: Dialect) -> Iterator[str]:
    """What comes after the rows: indexes, foreign keys, where the counting goes on."""
    for table in schema.tables:
        name = quoted(table.name)
        for number, index in enumerate(table.indexes):
            if not index.unique:
                label = quoted(f"{table.name}_index_{number}"[:60])
                yield f"CREATE INDEX {label} ON {name} ({_list(index.columns)})"
        identity = table.identity
        if identity is None:
            continue
        if dialect == "postgres":
            column = quoted(identity.name)
            yield f"ALTER TABLE {name} ALTER COLUMN {column} RESTART WITH {table.next_key}"
        elif dialect == "mysql":
            yield f"ALTER TABLE {name} AUTO_INCREMENT = {table.next_key}"
        else:
            label = table.name.replace("'", "''")
            yield f"DELETE FROM sqlite_sequence WHERE name = '{label}'"
            yield (
                f"INSERT INTO sqlite_sequence (name, seq) VALUES ('{label}', {table.next_key - 1})"
            )
    if dialect != "sqlite":
        for table in schema.tables:
            for reference in table.references:
                yield f"ALTER TABLE {quoted(table.name)} ADD {_complete(reference, schema)}"


def _complete(reference: Reference, schema: Schema) -> str:
    """A foreign key that names the key it refers to; SQLite may leave it out."""
    if reference.targets:
        return _foreign(reference)
    primary = next(table.primary for table in schema.tables if table.name == reference.table)
    return _foreign(Reference(reference.columns, reference.table, primary, reference.actions))


def _dropping(schema: Schema, dialect: Dialect) -> Iterator[str]:
    if dialect == "postgres":
        for table in schema.tables:
            yield f"DROP TABLE {quoted(table.name)} CASCADE"
        return
    left = {table.name: table for table in schema.tables}
    while left:
        free = [
            name
            for name in left
            if not any(
                reference.table == name and other.name != name
                for other in left.values()
                for reference in other.references
            )
        ]
        if not free:
            raise CapabilityError(f"the tables {', '.join(left)} refer to each other")
        for name in free:
            del left[name]
            yield f"DROP TABLE {quoted(name)}"


async def _options(target: Session, dialect: Dialect) -> str:
    """Texts are told apart exactly, as elsewhere: with case and with blanks at the end."""
    if dialect != "mysql":
        return ""
    version = (await resolve(target.fetch("SELECT VERSION()"))).rows[0][0]
    pads = "nopad_bin" if "MariaDB" in str(version) else "0900_bin"
    return f" CHARACTER SET utf8mb4 COLLATE utf8mb4_{pads}"
