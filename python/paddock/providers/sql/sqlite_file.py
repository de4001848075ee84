"""One SQLite database file, shared by all sessions of this process on it.

Write-ahead logging lets readers and one writer work side by side. Writers of this
process queue for the right to write; those of other processes are waited for. What a
statement may do is limited: no other file can be attached or written, and only
pragmas that inform are allowed, so a database is all that a guest can reach.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from paddock.errors import Exhausted, StatementError, TimedOut, Unavailable
from paddock.providers.sql.sqlite_right import Right
from paddock.providers.sql.sqlite_values import register

T = TypeVar("T")

#: Seconds that a call waits for writers of this or other processes before it gives up.
PATIENCE = 5.0
#: Steps of SQLite's machine between two ticks: about half a millisecond.
STEPS = 10_000
#: Connections kept open while nobody uses them.
IDLE = 32

#: Pragmas that a guest may use.
PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
     "foreign_key_list", "foreign_key_check", "database_list", "collation_list",
     "compile_options", "function_list", "integrity_check", "quick_check", "optimize",
     "user_version", "application_id", "foreign_keys", "defer_foreign_keys"}
)  # fmt: skip


#: Threads of this process for statements that take longer than a moment.
THREADS = 8


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "paddock-sqlite")


class Busy(Exception):
    """Somebody else writes right now."""


class TooLong(Exception):
    """A statement in place took longer than may be waited for in place."""


class Lent:
    """A connection in somebody's hands."""

    __slots__ = ("_ticked", "deadline", "in_place", "raw")

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self.in_place = False
        self.deadline = float("inf")
        self._ticked = False
        raw.set_progress_handler(self._tick, STEPS)

    def begin(self, seconds: float, *, in_place: bool) -> None:
        """A statement begins, which may take so long; in place, a moment only."""
        self.in_place = in_place
        self.deadline = time.monotonic() + seconds
        self._ticked = False

    def _tick(self) -> bool:
        """Whether to interrupt the statement."""
        if not self.in_place:
            return time.monotonic() > self.deadline
        # SQLite counts the steps of a prepared statement over all its executions, so that the
        # first tick says nothing of this one. And a statement that is interrupted while its
        # rows are read, sqlite3 prepares anew at each execution from then on.
        ticked, self._ticked = self._ticked, True
        return ticked


