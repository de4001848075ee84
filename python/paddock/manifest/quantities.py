"""Sizes such as "64MiB" and durations such as "100ms", as manifests write them."""

from __future__ import annotations

import re

from paddock.errors import ManifestError

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]*)\s*", re.ASCII)

_BYTES = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_SIZE_HINT = 'write it as "64MiB" (units: B, KB, MB, GB, KiB, MiB, GiB), or as a number of bytes'
_DURATION_HINT = 'write it as "5s", "100ms" or "2m" (units: ms, s, m, h)'
#: More than any machine has; beyond it a number is a mistake and not a wish.
_MOST_BYTES = 1 << 50
_MOST_SECONDS = 10 * 366 * 86400.0


def parse_size(value: object) -> int:
    """Bytes of a text with a unit or of a whole number; more than 0.

    Raises ManifestError for anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str):
        size = int(_number(value, _BYTES, "size", _SIZE_HINT))
    else:
        raise ManifestError(f"must be a size, not {kind_of(value)}", hint=_SIZE_HINT)
    if not 0 < size <= _MOST_BYTES:
        raise ManifestError(f"size {_short(value)} is out of range", hint=_SIZE_HINT)
    return size


def parse_duration(value: object) -> float:
    """Seconds of a text with a unit; more than 0. Raises ManifestError for anything else."""
    if not isinstance(value, str):
        raise ManifestError(f"must be a duration, not {kind_of(value)}", hint=_DURATION_HINT)
    seconds = _number(value, _SECONDS, "duration", _DURATION_HINT)
    if not 0 < seconds <= _MOST_SECONDS:
        raise ManifestError(f"duration {_short(value)} is out of range", hint=_DURATION_HINT)
    return seconds


def kind_of(value: object) -> str:
    """What TOML calls the type of a value, with its article."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a float"),
        (list, "an array"),
        (dict, "a table"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "a date or time")


def _number(text: str, units: dict[str, int] | dict[str, float], what: str, hint: str) -> float:
    found = _QUANTITY.fullmatch(text)
    if not found or len(text) > 40:
        raise ManifestError(f"{_short(text)} is not a {what}", hint=hint)
    number, unit = found.groups()
    if not unit:
        raise ManifestError(f"{what} {_short(text)} has no unit", hint=hint)
    for name, factor in units.items():
        if name.lower() == unit.lower():
            return float(number) * factor
    raise ManifestError(f"{what} {_short(text)} has an unknown unit '{unit}'", hint=hint)


def _short(value: object) -> str:
    # An integer of 5,000 digits can't even be printed by Python.
    if isinstance(value, int) and abs(value) > _MOST_BYTES * 1000:
        return "(a very large number)"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}…'"
