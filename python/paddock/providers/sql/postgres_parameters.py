"""Parameters as `asyncpg` wants them, by the type that the server wants.

A value of another type is converted where nothing is lost, so that a statement
which works on another product works here too: text to dates, whole numbers to decimals.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import cast
from uuid import UUID

from paddock.capabilities.sql_values import (
    Array,
    Interval,
    Other,
    Range,
    Value,
    moment,
    of_day,
    text_of,
)
from paddock.errors import StatementError
from paddock.providers.sql.postgres_values import (
    DAY,
    FIRST,
    FIRST_DAY,
    FIRST_TZ,
    INFINITE,
    INFINITE_DAY,
    RANGES,
    Convert,
)


def writer(native: str) -> Convert:
    """What makes what asyncpg wants for a parameter of a type; may raise StatementError."""
    write: Convert
    if native.endswith("[]"):
        write = _array_writer(native[:-2])
    elif native in RANGES:
        write = _range_writer(RANGES[native])
    else:
        write = _WRITERS.get(native, _plain_text)

    def careful(value: Value) -> object:
        if value is None:
            return None
        try:
            return write(value)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise StatementError(
                f"{text_of(value)[:100]!r} can't be a parameter of type {native}", kind="invalid"
            ) from error

    return careful


def _whole(value: Value) -> int:
    number = int(cast("int", value))
    if isinstance(value, float | Decimal) and number != value:
        raise ValueError("not whole")
    return number


def _boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    return {"true": True, "t": True, "false": False, "f": False}[str(value).lower()]


def _decimal(value: Value) -> Decimal:
    return Decimal(repr(value) if isinstance(value, float) else cast("Decimal", value))


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _plain_text(value: Value) -> str:
    if isinstance(value, bytes):
        raise TypeError
    return text_of(value)


def _days(value: Value) -> tuple[int]:
    if isinstance(value, Other | str) and str(value) in ("infinity", "-infinity"):
        return (INFINITE_DAY if str(value) == "infinity" else -INFINITE_DAY - 1,)
    if isinstance(value, str):
        value = date.fromisoformat(value)
    return (cast("date", value).toordinal() - FIRST_DAY,)


def _micros(value: Value, zone: bool) -> tuple[int]:
    if isinstance(value, Other | str) and str(value) in ("infinity", "-infinity"):
        return (INFINITE if str(value) == "infinity" else -INFINITE - 1,)
    if isinstance(value, str):
        value = moment(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    stamp = cast("datetime", value)
    if not zone:
        span = stamp.replace(tzinfo=None) - FIRST
    else:
        span = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) - FIRST_TZ
    return ((span.days * 86400 + span.seconds) * 1_000_000 + span.microseconds,)


def _clock(value: Value) -> tuple[int]:
    if str(value) == "24:00:00":
        return (DAY,)
    moment = of_day(value) if isinstance(value, str) else cast("time", value)
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return (seconds * 1_000_000 + moment.microsecond,)


def _interval(value: Value) -> tuple[int, int, int]:
    if not isinstance(value, Interval):
        raise TypeError
    return value.months, value.days, value.microseconds


def _array_writer(native: str) -> Convert:
    write = writer(native)

    def convert(value: Value) -> list[object]:
        if not isinstance(value, Array):
            raise TypeError
        return [convert(item) if isinstance(item, Array) else write(item) for item in value.items]

    return convert


def _range_writer(native: str) -> Convert:
    write = writer(native)

    def convert(value: Value) -> object:
        import asyncpg  # type: ignore[import-untyped]

        if not isinstance(value, Range):
            raise TypeError
        if value.empty:
            return asyncpg.Range(empty=True)
        return asyncpg.Range(
            write(value.lower), write(value.upper),
            lower_inc=value.lower_inclusive and value.lower is not None,
            upper_inc=value.upper_inclusive and value.upper is not None,
        )  # fmt: skip

    return convert


_WRITERS: dict[str, Convert] = {
    "bool": _boolean,
    "int2": _whole, "int4": _whole, "int8": _whole, "oid": _whole,
    "float4": float, "float8": float,
    "numeric": _decimal,
    "bytea": _bytes,
    "date": _days,
    "time": _clock,
    "timetz": lambda value: of_day(value) if isinstance(value, str) else value,
    "timestamp": lambda value: _micros(value, zone=False),
    "timestamptz": lambda value: _micros(value, zone=True),
    "interval": _interval,
    "uuid": lambda value: value if isinstance(value, UUID) else UUID(value),
}  # fmt: skip
