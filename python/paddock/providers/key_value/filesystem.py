"""A key-value store in files: one for each key, named after it.

A value is written to a file beside it, which then takes its place, so whoever
reads finds all of the old one or all of the new one. Writers of all processes
take turns for that moment by a lock (flock) on the store's directory, so that
counting and swapping see no write between their reading and their writing.

Reads of small values run in place, on the guest's thread: from the system's
cache they take some ten microseconds. Everything else runs on the pool.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot, counted
from paddock.errors import CapabilityError, Exhausted, TooLarge, Unavailable
from paddock.providers.key_value.filesystem_lock import DirectoryLock
from paddock.providers.key_value.filesystem_names import (
    directory_name,
    key_names,
    parts_of,
)
from paddock.providers.options import OptionError, Options
from paddock.types import Deferred, blocking

DIRECTORY = "key_value"

#: Bytes of a value that is still read on the guest's thread.
SMALL = 256 * 1024

#: Seconds after which a file that was never exchanged belongs to a process that died.
FORGOTTEN = 3600.0

#: Begins the names of values that are not exchanged yet: names of keys begin with no dot.
PART = ".part-"

ABSENT = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class FilesystemConfig:
    """`path`: the directory of all stores, by default `key_value` in the state directory.

    `durability`: "process" keeps what was written when the process dies, "power"
    also when the machine loses power, at two disk syncs for each write.
    """

    path: str = DIRECTORY
    durability: str = "process"

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return self.path

    @classmethod
    def from_table(
        cls, options: Mapping[str, object], base: Path | None = None
    ) -> FilesystemConfig:
        """Read a `[key_value_store.X]` table; a path that it has starts from `base`."""
        table = Options(options, "a key-value store in files")
        path = table.text("path")
        durability = table.choice("durability", ("process", "power"))
        table.done()
        if path is None:
            return cls(durability=durability)
        if not path or "\0" in path:
            raise OptionError(
                "path", f"a key-value store in files can't have the path {path!r}",
                hint="name a directory",
            )  # fmt: skip
        return cls(str(base / path) if base else path, durability)


class FilesystemStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    def __init__(self, directory: Path, *, power: bool) -> None:
        self._root = directory
        self._start = f"{directory}{os.sep}"
        self._power = power
        with self._explained():
            # `mode` is for the last directory only.
            directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            directory.mkdir(exist_ok=True, mode=0o700)
            self._lock = DirectoryLock(directory)
            self._clean()

    def get(self, key: str, /) -> bytes | Deferred[bytes | None] | None:
        """In place while the value is small."""
        try:
            file = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        except ABSENT:
            return None
        except OSError as error:
            raise self._failure(error) from error
        try:
            size = os.fstat(file).st_size
            if size <= SMALL:
                # One more than the size: then it is known that nothing follows.
                data = os.read(file, size + 1)
                if len(data) == size:
                    return data
        except OSError as error:
            raise self._failure(error) from error
        finally:
            os.close(file)
        return Deferred(lambda: self._read(key))

    def exists(self, key: str, /) -> bool:
        """In place: a look into the directory."""
        with self._explained():
            return os.path.isfile(self._path(key))

    @blocking
    def set(self, key: str, value: bytes, /) -> None:
        """The lock is held for the moment of exchange only."""
        with self._explained(), self._written(value) as part, self._lock:
            self._replace(part, key)

    @blocking
    def delete(self, key: str, /) -> None:
        """Removes the file, and directories that only a long key needed."""
        with self._explained(), self._lock:
            self._remove(key)

    @blocking
    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """In the order of code points; the cursor is the last key. Each page reads all names."""
        with self._explained():
            names = sorted(key_names(self._root))
        start = 0 if cursor is None else bisect_right(names, cursor)
        page = names[start : start + limit]
        return KeyPage(page, page[-1] if start + limit < len(names) else None)

    @blocking
    def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
        """A file for each."""
        return [(key, self._read(key)) for key in keys]

    @blocking
    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> None:
        """A file for each."""
        for key, value in dict(items).items():
            with self._explained(), self._written(value) as part, self._lock:
                self._replace(part, key)

    @blocking
    def delete_many(self, keys: Sequence[str], /) -> None:
        """A file for each."""
        for key in keys:
            with self._explained(), self._lock:
                self._remove(key)

    @blocking
    def increment(self, key: str, delta: int, /) -> int:
        """Counts under the lock."""
        with self._explained(), self._lock:
            total = counted(self._read(key), delta, key)
            with self._written(b"%d" % total) as part:
                self._replace(part, key)
            return total

    @blocking
    def snapshot(self, key: str, /) -> Snapshot:
        """The value itself is compared: there is no version."""
        return Snapshot(self._read(key))

    @blocking
    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        """Compares and exchanges under the lock."""
        with self._explained(), self._written(value) as part, self._lock:
            if self._read(key) != expected.value:
                return False
            self._replace(part, key)
            return True

    def close(self) -> None:
        """Nothing is left open."""
        self._lock.close()

    def _clean(self) -> None:
        """Remove what processes that died had written and not exchanged."""
        before = time.time() - FORGOTTEN
        for entry in self._root.glob(f"{PART}*"):
            # Another process may exchange or remove it at any moment.
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < before:
                    entry.unlink()

    def _path(self, key: str) -> str:
        return self._start + os.sep.join(parts_of(key))

    def _read(self, key: str) -> bytes | None:
        with self._explained():
            try:
                with open(self._path(key), "rb") as file:
                    return file.read()
            except ABSENT:
                return None

    @contextmanager
    def _written(self, value: bytes) -> Iterator[str]:
        """A file with the value that has no name yet among the keys; gone at the end."""
        file, part = tempfile.mkstemp(prefix=PART, dir=self._root)
        try:
            with open(file, "wb") as opened:
                opened.write(value)
                if self._power:
                    opened.flush()
                    os.fsync(opened.fileno())
            yield part
        finally:
            if os.path.exists(part):
                os.unlink(part)

    def _replace(self, part: str, key: str) -> None:
        path = self._path(key)
        try:
            os.replace(part, path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.replace(part, path)
        self._sync(os.path.dirname(path))

    def _remove(self, key: str) -> None:
        path = self._path(key)
        try:
            os.unlink(path)
        except ABSENT:
            return
        directory = os.path.dirname(path)
        self._sync(directory)
        while directory != str(self._root):
            try:
                os.rmdir(directory)
            except OSError:
                return  # other long keys are in it
            directory = os.path.dirname(directory)

    def _sync(self, directory: str) -> None:
        if not self._power:
            return
        opened = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> CapabilityError:
        where, why = f"the key-value store in {self._root}", error.strerror or str(error)
        if error.errno == errno.ENAMETOOLONG:
            return TooLarge(f"{where} can't have a key of this length")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Exhausted(f"{where} has no room left: {why}")
        return Unavailable(
            f"{where} can't be used: {why}", hint="check that the directory is there and writable"
        )


class FilesystemKeyValue:
    """`type = "filesystem"`."""

    Config = FilesystemConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> FilesystemStore:
        """Open the store, creating its directory. Blocks; raises Unavailable."""
        if not isinstance(config, FilesystemConfig):
            raise TypeError(f"wanted FilesystemConfig, got {type(config).__name__}")
        directory = state_dir / config.path / directory_name(application) / directory_name(name)
        return FilesystemStore(directory.absolute(), power=config.durability == "power")
