"""Rows of an SQLite query, read as they are asked for."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

from paddock.capabilities.sql import BATCH, Column, Row
from paddock.errors import Unavailable
from paddock.providers.sql.sqlite_file import Busy, DatabaseFile, Lent
from paddock.types import Deferred

_NAME: Callable[[Sequence[str]], str] = itemgetter(0)


class SqliteRows:
    """The contract is `paddock.capabilities.sql.Rows`."""

    def __init__(
        self, file: DatabaseFile, lent: Lent, cursor: sqlite3.Cursor, first: list[Row]
    ) -> None:
        self.columns = columns_of(cursor)
        self._file = file
        self._lent: Lent | None = lent
        self._cursor = cursor
        self._ready = first
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """See the contract."""
        return self._lent is not None

    def next(self, most: int = BATCH, /) -> Sequence[Row] | Deferred[Sequence[Row]]:
        """See the contract."""
        if self._ready:
            page, self._ready = self._ready[:most], self._ready[most:]
            return page
        if self._lent is None:
            return ()
        return Deferred(lambda: self._more(most))

    def _more(self, most: int) -> Sequence[Row]:
        with self._lock:
            lent = self._lent
            if lent is None:
                return ()
            lent.begin(self._file.timeout, in_place=False)
            try:
                rows: list[Row] = self._cursor.fetchmany(most)
            except BaseException as error:
                self._lent = None
                lent.raw.close()
                found = self._file.explained(error, lent)
                if isinstance(found, Busy):
                    raise Unavailable(f"the database {self._file.path} is locked") from error
                raise found from error
            if len(rows) < most:
                self._end()
            return rows

    def close(self) -> None:
        """See the contract."""
        self._ready = []
        with self._lock:
            self._end()

    def _end(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            self._cursor.close()
            self._file.take_back(lent)


def columns_of(cursor: sqlite3.Cursor) -> tuple[Column, ...]:
    """The columns of a result; SQLite knows no types of them."""
    return _named(tuple(map(_NAME, cursor.description or ())))


@lru_cache(maxsize=1024)
def _named(names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(Column(name, "any") for name in names)
