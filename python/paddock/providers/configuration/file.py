"""Configuration values in one file: TOML, JSON or `.env`, read again when it changes."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from paddock.errors import ManifestError, Unavailable
from paddock.providers.configuration import dotenv
from paddock.providers.configuration.watched import WatchedValues
from paddock.providers.options import OptionError, Options

#: Larger than any file of values; protects against a wrong path.
LARGEST = 1 << 20
FORMATS = ("toml", "json", "env")


@dataclass(frozen=True, slots=True)
class FileConfig:
    """`path` is absolute; `format` is one of `FORMATS`."""

    path: str
    format: str

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> FileConfig:
        """Read a `[[variables_provider]]` table; the suffix tells the format unless it is given."""
        table = Options(options, "a variables provider of type file", base)
        path = Path(os.path.abspath((base or Path()) / table.required("path")))
        chosen = table.text("format")
        table.done()
        suffix = path.suffix.lower().removeprefix(".") or path.name.removeprefix(".")
        found = chosen or suffix
        if found not in FORMATS:
            raise OptionError(
                "format" if chosen else "path",
                f"a variables provider of type file can't read '{path.name}' as {found or 'text'}",
                hint='name a file .toml, .json or .env, or set format = "toml", "json" or "env"',
            )
        return cls(str(path), found)


class FileConfiguration:
    """`type = "file"`."""

    Config = FileConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> WatchedValues:
        """The same values for every application. Raises Unavailable or ManifestError."""
        del application, name, state_dir
        if not isinstance(config, FileConfig):
            raise TypeError(f"wanted FileConfig, got {type(config).__name__}")
        return WatchedValues(f"the file of variables {config.path}", _File(config))


class _File:
    """One file; see `watched.Files`."""

    def __init__(self, config: FileConfig) -> None:
        self._path = Path(config.path)
        self._format = config.format

    def signature(self) -> object:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def read(self) -> Mapping[str, str]:
        try:
            with self._path.open("rb") as file:
                data = file.read(LARGEST + 1)
            text = data.decode("utf-8-sig")
        except OSError as error:
            raise Unavailable(f"{self._path} can't be read: {error.strerror}") from error
        except UnicodeDecodeError:
            # Not as its cause: that error holds the file's content.
            raise ManifestError(f"{self._path} is not UTF-8") from None
        if len(data) > LARGEST:
            raise ManifestError(f"{self._path} is larger than {LARGEST >> 20} MiB")
        if self._format == "env":
            values = dotenv.parse(text, str(self._path))
            return {name.lower(): value for name, value in values.items()}
        return _flat(self._table(text), str(self._path))

    def _table(self, text: str) -> Mapping[str, object]:
        try:
            table: object = tomllib.loads(text) if self._format == "toml" else json.loads(text)
        except (ValueError, RecursionError) as error:
            # What the parsers say has a place in it, and of the content at most a key.
            reason = str(error).splitlines()[0][:200]
            raise ManifestError(f"{self._path} is not valid {self._format}: {reason}") from None
        if not isinstance(table, dict):
            raise ManifestError(f"{self._path} holds no table of names and values")
        return cast("dict[str, object]", table)


def _flat(table: Mapping[str, object], where: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, (str, int, float)):
            found[name] = str(value)
        else:
            raise ManifestError(
                f"{where}: the value of '{name[:100]}' is no text, number or boolean",
                hint="variables are plain texts: write one name for each value",
            )
    return found
