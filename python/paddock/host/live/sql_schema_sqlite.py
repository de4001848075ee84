"""Reads the schema of an SQLite database."""

from __future__ import annotations

import re

from paddock.capabilities.sql import Session
from paddock.capabilities.sql_text import tokens
from paddock.host.live.sql_schema import (
    Column,
    Found,
    Index,
    Reference,
    Schema,
    TableSchema,
    add_default,
    rows_of,
)

#: Names of types, without what stands in parentheses → portable types. A whole number of
#: SQLite has 64 bits, whatever its column is called.
_TYPES = {
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT"), "BIGINT"),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), "DOUBLE PRECISION"),
    **dict.fromkeys(("TEXT", "CLOB"), "TEXT"),
    "BLOB": "BYTES", "BOOLEAN_INT": "BOOLEAN", "DATE_TEXT": "DATE", "TIME_TEXT": "TIME",
    "TIMESTAMP_TEXT": "TIMESTAMP", "TIMESTAMPTZ_TEXT": "TIMESTAMPTZ", "UUID_TEXT": "UUID",
    "JSON_TEXT": "JSON",
}  # fmt: skip
#: The same, where the parentheses belong to the type.
_SIZED = {"VARCHAR": "VARCHAR", "CHAR": "CHAR", "DECIMAL_TEXT": "DECIMAL"}
_TYPE = re.compile(r"\s*([A-Z_ ]*[A-Z_])\s*(\([0-9 ,]+\))?\s*")


async def read(session: Session) -> Schema:
    """All tables; views and triggers in words."""
    schema = Schema()
    rows = await rows_of(
        session,
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY name",
    )
    for kind, name, sql in rows:
        if kind == "table" and not str(sql).upper().startswith("CREATE VIRTUAL"):
            schema.tables.append(await _table(session, str(name), str(sql)))
        elif kind == "table":
            schema.others.append(f"virtual table {name}")
        elif kind != "index":
            schema.others.append(f"{kind} {name}")
    for table in schema.tables:
        table.references = [_spelt(each, table, schema) for each in table.references]
    return schema


def _spelt(reference: Reference, table: TableSchema, schema: Schema) -> Reference:
    """With the names as their tables have them: to SQLite their case is one."""
    there = next((t for t in schema.tables if t.name.lower() == reference.table.lower()), None)
    if there is None:
        table.others.append(f"a foreign key to {reference.table}, which is not there")
        return reference
    own = {column.name.lower(): column.name for column in table.columns}
    theirs = {column.name.lower(): column.name for column in there.columns}
    return Reference(
        tuple(own.get(name.lower(), name) for name in reference.columns),
        there.name,
        tuple(theirs.get(name.lower(), name) for name in reference.targets),
        reference.actions,
    )


async def _table(session: Session, name: str, sql: str) -> TableSchema:
    table = TableSchema(name)
    words = [token.word for token in tokens(sql, "sqlite")]
    for word, what in (("CHECK", "a CHECK"), ("COLLATE", "a COLLATE")):
        if word in words:
            table.others.append(what)
    quoted = '"' + name.replace('"', '""') + '"'
    keys: list[tuple[int, str]] = []
    for _, column, native, required, default, key, hidden in await rows_of(
        session, f"PRAGMA table_xinfo({quoted})"
    ):
        if hidden:
            table.others.append(f"generated column {column}")
            continue
        text = str(native).upper()
        if key:
            keys.append((int(str(key)), str(column)))
        table.columns.append(
            Column(
                str(column),
                _portable(text),
                str(native),
                nullable=not required and not key,
                default=add_default(table, str(column), None if default is None else str(default)),
                identity=bool(key) and text == "INTEGER",
            )
        )
    table.primary = tuple(column for _, column in sorted(keys))
    if len(table.primary) != 1:
        table.columns = [_plain(column) for column in table.columns]
    await _keys(session, table, quoted)
    await _next_key(session, table, "AUTOINCREMENT" in words, quoted)
    return table


def _plain(column: Column) -> Column:
    """Only a key of one column generates values."""
    return Column(column.name, column.type, column.native, column.nullable, column.default)


def _portable(text: str) -> str | None:
    found = _TYPE.fullmatch(text)
    if found is None:
        return None
    name, size = " ".join(found[1].split()), found[2] or ""
    if name in _SIZED:
        return _SIZED[name] + size
    return _TYPES.get(name)


async def _keys(session: Session, table: TableSchema, quoted: str) -> None:
    for row in await rows_of(session, f"PRAGMA index_list({quoted})"):
        _, name, unique, origin, partial = row[:5]
        index = '"' + str(name).replace('"', '""') + '"'
        columns = [each[2] for each in await rows_of(session, f"PRAGMA index_info({index})")]
        if partial or None in columns:
            table.others.append(f"index {name}, which is on some rows or on an expression")
        elif origin != "pk":
            table.indexes.append(Index(tuple(map(str, columns)), bool(unique)))
    references: dict[object, list[Found]] = {}
    for row in await rows_of(session, f"PRAGMA foreign_key_list({quoted})"):
        references.setdefault(row[0], []).append(row)
    for rows in references.values():
        rows.sort(key=lambda row: int(str(row[1])))
        actions = "".join(
            f" ON {event} {action}"
            for event, action in (("UPDATE", rows[0][5]), ("DELETE", rows[0][6]))
            if action != "NO ACTION"
        )
        targets = tuple(str(row[4]) for row in rows if row[4] is not None)
        table.references.append(
            Reference(tuple(str(row[3]) for row in rows), str(rows[0][2]), targets, actions)
        )


async def _next_key(session: Session, table: TableSchema, kept: bool, quoted: str) -> None:
    identity = table.identity
    if identity is None:
        return
    column = '"' + identity.name.replace('"', '""') + '"'
    largest = (await rows_of(session, f"SELECT max({column}) FROM {quoted}"))[0][0]
    table.next_key = int(str(largest or 0)) + 1
    if kept:
        # It has counted on, also where rows are gone.
        sequence = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        found = await rows_of(session, sequence, table.name)
        if found:
            table.next_key = max(table.next_key, int(str(found[0][0])) + 1)
