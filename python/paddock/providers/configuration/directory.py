"""Configuration values in a directory, a file for each, as Kubernetes mounts them.

A ConfigMap or Secret that is mounted as a volume is a directory of links through
`..data`, which is itself a link to a directory of the present version: Kubernetes
exchanges that one link, so all values change at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from paddock.errors import ManifestError, Unavailable
from paddock.providers.configuration.watched import WatchedValues
from paddock.providers.options import Options

#: More files, or a larger one, is no directory of values. Kubernetes allows 1 MiB in all.
MOST = 1000
LARGEST = 1 << 20

_DATA = "..data"


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """`path` is absolute."""

    path: str

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> DirectoryConfig:
        """Read a `[[variables_provider]]` table."""
        table = Options(options, "a variables provider of type directory", base)
        path = table.required("path")
        table.done()
        return cls(os.path.abspath((base or Path()) / path))


class DirectoryConfiguration:
    """`type = "directory"`."""

    Config = DirectoryConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> WatchedValues:
        """The same values for every application. Raises Unavailable or ManifestError."""
        del application, name, state_dir
        if not isinstance(config, DirectoryConfig):
            raise TypeError(f"wanted DirectoryConfig, got {type(config).__name__}")
        return WatchedValues(f"the directory of variables {config.path}", _Directory(config.path))


class _Directory:
    """A directory; see `watched.Files`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def signature(self) -> object:
        try:
            # One system call where Kubernetes made the directory.
            return os.readlink(os.path.join(self._path, _DATA))
        except OSError:
            entries: list[tuple[str, int, int, int]] = []
            for entry in self._entries():
                status = entry.stat()
                entries.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
            return entries

    def read(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        try:
            # A name as it is wins over one that has to be respelt.
            for entry in sorted(self._entries(), key=lambda each: _spelt(each.name) == each.name):
                found[_spelt(entry.name)] = self._value(entry.path)
        except OSError as error:
            raise Unavailable(f"{self._path} can't be read: {error.strerror}") from error
        return found

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        number = 0
        with os.scandir(self._path) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.name.startswith(".") or not entry.is_file():
                    continue
                number += 1
                if number > MOST:
                    raise ManifestError(
                        f"{self._path} has more than {MOST} files",
                        hint="name a directory that holds nothing but values",
                    )
                yield entry

    def _value(self, path: str) -> str:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ManifestError(f"{path} is larger than {LARGEST >> 20} MiB")
        try:
            # Editors and `echo` end a file with a newline, which is no part of it.
            return data.decode("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            # Not as its cause: that error holds the value.
            raise ManifestError(f"{path} is not UTF-8") from None


def _spelt(name: str) -> str:
    """The variable's name for a file's: `API_KEY`, `api-key` and `api.key` are `api_key`."""
    return name.lower().replace("-", "_").replace(".", "_")
