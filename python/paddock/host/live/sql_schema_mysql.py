"""Reads the schema of a MySQL or MariaDB database."""

from __future__ import annotations

import re

from paddock.capabilities.sql import Session
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

_TYPES = {
    "tinyint(1)": "BOOLEAN", "float": "REAL", "double": "DOUBLE PRECISION", "date": "DATE",
    "json": "JSON", "uuid": "UUID",
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), "TEXT"),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), "BYTES"),
}  # fmt: skip
_NAMES = {
    "tinyint": "SMALLINT", "smallint": "SMALLINT", "mediumint": "INTEGER", "int": "INTEGER",
    "bigint": "BIGINT", "time": "TIME", "datetime": "TIMESTAMP", "timestamp": "TIMESTAMPTZ",
    "binary": "BYTES", "varbinary": "BYTES",
}  # fmt: skip
#: Without a sign, a number needs the next larger type.
_UNSIGNED = {"tinyint": "SMALLINT", "smallint": "INTEGER", "mediumint": "INTEGER", "int": "BIGINT"}
_SIZED = {"varchar": "VARCHAR", "char": "CHAR", "decimal": "DECIMAL"}
_TYPE = re.compile(r"([a-z]+)(\([0-9, ]+\))?( unsigned)?")

_TABLES = (
    "SELECT table_name, table_type, auto_increment FROM information_schema.tables "
    "WHERE table_schema = DATABASE() ORDER BY table_name"
)
_TRIGGERS = (
    "SELECT CONCAT('trigger ', trigger_name, ' of table ', event_object_table) "
    "FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1"
)
_ROUTINES = (
    "SELECT CONCAT(LOWER(routine_type), ' ', routine_name) FROM information_schema.routines "
    "WHERE routine_schema = DATABASE() ORDER BY 1"
)
_COLUMNS = (
    "SELECT column_name, column_type, is_nullable, column_default, extra, character_set_name "
    "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? "
    "ORDER BY ordinal_position"
)
_INDEXES = (
    "SELECT index_name, non_unique, column_name, sub_part FROM information_schema.statistics "
    "WHERE table_schema = DATABASE() AND table_name = ? ORDER BY index_name, seq_in_index"
)
_CHECKS = (
    "SELECT c.constraint_name, c.check_clause FROM information_schema.check_constraints c "
    "JOIN information_schema.table_constraints t ON t.constraint_name = c.constraint_name "
    "AND t.constraint_schema = c.constraint_schema "
    "WHERE t.table_schema = DATABASE() AND t.table_name = ? AND t.constraint_type = 'CHECK'"
)
_REFERENCES = (
    "SELECT k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name, "
    "r.update_rule, r.delete_rule FROM information_schema.key_column_usage k "
    "JOIN information_schema.referential_constraints r ON r.constraint_name = k.constraint_name "
    "AND r.constraint_schema = k.constraint_schema "
    "WHERE k.table_schema = DATABASE() AND k.table_name = ? "
    "AND k.referenced_table_name IS NOT NULL ORDER BY k.constraint_name, k.ordinal_position"
)


async def read(session: Session) -> Schema:
    """All tables; views, triggers and routines in words."""
    schema = Schema()
    for name, kind, next_key in await rows_of(session, _TABLES):
        if kind == "BASE TABLE":
            table = await _table(session, str(name))
            table.next_key = int(str(next_key or 1))
            schema.tables.append(table)
        else:
            schema.others.append(f"{str(kind).lower()} {name}")
    for query in (_TRIGGERS, _ROUTINES):
        schema.others += [str(row[0]) for row in await rows_of(session, query)]
    return schema


async def _table(session: Session, name: str) -> TableSchema:
    table = TableSchema(name)
    documents = await _documents(session, table)
    for column, native, nullable, default, extra, charset in await rows_of(session, _COLUMNS, name):
        marks = str(extra).lower()
        if "generated" in marks and "default_generated" not in marks:
            table.others.append(f"generated column {column}")
        if "on update" in marks:
            table.others.append(f"column {column} with ON UPDATE")
        identity = "auto_increment" in marks
        kind = "JSON" if column in documents else _portable(str(native), str(charset))
        table.columns.append(
            Column(
                str(column),
                kind,
                str(native),
                nullable=nullable == "YES",
                default=None if identity else _default(table, str(column), default),
                identity=identity,
            )
        )
    await _keys(session, table)
    return table


async def _documents(session: Session, table: TableSchema) -> set[str]:
    """Columns of MariaDB's type JSON, which is text with a check; other checks are noted."""
    found: set[str] = set()
    for name, clause in await rows_of(session, _CHECKS, table.name):
        match = re.fullmatch(r"\(?json_valid\([`\"](.+)[`\"]\)\)?", str(clause))
        if match:
            found.add(match[1])
        else:
            table.others.append(f"constraint {name}")
    return found


async def _keys(session: Session, table: TableSchema) -> None:
    indexes: dict[str, list[Found]] = {}
    for row in await rows_of(session, _INDEXES, table.name):
        indexes.setdefault(str(row[0]), []).append(row)
    references: dict[str, list[Found]] = {}
    for row in await rows_of(session, _REFERENCES, table.name):
        references.setdefault(str(row[0]), []).append(row)
    for name, rows in indexes.items():
        columns = tuple(str(row[2]) for row in rows)
        if any(row[2] is None or row[3] is not None for row in rows):
            table.others.append(f"index {name}, which is on an expression or a part of a text")
        elif name == "PRIMARY":
            table.primary = columns
        elif name not in references:
            # MySQL makes an index for each foreign key by itself.
            table.indexes.append(Index(columns, not int(str(rows[0][1]))))
    for rows in references.values():
        actions = "".join(
            f" ON {event} {rule}"
            for event, rule in (("UPDATE", rows[0][4]), ("DELETE", rows[0][5]))
            if rule not in ("NO ACTION", "RESTRICT")
        )
        table.references.append(
            Reference(
                tuple(str(row[1]) for row in rows),
                str(rows[0][2]),
                tuple(str(row[3]) for row in rows),
                actions,
            )
        )


def _portable(native: str, charset: str) -> str | None:
    lower = native.lower()
    if lower == "char(36)" and charset == "ascii":
        return "UUID"
    if lower in _TYPES:
        return _TYPES[lower]
    found = _TYPE.fullmatch(lower)
    if found is None:
        return None
    name, size, unsigned = found[1], found[2] or "", found[3]
    if unsigned:
        return _UNSIGNED.get(name)
    if name in _SIZED:
        return _SIZED[name] + size
    return _NAMES.get(name)


def _default(table: TableSchema, column: str, value: object) -> str | None:
    """MariaDB shows literals as SQL, MySQL shows texts without their quotes."""
    if value is None or str(value).upper() == "NULL":
        return None
    text = re.sub(r"(?i)^current_timestamp\([0-6]?\)$", "CURRENT_TIMESTAMP", str(value))
    if re.fullmatch(r"[A-Za-z][\w -]*", text) and text.upper() != "CURRENT_TIMESTAMP":
        text = f"'{text}'"
    return add_default(table, column, text)
