"""Copies a database into another of any product, table by table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from paddock.capabilities.sql import Dialect, Portable, Row, Session, SqlDatabase
from paddock.capabilities.sql_values import Value
from paddock.errors import PlanError
from paddock.host.live.sql_schema import Column, Reference, Schema, TableSchema, read_schema
from paddock.host.live.sql_values import check_values
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
        obstacles = [*schema.obstacles(), *_misfits(schema, self._target.dialect)]
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
        names = [quoted(table.name) for table in old.tables]
        session = self._target.session()
        try:
            await _drop(session, names, self._target.dialect)
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
            most = 1
            while page := await resolve(rows.next(most)):
                if self._source.dialect != self._target.dialect:
                    check_values(table, page)
                for part in _parts(page, len(table.columns)):
                    await self._insert(insert, part, target)
                    self.copied += len(part)
                table.count(page)
                self._progress(self.copied)
                # Rows may be of any size, and a page is in memory at once.
                most = max(1, most // 2) if _size(page) > BYTES else min(2 * most, ROWS)
        finally:
            await resolve(rows.close())
            await resolve(source.close())

    async def _insert(self, insert: str, part: Sequence[Row], target: Session) -> None:
        row = f"({', '.join('?' * len(part[0]))})"
        params: list[Value] = [value for each in part for value in each]
        await resolve(target.execute(Portable(insert + ", ".join([row] * len(part))), params))


def _size(rows: Sequence[Row]) -> int:
    return sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))


def _parts(page: Sequence[Row], width: int) -> Iterator[Sequence[Row]]:
    """Pieces of a page that are not too large for one statement."""
    most = max(1, min(ROWS, PARAMETERS // max(width, 1)))
    part: list[Row] = []
    size = 0
    for row in page:
        part.append(row)
        size += _size([row])
        if len(part) >= most or size >= BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


async def _drop(session: Session, names: Sequence[str], dialect: Dialect) -> None:
    """Tables that may refer to each other."""
    if dialect == "sqlite":
        # One that is empty may go in any order.
        await resolve(session.begin())
        await resolve(session.script("PRAGMA defer_foreign_keys = ON"))
        for name in names:
            await resolve(session.execute(Portable(f"DELETE FROM {name}")))
        await resolve(session.commit())
    elif dialect == "mysql":
        await resolve(session.execute("SET FOREIGN_KEY_CHECKS = 0"))
    try:
        for name in names:
            cascade = " CASCADE" if dialect == "postgres" else ""
            await resolve(session.execute(Portable(f"DROP TABLE {name}{cascade}")))
    finally:
        if dialect == "mysql":
            await resolve(session.execute("SET FOREIGN_KEY_CHECKS = 1"))


def quoted(name: str) -> str:
    """A name as portable SQL."""
    return '"' + name.replace('"', '""') + '"'


def created(table: TableSchema, dialect: Dialect) -> str:
    """The portable CREATE TABLE; foreign keys are in it only for SQLite, which can't add them."""
    keyed = {*table.primary, *(name for index in table.indexes for name in index.columns)}
    if dialect == "mysql":
        keyed |= {name for reference in table.references for name in reference.columns}
    parts = [_column(table, column, dialect, column.name in keyed) for column in table.columns]
    numbered = table.identity
    if table.primary and (numbered is None or table.primary != (numbered.name,)):
        parts.append(f"PRIMARY KEY ({_list(table.primary)})")
    if numbered is not None and dialect == "mysql" and not table.led(numbered.name):
        # It counts only what a key begins with.
        parts.append(f"KEY ({quoted(numbered.name)})")
    parts += [f"UNIQUE ({_list(index.columns)})" for index in table.indexes if index.unique]
    if dialect == "sqlite":
        parts += [_foreign(reference) for reference in table.references]
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)})"


def _misfits(schema: Schema, dialect: Dialect) -> Iterator[str]:
    """What the product has no form for."""
    for table in schema.tables:
        numbered = table.identity
        if dialect == "sqlite" and numbered is not None and table.primary != (numbered.name,):
            yield f"table {table.name}: {numbered.name}, which numbers rows and is not their key"


def _column(table: TableSchema, column: Column, dialect: Dialect, keyed: bool) -> str:
    kind = column.type or ""
    if dialect == "mysql" and keyed and kind == "TEXT":
        kind = f"VARCHAR({KEY_TEXT})"
    text = f"{quoted(column.name)} {kind}"
    if column.identity:
        key = " PRIMARY KEY" if table.primary == (column.name,) else ""
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
    for place, table in enumerate(schema.tables):
        name = quoted(table.name)
        begin = table.name.encode()[:40].decode(errors="ignore")
        for number, index in enumerate(table.indexes):
            if not index.unique:
                # Names have 63 bytes at most, and one table's are not another's.
                label = quoted(f"{begin}_index_{place}_{number}")
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


async def _options(target: Session, dialect: Dialect) -> str:
    """Texts are told apart exactly, as elsewhere: with case and with blanks at the end."""
    if dialect != "mysql":
        return ""
    version = (await resolve(target.fetch("SELECT VERSION()"))).rows[0][0]
    pads = "nopad_bin" if "MariaDB" in str(version) else "0900_bin"
    return f" CHARACTER SET utf8mb4 COLLATE utf8mb4_{pads}"
