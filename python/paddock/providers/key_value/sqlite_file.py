"""One SQLite file, shared by every store of this process that lives in it.

Connections are lent, not kept for each thread: a guest's thread is not one of
Python's, so whatever hangs on a Python thread's local storage would be gone at
the next call. The last one given back is lent first, which keeps its cache
warm and their number at what is used at once.

Write-ahead logging lets readers and one writer work side by side. With
`synchronous=NORMAL` a commit writes to the log without a sync: it survives the
death of the process, and a power cut can lose the last commits but not damage
the file (sqlite.org/wal.html). The syncs are in the checkpoints, which run in a
thread of their own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from paddock.errors import CapabilityError, Unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Cursor], T]

SCHEMA = """
CREATE TABLE IF NOT EXISTS paddock_store (
    id INTEGER PRIMARY KEY,
    application TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (application, name)
);
CREATE TABLE IF NOT EXISTS paddock_entry (
    store INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
);
"""

#: Seconds that a call waits for other processes before it gives up.
PATIENCE = 5.0
#: Seconds that a guest's own thread waits for other threads' short writes.
SHORT = 0.002
#: Writes between two checkpoints; a small write takes about two 4 KiB pages.
WRITES_PER_CHECKPOINT = 1000
#: Pages after which a commit does the checkpoint itself: the thread has failed.
LOG_LIMIT = 50_000
#: Connections kept open while nobody uses them.
IDLE = 16


class Busy(Exception):
    """Somebody else holds the file's write lock right now."""


class SqliteFile:
    """An open file; every method may be called from any thread."""

    def __init__(self, path: Path, *, full_sync: bool) -> None:
        self.path = path
        self._full_sync = full_sync
        self._idle: list[sqlite3.Cursor] = []
        self._writing = threading.Lock()
        self._closed = False
        self._writes = 0
        self._wake = threading.Event()
        self._checkpointer: threading.Thread | None = None
        self._create()

    def lend(self) -> sqlite3.Cursor:
        """A cursor on a connection of its own; give it back with `take_back`."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect().cursor()

    def take_back(self, cursor: sqlite3.Cursor) -> None:
        """The cursor can be lent again: it is in no transaction and unread rows are gone."""
        if self._closed or len(self._idle) >= IDLE:
            cursor.connection.close()
        else:
            self._idle.append(cursor)

    def read(self, work: Work[T]) -> T:
        """Run a reading; raises Busy or a CapabilityError."""
        cursor = self.lend()
        try:
            result = work(cursor)
        except BaseException as error:
            cursor.connection.close()
            raise self._explain(error) from error
        self.take_back(cursor)
        return result

    def write(self, work: Work[T], wait: float, *, several: bool = False) -> T:
        """Run a writing; raises Busy or a CapabilityError.

        A statement is atomic by itself; `several` makes one transaction of all
        that `work` does. `wait` is how long to wait for this process's other
        writers, in seconds; for other processes it does not wait at all.
        """
        if not self._writing.acquire(timeout=wait):
            raise Busy
        try:
            cursor = self.lend()
            try:
                if several:
                    cursor.execute("BEGIN IMMEDIATE")
                result = work(cursor)
                if several:
                    cursor.execute("COMMIT")
            except BaseException as error:
                # Closing rolls back whatever was begun.
                cursor.connection.close()
                raise self._explain(error) from error
            self.take_back(cursor)
        finally:
            self._writing.release()
        self._count()
        return result

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Repeat `attempt` while it is Busy, up to PATIENCE seconds. Blocks.

        No lock is held in between, so that other threads don't queue behind
        another process's transaction.
        """
        deadline = time.monotonic() + PATIENCE
        pause = 0.001
        while True:
            try:
                return attempt()
            except Busy:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"the key-value store in {self.path} stayed locked by another "
                        f"process for {PATIENCE:g} s",
                        hint="see which process holds the file open, or try again",
                    ) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def close(self) -> None:
        """Close every idle connection; those lent are closed when given back."""
        self._closed = True
        self._wake.set()
        if self._checkpointer is not None:
            self._checkpointer.join()
        while self._idle:
            self._idle.pop().connection.close()

    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would create it readable for everybody.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error

        def prepare(cursor: sqlite3.Cursor) -> None:
            cursor.execute("PRAGMA busy_timeout = 5000")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.executescript(SCHEMA)
            cursor.execute("PRAGMA busy_timeout = 0")

        self.patiently(lambda: self.read(prepare))

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise Unavailable(f"the key-value store in {self.path} is closed")
        try:
            connection = sqlite3.connect(
                self.path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._explain(error) from error
        try:
            sync = "FULL" if self._full_sync else "NORMAL"
            connection.execute(f"PRAGMA synchronous = {sync}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_LIMIT}")
        except sqlite3.Error as error:
            connection.close()
            raise self._explain(error) from error
        return connection

    def _count(self) -> None:
        # Two threads may count as one here; the interval needs no exactness.
        self._writes += 1
        if self._writes < WRITES_PER_CHECKPOINT:
            return
        self._writes = 0
        self._wake.set()
        if self._checkpointer is None:
            with self._writing:
                if self._checkpointer is None and not self._closed:
                    self._checkpointer = threading.Thread(
                        target=self._checkpoint, name="paddock-sqlite-checkpoint", daemon=True
                    )
                    self._checkpointer.start()

    def _checkpoint(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closed:
                return
            try:
                self.read(
                    lambda cursor: cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                )
            except (Busy, CapabilityError):
                # The next round tries again; LOG_LIMIT bounds the log meanwhile.
                continue

    def _explain(self, error: BaseException) -> BaseException:
        if not isinstance(error, sqlite3.Error):
            return error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return Busy()
        if self._closed:
            return Unavailable(f"the key-value store in {self.path} is closed")
        return self._unusable(str(error))

    def _unusable(self, why: str) -> CapabilityError:
        return Unavailable(
            f"the key-value store in {self.path} can't be used: {why}",
            hint="check that the file is SQLite's and writable, and that the disk has room",
        )


_OPEN: dict[tuple[Path, bool], tuple[SqliteFile, int]] = {}
_OPENING = threading.Lock()


def open_file(path: Path, *, full_sync: bool) -> SqliteFile:
    """The one open file for `path`; every opening wants a `close_file`.

    Stores in one file share its connections and its queue of writers, or they
    would meet each other as if they were foreign processes.
    """
    key = (path.resolve(), full_sync)
    with _OPENING:
        file, users = _OPEN.get(key, (None, 0))
        if file is None:
            file = SqliteFile(key[0], full_sync=full_sync)
        _OPEN[key] = (file, users + 1)
        return file


def close_file(file: SqliteFile, *, full_sync: bool) -> None:
    """Give up one use; the last one closes the file."""
    key = (file.path, full_sync)
    with _OPENING:
        _, users = _OPEN[key]
        if users > 1:
            _OPEN[key] = (file, users - 1)
            return
        del _OPEN[key]
    file.close()
