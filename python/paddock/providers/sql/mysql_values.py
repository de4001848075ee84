"""Values between MySQL or MariaDB, as `asyncmy` gives and takes them, and this host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from paddock.capabilities.sql_values import (
    Array,
    Interval,
    Json,
    Other,
    Range,
    Value,
    clock,
    text_of,
)
from paddock.errors import StatementError
from paddock.providers.connections.mysql_raw import BINARY, UNSIGNED, RawField

#: Types of columns (MySQL protocol, "enum_field_types"): kind and product's name.
_INTEGERS = {1: (8, "tinyint"), 2: (16, "smallint"), 3: (32, "int"), 8: (64, "bigint"),
             9: (32, "mediumint"), 13: (16, "year")}  # fmt: skip
_PLAIN = {
    0: ("decimal", "decimal"), 246: ("decimal", "decimal"),
    4: ("float32", "float"), 5: ("float64", "double"),
    7: ("timestamptz", "timestamp"), 12: ("timestamp", "datetime"),
    10: ("date", "date"), 14: ("date", "date"), 11: ("time", "time"),
    245: ("json", "json"), 16: ("other", "bit"), 6: ("any", "null"), 255: ("other", "geometry"),
}  # fmt: skip
_TEXTS = {249: "tinyblob", 250: "mediumblob", 251: "longblob", 252: "blob",
          253: "varchar", 254: "char", 15: "varchar"}  # fmt: skip

Convert = Callable[[Any], Any]


def kind_of(field: RawField) -> tuple[str, str]:
    """The portable word and the product's name for a column's type."""
    code = field.type_code
    if code in _INTEGERS:
        bits, name = _INTEGERS[code]
        if code == 1 and field.length == 1:
            # BOOLEAN is another word for TINYINT(1).
            return "boolean", "boolean"
        unsigned = bool(field.flags & UNSIGNED)
        return f"{'u' if unsigned else ''}int{bits}", f"{name} unsigned" if unsigned else name
    if code in _TEXTS:
        name = _TEXTS[code]
        if field.charsetnr == BINARY:
            return "bytes", name.replace("char", "binary")
        return "text", name.replace("blob", "text")
    return _PLAIN.get(code, ("other", str(code)))


def reader(field: RawField) -> Convert | None:
    """What makes a value of ours out of one of asyncmy's; None where they are the same."""
    kind, native = kind_of(field)
    if kind == "other":
        return lambda value: Other(native, value.hex() if isinstance(value, bytes) else str(value))
    return _READERS.get(kind)


def _time(value: object) -> Value:
    if isinstance(value, timedelta):
        # TIME is a span, of up to 838 hours and negative too.
        moment = clock(value)
        if moment is not None:
            return moment
        seconds = round(abs(value).total_seconds())
        sign = "-" if value < timedelta(0) else ""
        return Other(
            "time", f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        )
    return value if isinstance(value, time) else Other("time", str(value))


def _stamp(value: object) -> Value:
    return value if isinstance(value, datetime) else Other("timestamp", str(value))


def _moment(value: object) -> Value:
    # Every session has the time zone UTC.
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return Other("timestamptz", str(value))


_READERS: dict[str, Convert] = {
    "boolean": bool,
    "decimal": lambda value: value if isinstance(value, Decimal) else Decimal(str(value)),
    "json": lambda value: Json(value if isinstance(value, str) else value.decode()),
    "time": _time,
    "date": lambda value: value if isinstance(value, date) else Other("date", str(value)),
    "timestamp": _stamp,
    "timestamptz": _moment,
}


def parameter(value: Value) -> object:
    """A value as asyncmy binds it; StatementError for what MySQL has no type for."""
    if isinstance(value, str | int | float | bytes | Decimal) or value is None:
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return value
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, Array | Range | Interval):
        raise StatementError(
            f"MySQL has no type for a value of type {type(value).__name__.lower()}", kind="invalid"
        )
    return text_of(value)
