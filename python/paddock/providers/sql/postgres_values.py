"""Values between PostgreSQL, as `asyncpg` gives and takes them, and this host.

What Python's own types of date and time can't hold (months, infinity, years before
the first) comes as numbers, see `connections.postgres`; their zero is 2000-01-01
(PostgreSQL's binary formats).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from paddock.capabilities.sql_values import (
    Array,
    Interval,
    Json,
    Other,
    Range,
    Value,
)

#: The portable words for PostgreSQL's types; every other one is `other`.
KINDS = {
    "bool": "boolean", "int2": "int16", "int4": "int32", "int8": "int64", "oid": "uint32",
    "float4": "float32", "float8": "float64", "numeric": "decimal",
    "text": "text", "varchar": "text", "bpchar": "text", "name": "text", "char": "text",
    "unknown": "text", "citext": "text", "xml": "text", "bytea": "bytes", "date": "date",
    "time": "time", "timetz": "time", "timestamp": "timestamp", "timestamptz": "timestamptz",
    "interval": "interval", "uuid": "uuid", "json": "json", "jsonb": "json", "void": "other",
}  # fmt: skip

#: The types of a range's ends.
RANGES = {
    "int4range": "int4", "int8range": "int8", "numrange": "numeric", "daterange": "date",
    "tsrange": "timestamp", "tstzrange": "timestamptz",
}  # fmt: skip

FIRST = datetime(2000, 1, 1)
FIRST_TZ = FIRST.replace(tzinfo=UTC)
FIRST_DAY = date(2000, 1, 1).toordinal()
DAY = 86_400_000_000
INFINITE_DAY = 2**31 - 1
INFINITE = 2**63 - 1

Convert = Callable[[Any], Any]


def kind_of(native: str) -> str:
    """The portable word for a type's name, such as `int4` or `int4[]`."""
    if native.endswith("[]"):
        return f"array<{kind_of(native[:-2])}>"
    if native in RANGES:
        return f"range<{kind_of(RANGES[native])}>"
    return KINDS.get(native, "other")


def reader(native: str) -> Convert | None:
    """What makes a value of ours out of one of asyncpg's; None where they are the same."""
    if native in _READERS:
        return _READERS[native]
    if native.endswith("[]"):
        return _array_reader(native[:-2])
    if native in RANGES:
        return _range_reader(RANGES[native])
    if kind_of(native) != "other":
        return None
    return lambda value: Other(native, _other_text(value))


def _read_date(value: tuple[int]) -> Value:
    days = value[0]
    try:
        return date.fromordinal(days + FIRST_DAY)
    except (ValueError, OverflowError):
        return Other("date", _beyond(days, INFINITE_DAY, "days"))


def _read_timestamp(value: tuple[int]) -> Value:
    try:
        return FIRST + timedelta(microseconds=value[0])
    except OverflowError:
        return Other("timestamp", _beyond(value[0], INFINITE, "microseconds"))


def _read_timestamptz(value: tuple[int]) -> Value:
    try:
        return FIRST_TZ + timedelta(microseconds=value[0])
    except OverflowError:
        return Other("timestamptz", _beyond(value[0], INFINITE, "microseconds"))


def _read_time(value: tuple[int]) -> Value:
    # 24:00:00 is a time of day in SQL.
    if value[0] == DAY:
        return Other("time", "24:00:00")
    return (FIRST + timedelta(microseconds=value[0])).time()


def _beyond(number: int, infinite: int, unit: str) -> str:
    if number == infinite:
        return "infinity"
    if number == -infinite - 1:
        return "-infinity"
    return f"{number} {unit} after 2000-01-01"


_READERS: dict[str, Convert | None] = {
    "date": _read_date,
    "time": _read_time,
    "timestamp": _read_timestamp,
    "timestamptz": _read_timestamptz,
    "interval": lambda value: Interval(*value),
    "json": Json,
    "jsonb": Json,
    "uuid": None,
    "char": lambda value: value.decode("latin-1") if isinstance(value, bytes) else value,
}


def _array_reader(native: str) -> Convert:
    read, kind = reader(native), kind_of(native)

    def one(item: object) -> Value:
        if isinstance(item, list):
            return convert(cast("list[object]", item))
        return cast("Value", item if item is None or read is None else read(item))

    def convert(items: list[object]) -> Array:
        return Array(tuple(map(one, items)), kind)

    return convert


def _range_reader(native: str) -> Convert:
    read, kind = reader(native) or (lambda value: value), kind_of(native)

    def end(value: object) -> Value:
        return None if value is None else cast("Value", read(value))

    def convert(value: Any) -> Range:  # noqa: ANN401 - asyncpg.Range has no types
        return Range(
            end(value.lower), end(value.upper), value.lower_inc, value.upper_inc,
            value.isempty, kind,
        )  # fmt: skip

    return convert


def _other_text(value: object) -> str:
    if hasattr(value, "as_string"):
        return str(value.as_string())
    if isinstance(value, tuple):
        return "(" + ",".join(map(str, value)) + ")"
    return str(value)
