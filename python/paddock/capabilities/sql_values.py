"""Values of SQL, with nothing lost that a database can tell about them.

Python's own types where they hold all: None, bool, int, float, Decimal, str, bytes,
date, time, datetime (with a zone: a moment) and UUID.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from uuid import UUID

from paddock.errors import StatementError


@dataclass(frozen=True, slots=True)
class Interval:
    """A span whose parts have no fixed ratio: a month is no number of days."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    def __str__(self) -> str:
        seconds, micros = divmod(abs(self.microseconds), 1_000_000)
        sign = "-" if self.microseconds < 0 else ""
        clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        fraction = f".{micros:06}" if micros else ""
        return f"{self.months} mons {self.days} days {clock}{fraction}"


@dataclass(frozen=True, slots=True)
class Json:
    """A document, as text."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Other:
    """A value of a type without a class here, in the database's own text form."""

    type: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one kind, perhaps None; nested ones are Arrays."""

    items: tuple[Value, ...]
    kind: str = "other"

    def __str__(self) -> str:
        return "{" + ",".join(map(_item, self.items)) + "}"


@dataclass(frozen=True, slots=True)
class Range:
    """From `lower` to `upper`, None for no bound; each may be part of it."""

    lower: Value = None
    upper: Value = None
    lower_inclusive: bool = True
    upper_inclusive: bool = False
    empty: bool = False
    kind: str = "other"

    def __str__(self) -> str:
        if self.empty:
            return "empty"
        ends = ["" if end is None else _item(end) for end in (self.lower, self.upper)]
        opening = "[" if self.lower_inclusive and self.lower is not None else "("
        closing = "]" if self.upper_inclusive and self.upper is not None else ")"
        return f"{opening}{ends[0]},{ends[1]}{closing}"


Value: TypeAlias = (
    bool | int | float | Decimal | str | bytes | date | time | datetime | UUID
    | Interval | Json | Other | Array | Range | None
)  # fmt: skip


def text_of(value: Value) -> str:
    """The value as SQL writes it in text, without quotes; NULL is "NULL"."""
    write = _TEXTS.get(type(value))
    return write(value) if write else str(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: str,
    type(None): lambda _: "NULL",
    bool: lambda value: "true" if value else "false",
    bytes: lambda value: "\\x" + value.hex(),
    datetime: lambda value: value.isoformat(" "),
    time: time.isoformat,
    Decimal: lambda value: format(value, "f"),
}


def _item(value: Value) -> str:
    """An element of an array or a range, in Postgres' form (manual, "Arrays")."""
    if value is None or isinstance(value, bool | int | float | Decimal | Array):
        return text_of(value)
    return '"' + text_of(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def parsed(text: str, kind: str) -> Value:
    """A text as a value of `kind`; StatementError where it is none."""
    parse = _PARSERS.get(kind)
    if parse is None:
        return text
    try:
        return parse(text)
    except (ValueError, InvalidOperation) as error:
        raise StatementError(f"{text[:100]!r} is no {kind}", kind="invalid") from error


def _boolean(text: str) -> bool:
    lower = text.strip().lower()
    if lower in ("true", "t", "1", "yes", "on"):
        return True
    if lower in ("false", "f", "0", "no", "off"):
        return False
    raise ValueError


def moment(text: str) -> datetime:
    """A time stamp in ISO 8601, with a blank or a T and any number of digits."""
    return datetime.fromisoformat(text.strip())


def of_day(text: str) -> time:
    """A time of day in ISO 8601."""
    return time.fromisoformat(text.strip())


_PARSERS: dict[str, Callable[[str], Value]] = {
    "boolean": _boolean,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "time": of_day,
    "timestamp": moment,
    "timestamptz": moment,
    "uuid": UUID,
    "json": Json,
    "float32": float,
    "float64": float,
    **{f"{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def clock(value: timedelta) -> time | None:
    """A time of day for a span from midnight; None where it is no time of day."""
    if not timedelta(0) <= value < timedelta(days=1):
        return None
    return (datetime.min + value).time()
