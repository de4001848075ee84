"""`pg-value` of `wasmcloud:postgres`, in both of its versions.

A floating number is a tuple of mantissa, exponent and sign: mantissa × 2^exponent
(Rust, `Float::integer_decode`). What has no case here comes as `text`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from uuid import UUID

from paddock.capabilities.sql_values import Array, Json, Other, Value, text_of
from paddock.errors import StatementError
from paddock.types import Variant

NULL = Variant("null")

Convert = Callable[[Any], Any]


def decoded(value: float, size: str = "d") -> tuple[int, int, int]:
    """Mantissa, exponent and sign of a number of 64 bits, or of 32 with `size` "f"."""
    bits, width, bias = (52, 11, 1075) if size == "d" else (23, 8, 150)
    raw = int.from_bytes(struct.pack(f">{size}", value), "big")
    sign = -1 if raw >> (bits + width) else 1
    exponent = (raw >> bits) & ((1 << width) - 1)
    mantissa = raw & ((1 << bits) - 1)
    mantissa = mantissa << 1 if exponent == 0 else mantissa | (1 << bits)
    return mantissa, exponent - bias, sign


def encoded(parts: tuple[int, int, int]) -> float:
    """The number of such a tuple."""
    mantissa, exponent, sign = parts
    if exponent == 972:
        return math.nan if mantissa & ((1 << 52) - 1) else sign * math.inf
    return sign * math.ldexp(mantissa, exponent)


# -- from the guest


def params_of(params: object) -> list[Value]:
    """Parameters as values; StatementError for what is none or what nothing here takes."""
    return [_param(each) for each in cast("list[Variant]", params)]


def _param(param: Variant) -> Value:
    case = param.case
    try:
        if case.endswith("-array") and (convert := _one(case.removesuffix("-array"))):
            items = cast("list[object]", param.payload)
            return Array(tuple(cast("Value", convert(item)) for item in items))
        if convert := _one(case):
            return cast("Value", convert(param.payload))
    except (ValueError, OverflowError, InvalidOperation, UnicodeDecodeError) as error:
        raise StatementError(f"a parameter is no {case}", kind="invalid") from error
    raise StatementError(f"a parameter of the type {case} is not supported", kind="invalid")


def _one(case: str) -> Convert | None:
    if case in _SAME:
        return lambda value: value
    return _PARAMS.get(case)


def _date(value: Variant) -> Value:
    if value.case == "ymd":
        return date(*cast("tuple[int, int, int]", value.payload))
    return Other("date", "infinity" if value.case == "positive-infinity" else "-infinity")


def _time(value: Any) -> time:  # noqa: ANN401 - a record
    return time(value.hour, value.min, value.sec, value.micro)


def _timestamp(value: Any) -> Value:  # noqa: ANN401 - a record
    day = _date(value.date)
    if not isinstance(day, date):
        return Other("timestamp", text_of(day))
    return datetime.combine(day, _time(value.time))


def _timestamp_tz(value: Any) -> Value:  # noqa: ANN401 - a record
    stamp = _timestamp(value.timestamp)
    if not isinstance(stamp, datetime):
        return stamp
    seconds = int(value.offset.payload)
    east = seconds if value.offset.case == "eastern-hemisphere-secs" else -seconds
    return stamp.replace(tzinfo=timezone(timedelta(seconds=east)))


def _characters(value: tuple[int | None, bytes]) -> str:
    return value[1].decode()


_SAME = frozenset(
    {"big-int", "int8", "big-serial", "serial8", "bool", "boolean", "integer", "int", "int4",
     "serial", "serial4", "small-int", "int2", "small-serial", "serial2", "bytea", "cidr",
     "inet", "name", "text", "xml", "null"}
)  # fmt: skip
_PARAMS: Mapping[str, Convert] = {
    **dict.fromkeys(("double", "float8", "real", "float4"), encoded),
    **dict.fromkeys(("numeric", "decimal"), Decimal),
    **dict.fromkeys(("char", "varchar"), _characters),
    **dict.fromkeys(("json", "jsonb"), Json),
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "timestamp-tz": _timestamp_tz,
    "uuid": UUID,
}


# -- to the guest


def pg_value(native: str, value: Value) -> Variant:
    """A value of a column of the type `native`."""
    if value is None:
        return NULL
    case, convert = _RESULTS.get(native, ("text", text_of))
    try:
        if native.endswith("[]") and isinstance(value, Array):
            return _array(native[:-2], value)
        return Variant(case, convert(value) if convert else value)
    except (AttributeError, TypeError):
        # A date beyond what Python knows, for example.
        return Variant("text", text_of(value))


def _array(native: str, value: Array) -> Variant:
    found = _RESULTS.get(native)
    # Their arrays have no NULL and no arrays inside.
    if found is None or any(item is None or isinstance(item, Array) for item in value.items):
        return Variant("text", text_of(value))
    case, convert = found
    return Variant(f"{case}-array", [convert(item) if convert else item for item in value.items])


#: What Python's dates can't hold, by Postgres' words for it.
_INFINITE = {"infinity": Variant("positive-infinity"), "-infinity": Variant("negative-infinity")}


def _infinite(value: object) -> Variant | None:
    return _INFINITE.get(value.text) if isinstance(value, Other) else None


def _day(value: date) -> Variant:
    return _infinite(value) or Variant("ymd", (value.year, value.month, value.day))


def _clock(value: time) -> dict[str, int]:
    return {
        "hour": value.hour,
        "min": value.minute,
        "sec": value.second,
        "micro": value.microsecond,
    }


def _stamp(value: datetime) -> dict[str, object]:
    if infinite := _infinite(value):
        return {"date": infinite, "time": _clock(time.min)}
    return {"date": _day(value.date()), "time": _clock(value.time())}


def _stamp_tz(value: datetime) -> dict[str, object]:
    return {"timestamp": _stamp(value), "offset": Variant("eastern-hemisphere-secs", 0)}


def _sized(value: str) -> tuple[int, bytes]:
    data = value.encode()
    return len(data), data


_RESULTS: Mapping[str, tuple[str, Convert | None]] = {
    "bool": ("bool", None),
    "int2": ("int2", None),
    "int4": ("int4", None),
    "int8": ("int8", None),
    "float4": ("float4", lambda value: decoded(value, "f")),
    "float8": ("float8", decoded),
    "numeric": ("numeric", text_of),
    "bytea": ("bytea", None),
    "char": ("char", _sized),
    "varchar": ("varchar", _sized),
    "bpchar": ("varchar", _sized),
    "name": ("name", None),
    "text": ("text", None),
    "xml": ("xml", None),
    "json": ("json", text_of),
    "jsonb": ("jsonb", text_of),
    "uuid": ("uuid", str),
    "date": ("date", _day),
    "time": ("time", _clock),
    "timestamp": ("timestamp", _stamp),
    "timestamptz": ("timestamp-tz", _stamp_tz),
    "inet": ("inet", text_of),
    "cidr": ("cidr", text_of),
}
