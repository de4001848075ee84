"""A key-value store in an SQLite file.

Where the work is done was decided by measuring (Python 3.11, SQLite 3.40, warm
cache, 100-byte values): a read takes 5 µs and a write 15 µs where it is called,
while handing either to a pool of threads costs 30–80 µs before it begins. So
reads and small writes run in place, on the guest's thread. They never wait
there for long: readers don't wait for writers in write-ahead mode, no commit
syncs the disk unless `durability = "power"`, and whoever meets a locked file
answers with a `Deferred` that waits on the pool. Listings and large batches go
to the pool at once.

One file holds many stores, told apart by application and name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot, counted
from paddock.providers.key_value.sqlite_file import (
    SHORT,
    Busy,
    SqliteFile,
    Work,
    close_file,
    open_file,
)
from paddock.providers.options import OptionError, Options
from paddock.types import Deferred, blocking

T = TypeVar("T")

GET = "SELECT value FROM paddock_entry WHERE store = ? AND key = ?"
SET = (
    "INSERT INTO paddock_entry (store, key, value) VALUES (?, ?, ?) "
    "ON CONFLICT (store, key) DO UPDATE SET value = excluded.value"
)
ADD = "INSERT INTO paddock_entry (store, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
REPLACE = "UPDATE paddock_entry SET value = ? WHERE store = ? AND key = ? AND value = ?"
DELETE = "DELETE FROM paddock_entry WHERE store = ? AND key = ?"
FIRST = "SELECT key FROM paddock_entry WHERE store = ? ORDER BY key LIMIT ?"
AFTER = "SELECT key FROM paddock_entry WHERE store = ? AND key > ? ORDER BY key LIMIT ?"

#: Keys, and bytes of values, up to which a batch runs in place.
SMALL_BATCH = 32
SMALL_VALUE = 64 * 1024

FILE_NAME = "key_value.db"


@dataclass(frozen=True, slots=True)
class SqliteConfig:
    """`path`: the file, by default `key_value.db` in the state directory.

    `durability`: "process" keeps what was written when the process dies, "power"
    also when the machine loses power, at a disk sync for each write.
    """

    path: str = FILE_NAME
    durability: str = "process"

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return self.path

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> SqliteConfig:
        """Read a `[key_value_store.X]` table; a path that it has starts from `base`."""
        table = Options(options, "an SQLite key-value store")
        path = table.text("path")
        durability = table.choice("durability", ("process", "power"))
        table.done()
        if path is None:
            return cls(durability=durability)
        if not path or "\0" in path or path == ":memory:":
            raise OptionError(
                "path",
                f"an SQLite key-value store can't have the path {path!r}",
                hint='name a file, or use type = "memory"',
            )
        return cls(str(base / path) if base else path, durability)


class SqliteStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    def __init__(self, file: SqliteFile, *, application: str, name: str, full_sync: bool) -> None:
        self._file = file
        self._full_sync = full_sync
        self._closed = False
        self._id = file.patiently(lambda: self._register(application, name))

    def get(self, key: str, /) -> bytes | Deferred[bytes | None] | None:
        """Written out, without `_read`, since this is the call that must be fast."""
        file = self._file
        try:
            cursor = file.lend()
            try:
                row = cursor.execute(GET, (self._id, key)).fetchone()
            except sqlite3.Error:
                cursor.connection.close()
                raise
        except (sqlite3.Error, Busy):
            # A second attempt explains, or waits, as every other reading does.
            return self._read(lambda again: _value(again, self._id, key))
        file.take_back(cursor)
        return row[0] if row else None

    def exists(self, key: str, /) -> bool | Deferred[bool]:
        """Looks into the index only."""
        sql = "SELECT 1 FROM paddock_entry WHERE store = ? AND key = ?"
        return self._read(
            lambda cursor: cursor.execute(sql, (self._id, key)).fetchone() is not None
        )

    def set(self, key: str, value: bytes, /) -> Deferred[None] | None:
        """In place while the value is small."""
        return self._write(
            lambda cursor: _drop(cursor.execute(SET, (self._id, key, value))),
            small=len(value) <= SMALL_VALUE,
        )

    def delete(self, key: str, /) -> Deferred[None] | None:
        """In place."""
        return self._write(lambda cursor: _drop(cursor.execute(DELETE, (self._id, key))))

    @blocking
    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """Keys in their order; the cursor is the last key of the page before."""

        def page(lent: sqlite3.Cursor) -> KeyPage:
            # One more than asked tells whether there are more.
            if cursor is None:
                rows = lent.execute(FIRST, (self._id, limit + 1)).fetchall()
            else:
                rows = lent.execute(AFTER, (self._id, cursor, limit + 1)).fetchall()
            names = [str(row[0]) for row in rows]
            if len(names) <= limit:
                return KeyPage(names)
            return KeyPage(names[:limit], names[limit - 1])

        return self._file.patiently(lambda: self._file.read(page))

    def get_many(
        self, keys: Sequence[str], /
    ) -> list[tuple[str, bytes | None]] | Deferred[list[tuple[str, bytes | None]]]:
        """As many lookups as keys: each costs a few microseconds."""

        def work(cursor: sqlite3.Cursor) -> list[tuple[str, bytes | None]]:
            return [(key, _value(cursor, self._id, key)) for key in keys]

        return self._read(work, small=len(keys) <= SMALL_BATCH)

    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> Deferred[None] | None:
        """In one transaction, so all or none."""
        rows = [(self._id, key, value) for key, value in items]
        return self._write(
            lambda cursor: _drop(cursor.executemany(SET, rows)),
            several=True,
            small=len(rows) <= SMALL_BATCH and sum(len(row[2]) for row in rows) <= SMALL_VALUE,
        )

    def delete_many(self, keys: Sequence[str], /) -> Deferred[None] | None:
        """In one transaction, so all or none."""
        rows = [(self._id, key) for key in keys]
        return self._write(
            lambda cursor: _drop(cursor.executemany(DELETE, rows)),
            several=True,
            small=len(rows) <= SMALL_BATCH,
        )

    def increment(self, key: str, delta: int, /) -> int | Deferred[int]:
        """Repeats a swap: half the time of a transaction, and as atomic over processes."""

        def work(cursor: sqlite3.Cursor) -> int:
            while True:
                current = _value(cursor, self._id, key)
                total = counted(current, delta, key)
                if _swap(cursor, self._id, key, (current, b"%d" % total)):
                    return total

        return self._write(work)

    def snapshot(self, key: str, /) -> Snapshot | Deferred[Snapshot]:
        """The value itself is compared: there is no version."""
        return self._read(lambda cursor: Snapshot(_value(cursor, self._id, key)))

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool | Deferred[bool]:
        """One statement, so atomic over processes too."""
        return self._write(
            lambda cursor: _swap(cursor, self._id, key, (expected.value, value)),
            small=len(value) <= SMALL_VALUE,
        )

    def close(self) -> None:
        """Close the file if no other store of this process uses it."""
        if not self._closed:
            self._closed = True
            close_file(self._file, full_sync=self._full_sync)

    def _register(self, application: str, name: str) -> int:
        def work(cursor: sqlite3.Cursor) -> int:
            row = (application, name)
            cursor.execute(
                "INSERT OR IGNORE INTO paddock_store (application, name) VALUES (?, ?)", row
            )
            sql = "SELECT id FROM paddock_store WHERE application = ? AND name = ?"
            return int(cursor.execute(sql, row).fetchone()[0])

        return self._file.write(work, 1.0, several=True)

    def _read(self, work: Work[T], *, small: bool = True) -> T | Deferred[T]:
        return self._run(lambda: self._file.read(work), lambda: self._file.read(work), small)

    def _write(
        self, work: Work[T], *, small: bool = True, several: bool = False
    ) -> T | Deferred[T]:
        return self._run(
            lambda: self._file.write(work, SHORT, several=several),
            lambda: self._file.write(work, 1.0, several=several),
            small and not self._full_sync,
        )

    def _run(self, here: Callable[[], T], there: Callable[[], T], small: bool) -> T | Deferred[T]:
        if small:
            try:
                return here()
            except Busy:
                pass
        return Deferred(lambda: self._file.patiently(there))


def _value(cursor: sqlite3.Cursor, store: int, key: str) -> bytes | None:
    row = cursor.execute(GET, (store, key)).fetchone()
    return row[0] if row else None


def _swap(cursor: sqlite3.Cursor, store: int, key: str, change: tuple[bytes | None, bytes]) -> bool:
    old, new = change
    if old is None:
        cursor.execute(ADD, (store, key, new))
    else:
        cursor.execute(REPLACE, (new, store, key, old))
    return cursor.rowcount == 1


def _drop(cursor: sqlite3.Cursor) -> None:
    del cursor


class SqliteKeyValue:
    """`type = "sqlite"`, and `type = "spin"`, Spin's name for it."""

    Config = SqliteConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> SqliteStore:
        """Open the store, creating file and folder. Blocks; raises Unavailable."""
        if not isinstance(config, SqliteConfig):
            raise TypeError(f"wanted SqliteConfig, got {type(config).__name__}")
        full_sync = config.durability == "power"
        file = open_file(state_dir / config.path, full_sync=full_sync)
        try:
            return SqliteStore(file, application=application, name=name, full_sync=full_sync)
        except BaseException:
            close_file(file, full_sync=full_sync)
            raise
