"""Reads a TOML file into its raw table, and knows where everything stands in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from paddock.errors import ManifestError
from paddock.manifest.model import Location, RawValue
from paddock.manifest.positions import KeyPath, Positions
from paddock.manifest.problems import ManifestMistakes, Problem, key_text

#: Larger than any manifest that a person writes; protects against a wrong file.
MOST_BYTES = 1 << 20
#: Tables within tables; everything after this may walk through them by recursion.
MOST_LEVELS = 64
#: The first whole number that has no room in 64 bits.
_BEYOND = 1 << 63

_PLACE = re.compile(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


class Located(Protocol):
    """Raw tables of any format, with a `Location` for each of their keys."""

    @property
    def file(self) -> str:
        """What messages call it."""
        ...

    @property
    def table(self) -> Mapping[str, RawValue]:
        """Everything in it."""
        ...

    def at(self, path: Sequence[str | int]) -> Location:
        """Where a key stands, or the nearest thing around it."""
        ...

    def problem(self, path: Sequence[str | int], reason: str, hint: str | None = None) -> Problem:
        """A mistake at a key."""
        ...


class Document:
    """The raw table of a TOML text, with a `Location` for each of its keys."""

    def __init__(self, data: bytes, file: str) -> None:
        """Parse `data`, named `file` in messages; raises ManifestMistakes."""
        self.file = file
        self._text = _decode(data, file).replace("\r\n", "\n")
        self.table = _parse(self._text, file)
        self._positions: Positions | None = None
        refuse_unusable(self)

    def at(self, path: Sequence[str | int]) -> Location:
        """Where a key stands, or the nearest thing around it."""
        if self._positions is None:
            self._positions = Positions(self._text)
        line, column = self._positions.locate(path)
        return Location(self.file, line, column)

    def problem(self, path: Sequence[str | int], reason: str, hint: str | None = None) -> Problem:
        """A mistake at a key."""
        return Problem(self.at(path), key_text(path), reason, hint)


def read_bytes(path: Path) -> bytes:
    """The content of a manifest or configuration; ManifestError when it can't be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ManifestError(f"can't read {path}: {reason}") from None
    if len(data) > MOST_BYTES:
        raise ManifestError(
            f"can't read {path}: it is larger than {MOST_BYTES >> 20} MiB",
            hint="give the path of a TOML file, or of a .wasm or .wat file by that name",
        )
    return data


def refuse_unusable(document: Located) -> None:
    """ManifestMistakes for each value that a parser takes and TOML (1.0) does not have.

    Those are numbers of more than 64 bits, and text which is not valid Unicode.
    """
    problems = [document.problem(path, reason) for path, reason in _unusable(document.table, ())]
    if problems:
        raise ManifestMistakes(problems)


def _unusable(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if not _encodable(key):
                yield (*path, key), "the key is not valid Unicode: it has half of a surrogate pair"
            yield from _unusable(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _unusable(inner, (*path, index))
    elif isinstance(value, str):
        if not _encodable(value):
            yield path, "is not valid Unicode: it has half of a surrogate pair"
    elif isinstance(value, int) and not -_BEYOND <= value < _BEYOND:
        yield path, "is larger than any number of TOML, which has 64 bits"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestMistakes(
            [Problem(Location(file, line), "", "not valid UTF-8", "save the file as UTF-8")]
        ) from None


def _parse(text: str, file: str) -> Mapping[str, RawValue]:
    try:
        table = cast("Mapping[str, RawValue]", tomllib.loads(text))
        if _levels(table) <= MOST_LEVELS:
            return table
        reason, line, column = "arrays or tables are nested too deeply", 0, 0
    except RecursionError:
        reason, line, column = "arrays or tables are nested too deeply", 0, 0
    except ValueError as error:
        reason, line, column = _place(str(error), text)
    problem = Problem(Location(file, line, column), "", reason)
    raise ManifestMistakes([problem])


def _levels(table: Mapping[str, RawValue]) -> int:
    """How deep a table is, counted without recursion and no further than it matters."""
    level, values = 0, [cast("object", table)]
    while values and level <= MOST_LEVELS:
        level += 1
        inner: list[object] = []
        for value in values:
            if isinstance(value, dict):
                inner.extend(cast("dict[str, object]", value).values())
            elif isinstance(value, list):
                inner.extend(cast("list[object]", value))
        values = inner
    return level


def _place(message: str, text: str) -> tuple[str, int, int]:
    """Reason, line and column of a message of `tomllib`."""
    found = _PLACE.match(message)
    if not found:
        return f"not valid TOML: {message.splitlines()[0][:200]}", 0, 0
    reason, line, column = found.groups()
    if line is None:
        return f"not valid TOML: {reason} at the end of the file", text.count("\n") + 1, 0
    return f"not valid TOML: {reason}", int(line), int(column)


def frozen(table: Mapping[str, object]) -> Mapping[str, RawValue]:
    """A raw table with tuples in place of lists."""
    return {key: _frozen_value(value) for key, value in table.items()}


def _frozen_value(value: object) -> RawValue:
    if isinstance(value, Mapping):
        return frozen(cast("Mapping[str, object]", value))
    if isinstance(value, list):
        return tuple(_frozen_value(item) for item in cast("Sequence[object]", value))
    return cast("RawValue", value)
