"""Reads the schema of a PostgreSQL database: what its user's search path begins with."""

from __future__ import annotations

import re
from typing import cast

from paddock.capabilities.sql import Session
from paddock.capabilities.sql_values import Array
from paddock.host.live.sql_schema import (
    Column,
    Index,
    Reference,
    Schema,
    TableSchema,
    add_default,
    rows_of,
)

_TYPES = {
    "boolean": "BOOLEAN", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT",
    "real": "REAL", "double precision": "DOUBLE PRECISION", "text": "TEXT", "bytea": "BYTES",
    "date": "DATE", "time without time zone": "TIME", "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ", "uuid": "UUID", "json": "JSON", "jsonb": "JSON",
    "numeric": "DECIMAL(65,30)", "character varying": "TEXT",
}  # fmt: skip
_SIZED = {"numeric": "DECIMAL", "character varying": "VARCHAR", "character": "CHAR"}
_TYPE = re.compile(r"([a-z ]+[a-z])(\([0-9,-]+\))?( with(?:out)? time zone)?")

_RELATIONS = """
SELECT c.oid::int8, c.relname::text, c.relkind::text FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r','p','v','m','f')
ORDER BY c.relname
"""
_TRIGGERS = """
SELECT t.tgname::text, c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace ORDER BY 1
"""
_FUNCTIONS = """
SELECT proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')
ORDER BY 1
"""
_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
  pg_get_serial_sequence(quote_ident(c.relname), a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_INDEXES = """
SELECT i.relname::text, x.indisunique, x.indisprimary,
  x.indpred IS NOT NULL OR x.indexprs IS NOT NULL,
  (SELECT array_agg(a.attname::text ORDER BY k.n)
   FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(num, n)
   JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.num
   WHERE k.n <= x.indnkeyatts)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE x.indrelid = $1::int8::oid ORDER BY i.relname
"""
_CONSTRAINTS = """
SELECT conname::text, contype::text, f.relname::text,
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(conkey) WITH ORDINALITY AS k(num, n)
   JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.num),
  (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(confkey) WITH ORDINALITY AS k(num, n)
   JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.num),
  confupdtype::text, confdeltype::text
FROM pg_constraint LEFT JOIN pg_class f ON f.oid = confrelid
WHERE conrelid = $1::int8::oid AND contype IN ('c','f','x') ORDER BY conname
"""
#: The default of a column whose sequence is nobody's own.
_SEQUENCE = re.compile(r"nextval\('(.+)'::regclass\)")
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


async def read(session: Session) -> Schema:
    """All tables; views, triggers and functions in words."""
    schema = Schema()
    kinds = {"v": "view", "m": "materialized view", "f": "foreign table", "p": "partitioned table"}
    for oid, name, kind in await rows_of(session, _RELATIONS):
        if kind == "r":
            schema.tables.append(await _table(session, oid, str(name)))
        else:
            schema.others.append(f"{kinds[str(kind)]} {name}")
    for name, table in await rows_of(session, _TRIGGERS):
        schema.others.append(f"trigger {name} of table {table}")
    for (name,) in await rows_of(session, _FUNCTIONS):
        schema.others.append(f"function {name}")
    return schema


async def _table(session: Session, oid: int, name: str) -> TableSchema:
    table = TableSchema(name)
    for column, native, required, default, identity, generated, sequence in await rows_of(
        session, _COLUMNS, oid
    ):
        generates = bool(identity) or str(default or "").startswith("nextval(")
        if generated:
            table.others.append(f"generated column {column}")
        text = None if generates or default is None else _default(str(default))
        table.columns.append(
            Column(
                str(column),
                _portable(str(native)),
                str(native),
                nullable=not required,
                default=add_default(table, str(column), text),
                identity=generates,
            )
        )
        if generates:
            shared = _SEQUENCE.match(str(default or ""))
            counter = sequence or (shared and shared[1].replace("''", "'"))
            table.next_key = await _next(session, str(counter)) if counter else 1
    for index, unique, primary, special, columns in await rows_of(session, _INDEXES, oid):
        if special or columns is None:
            table.others.append(f"index {index}, which is on some rows or on an expression")
        elif primary:
            table.primary = _names(columns)
        else:
            table.indexes.append(Index(_names(columns), bool(unique)))
    await _constraints(session, oid, table)
    return table


async def _next(session: Session, sequence: str) -> int:
    found = await rows_of(session, f"SELECT last_value, is_called FROM {sequence}")
    last, called = found[0]
    return int(last) + bool(called)


async def _constraints(session: Session, oid: int, table: TableSchema) -> None:
    for name, kind, foreign, columns, targets, update, delete in await rows_of(
        session, _CONSTRAINTS, oid
    ):
        if kind != "f":
            table.others.append(f"constraint {name}")
            continue
        actions = "".join(
            f" ON {event} {_ACTIONS[str(action)]}"
            for event, action in (("UPDATE", update), ("DELETE", delete))
            if action in _ACTIONS
        )
        table.references.append(Reference(_names(columns), str(foreign), _names(targets), actions))


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in cast("Array", value).items)


def _portable(native: str) -> str | None:
    found = _TYPE.fullmatch(native)
    if found is None:
        return None
    name, size, zone = found[1], found[2], found[3] or ""
    if size and name in _SIZED:
        return _SIZED[name] + size
    return _TYPES.get(name + zone) if not size or zone else None


def _default(text: str) -> str:
    """Without the cast that Postgres shows: `'a'::text`."""
    return re.sub(r"::[a-z ]+(\([0-9, ]+\))?$", "", text)
