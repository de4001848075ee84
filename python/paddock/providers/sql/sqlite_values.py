"""Values between SQLite, which has five types, and this host.

Everything else is kept as text (truth values as numbers) and comes back as what it
was where the column was declared with one of the names below; the portable types
of `sql_portable` are. They are chosen so that SQLite's rules give them the right
affinity (sqlite.org, "Determination Of Column Affinity") and so that nobody else
uses them: Python keeps one list of converters for the whole process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from paddock.capabilities.sql_values import Value, parsed, text_of
from paddock.errors import StatementError

#: The name of a column's type → the kind of what is in it.
DECLARED = {
    "BOOLEAN_INT": "boolean",
    "DECIMAL_TEXT": "decimal",
    "DATE_TEXT": "date",
    "TIME_TEXT": "time",
    "TIMESTAMP_TEXT": "timestamp",
    "TIMESTAMPTZ_TEXT": "timestamptz",
    "UUID_TEXT": "uuid",
    "JSON_TEXT": "json",
}


@cache
def register() -> None:
    """Tell sqlite3 what to make of such columns; once for the process."""
    for name, kind in DECLARED.items():
        sqlite3.register_converter(name, _converter(kind))


def _converter(kind: str) -> Callable[[bytes], Value]:
    def convert(data: bytes) -> Value:
        text = data.decode("utf-8", "replace")
        try:
            return parsed(text, kind)
        except StatementError:
            # SQLite lets anything be in any column.
            return text

    return convert


def parameter(value: Value) -> int | float | str | bytes | None:
    """A value as SQLite keeps it."""
    if value is None or type(value) in (int, float, str, bytes):
        return value  # type: ignore[return-value]
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        # At one offset, texts are in the order of the moments.
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat(" ")
    if isinstance(value, Decimal):
        return format(value, "f")
    return text_of(value)
