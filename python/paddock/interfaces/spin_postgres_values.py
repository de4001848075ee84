"""Values of `spin:postgres` 3 and 4.

A `datetime` has no zone, a `timestamp` is in seconds since 1970 and thus a moment.
Nanoseconds are cut to the microseconds that Postgres has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from uuid import UUID

from paddock.capabilities.sql import Column, Row
from paddock.capabilities.sql_values import (
    Array,
    Interval,
    Json,
    Range,
    Value,
    text_of,
)
from paddock.errors import StatementError
from paddock.types import Variant

NULL = Variant("db-null")
FIRST = datetime(1970, 1, 1, tzinfo=UTC)

Convert = Callable[[Any], object]


# -- from the guest


def params_of(params: Sequence[Variant]) -> list[Value]:
    """Parameters as values; StatementError for what is none, such as a thirteenth month."""
    return [_param(each) for each in params]


def _param(param: Variant) -> Value:
    convert = _PARAMS.get(param.case)
    if convert is None:
        return cast("Value", param.payload)
    try:
        return cast("Value", convert(param.payload))
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise StatementError(
            f"{str(param.payload)[:100]} is no {param.case}", kind="invalid"
        ) from error


def _datetime(parts: tuple[int, int, int, int, int, int, int]) -> datetime:
    year, month, day, hour, minute, second, nanoseconds = parts
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000)


def _time(parts: tuple[int, int, int, int]) -> time:
    hour, minute, second, nanoseconds = parts
    return time(hour, minute, second, nanoseconds // 1000)


def _array(kind: str, convert: Convert | None = None) -> Convert:
    def make(items: Sequence[object]) -> Array:
        done = [each if each is None or convert is None else convert(each) for each in items]
        return Array(cast("tuple[Value, ...]", tuple(done)), kind)

    return make


def _range(kind: str, convert: Convert = lambda value: value) -> Convert:
    def make(ends: tuple[tuple[object, str] | None, tuple[object, str] | None]) -> Range:
        lower, upper = ends
        return Range(
            cast("Value", convert(lower[0])) if lower else None,
            cast("Value", convert(upper[0])) if upper else None,
            lower is not None and lower[1] == "inclusive",
            upper is not None and upper[1] == "inclusive",
            kind=kind,
        )

    return make


_PARAMS: Mapping[str, Convert] = {
    "date": lambda parts: date(*parts),
    "time": _time,
    "datetime": _datetime,
    "timestamp": lambda seconds: FIRST + timedelta(seconds=seconds),
    "uuid": UUID,
    "jsonb": lambda data: Json(data.decode()),
    "decimal": Decimal,
    "range-int32": _range("int32"),
    "range-int64": _range("int64"),
    "range-decimal": _range("decimal", Decimal),
    "array-int32": _array("int32"),
    "array-int64": _array("int64"),
    "array-decimal": _array("decimal", Decimal),
    "array-str": _array("text"),
    "interval": lambda value: Interval(value.months, value.days, value.micros),
}


# -- to the guest


@dataclass(frozen=True, slots=True)
class Types:
    """What one version has: `cases` by our word for a type.

    `unsupported` makes the value of a column whose type the version lacks;
    `described` the data type of a column.
    """

    cases: Mapping[str, tuple[str, Convert | None]]
    unsupported: Callable[[Value], Variant]
    described: Callable[[Column, str | None], object]

    def head(self, columns: Sequence[Column]) -> list[object]:
        """Records `column`."""
        return [
            {
                "name": column.name,
                "data_type": self.described(column, self.cases.get(column.kind, (None,))[0]),
            }
            for column in columns
        ]

    def reader(self, columns: Sequence[Column]) -> Callable[[Row], object]:
        """Makes rows, which are lists of `db-value`."""
        writers = [self._writer(column.kind) for column in columns]

        def read(row: Row) -> list[Variant]:
            return [
                NULL if value is None else write(value)
                for write, value in zip(writers, row, strict=True)
            ]

        return read

    def _writer(self, kind: str) -> Callable[[Value], Variant]:
        if kind not in self.cases:
            return self.unsupported
        case, convert = self.cases[kind]
        if convert is None:
            return lambda value: Variant(case, value)

        def write(value: Value) -> Variant:
            try:
                return Variant(case, convert(value))
            except (AttributeError, TypeError, ValueError):
                # An infinite date, an array in an array: the type has values that the case lacks.
                return self.unsupported(value)

        return write


def _clock(value: time) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond * 1000


def _moment(value: datetime) -> tuple[int, ...]:
    return value.year, value.month, value.day, *_clock(value.time())


def _seconds(value: datetime) -> int:
    span = value - FIRST
    return span.days * 86400 + span.seconds


def _ends(convert: Convert | None = None) -> Convert:
    def one(end: Value, inclusive: bool) -> tuple[object, str] | None:
        if end is None:
            return None
        return convert(end) if convert else end, "inclusive" if inclusive else "exclusive"

    def ends(value: Range) -> object:
        if value.empty:
            # The interface has no empty range; from 0 up to but without 0 is one.
            zero: object = "0" if convert else 0
            return ((zero, "inclusive"), (zero, "exclusive"))
        return one(value.lower, value.lower_inclusive), one(value.upper, value.upper_inclusive)

    return ends


def _items(convert: Convert | None = None) -> Convert:
    def items(value: Array) -> list[object]:
        if any(isinstance(each, Array) for each in value.items):
            raise ValueError("nested")
        return [each if each is None or convert is None else convert(each) for each in value.items]

    return items


def _text(value: Value) -> str:
    return text_of(value)


_THIRD: dict[str, tuple[str, Convert | None]] = {
    "boolean": ("boolean", None),
    "int16": ("int16", None),
    "int32": ("int32", None),
    "int64": ("int64", None),
    "float32": ("floating32", None),
    "float64": ("floating64", None),
    "text": ("str", None),
    "bytes": ("binary", None),
    "date": ("date", lambda value: (value.year, value.month, value.day)),
    "time": ("time", _clock),
    "timestamp": ("datetime", _moment),
    "timestamptz": ("timestamp", _seconds),
}

third = Types(
    _THIRD,
    lambda value: Variant("unsupported"),
    lambda column, case: case or "other",
)

fourth = Types(
    {
        **_THIRD,
        "uuid": ("uuid", str),
        "json": ("jsonb", lambda value: value.text.encode()),
        "decimal": ("decimal", _text),
        "range<int32>": ("range-int32", _ends()),
        "range<int64>": ("range-int64", _ends()),
        "range<decimal>": ("range-decimal", _ends(_text)),
        "array<int32>": ("array-int32", _items()),
        "array<int64>": ("array-int64", _items()),
        "array<decimal>": ("array-decimal", _items(_text)),
        "array<text>": ("array-str", _items()),
        "interval": (
            "interval",
            lambda value: {
                "micros": value.microseconds,
                "days": value.days,
                "months": value.months,
            },
        ),
    },
    lambda value: Variant("unsupported", text_of(value).encode()),
    lambda column, case: Variant(case) if case else Variant("other", column.native),
)