class DatabaseFile:
    """An open file; every method may be called from any thread."""

    def __init__(self, path: Path, *, full_sync: bool, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        self.right = Right()
        self._full_sync = full_sync
        self._idle: list[Lent] = []
        self._closed = False
        self._create()

    def lend(self) -> Lent:
        """A connection; give it back with `take_back`."""
        if self._closed:
            raise Unavailable(f"the database {self.path} is closed")
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise _of_code(error, self.path) from error

    def take_back(self, lent: Lent) -> None:
        """The connection may be lent again, unless a transaction is still open."""
        if self._closed or lent.raw.in_transaction or len(self._idle) >= IDLE:
            lent.raw.close()
        else:
            self._idle.append(lent)

    async def patiently(self, attempt: Callable[[], T], *, write: bool) -> T:
        """Run `attempt` in a thread, again while another process writes.

        `write`: with the right to write, which `attempt` then has. Raises
        Unavailable after PATIENCE seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        pause = 0.001
        while True:
            if write:
                try:
                    await self.right.wait(deadline - loop.time())
                except TimeoutError as error:
                    raise self.locked() from error
            try:
                return await loop.run_in_executor(_threads(), attempt)
            except Busy:
                if loop.time() > deadline:
                    raise self.locked() from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.02)

    def locked(self) -> Unavailable:
        """The error for who waited in vain."""
        return Unavailable(
            f"the database {self.path} stayed locked for {PATIENCE:g} s",
            hint="look for transactions that stay open, also of other processes",
        )

    def explained(self, error: BaseException, lent: Lent) -> BaseException:
        """What sqlite3 raised, as an error of ours; others as they are."""
        if isinstance(error, sqlite3.ProgrammingError | OverflowError | UnicodeEncodeError):
            return StatementError(_words(error), kind="invalid")
        if not isinstance(error, sqlite3.Error):
            return error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            if lent.in_place:
                return TooLong()
            return TimedOut(
                f"a statement on {self.path} took longer than {self.timeout:g} s",
                hint="raise `timeout` in the configuration of the database",
            )
        if self._closed:
            return Unavailable(f"the database {self.path} is closed")
        return _of_code(error, self.path)

    def close(self) -> None:
        """Close every idle connection; those lent are closed when given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().raw.close()
        self._anchor.close()

    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would create it readable for everybody.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise Unavailable(
                f"the database {self.path} can't be opened: {error.strerror}",
                hint="check `path` and who may write there",
            ) from error
        register()
        # The last connection that closes takes the log back into the file, and whoever
        # opens one at that moment finds it locked: so one stays open.
        try:
            self._anchor = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._anchor.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.Error as error:
            raise _of_code(error, self.path) from error

    def _connect(self) -> Lent:
        raw = sqlite3.connect(
            self.path,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        sync = "FULL" if self._full_sync else "NORMAL"
        try:
            raw.execute(f"PRAGMA synchronous = {sync}")
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA trusted_schema = OFF")
        except BaseException:
            raw.close()
            raise
        raw.set_authorizer(_authorize)
        return Lent(raw)


def _authorize(
    action: int, first: str | None, second: str | None, database: str | None, inner: str | None
) -> int:
    """The answer to what a statement is about to do (sqlite.org, "Authorizer Action Codes")."""
    del database, inner
    if action == sqlite3.SQLITE_ATTACH:
        # VACUUM attaches a file of its own whose name is empty. Of a name that is no
        # literal, a parameter say, the authorizer is told nothing: that may be any file.
        return sqlite3.SQLITE_OK if first == "" else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA:
        name = (first or "").lower()
        # A value would stay with the connection, which others get.
        if name not in PRAGMAS or (name == "foreign_keys" and second is not None):
            return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _of_code(error: sqlite3.Error, path: Path) -> BaseException:
    words, code = _words(error), getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = str(getattr(error, "sqlite_errorname", ""))
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy()
        case sqlite3.SQLITE_CONSTRAINT:
            return StatementError(words, kind="constraint", code=name)
        case sqlite3.SQLITE_FULL:
            return Exhausted(f"the database {path} is full: {words}")
        case (
            sqlite3.SQLITE_READONLY
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_CORRUPT
            | sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_NOTADB
        ):
            return Unavailable(
                f"the database {path} can't be used: {words}",
                hint="check that the file is SQLite's and writable, and that the disk has room",
            )
        case sqlite3.SQLITE_AUTH:
            return StatementError(
                "this statement is not permitted: it reaches beyond the database", kind="invalid"
            )
        case _:
            return StatementError(words, kind="invalid", code=name)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


_OPEN: dict[tuple[Path, bool, float], tuple[DatabaseFile, int]] = {}
_OPENING = threading.Lock()


def open_file(path: Path, *, full_sync: bool, timeout: float) -> DatabaseFile:
    """The one open file for `path`; every opening wants a `close_file`."""
    key = (path.resolve(), full_sync, timeout)
    with _OPENING:
        file, users = _OPEN.get(key, (None, 0))
        if file is None:
            try:
                file = DatabaseFile(key[0], full_sync=full_sync, timeout=timeout)
            except Busy as error:
                raise Unavailable(f"the database {path} is locked by another process") from error
        _OPEN[key] = (file, users + 1)
        return file


def close_file(file: DatabaseFile) -> None:
    """Give up one use; the last one closes the file."""
    with _OPENING:
        for key, (known, users) in _OPEN.items():
            if known is file:
                if users > 1:
                    _OPEN[key] = (known, users - 1)
                    return
                del _OPEN[key]
                break
    file.close()
