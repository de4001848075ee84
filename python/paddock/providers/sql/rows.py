"""Rows on their way from a server."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from paddock.capabilities.sql import BATCH, Column, Row, Table
from paddock.providers.connections.pool import Pooled
from paddock.types import Reply


class Connection(Pooled, Protocol):
    """A pooled connection that a session can hold."""

    tainted: bool

    @property
    def alive(self) -> bool:
        """Whether it is connected and in a known state."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...


class Cursor(ABC):
    """Rows that a connection still has to give."""

    columns: tuple[Column, ...]
    ended: bool

    @abstractmethod
    async def fetch(self, most: int) -> Sequence[Row]:
        """The next rows; sets `ended` after the last."""

    @abstractmethod
    async def finish(self) -> None:
        """End the query; the connection may be used for others."""


class Owner(Protocol):
    """The session of rows."""

    def give_back(self, connection: Connection) -> None:
        """The rows need their connection no longer."""
        ...

    async def locked_fetch(self, cursor: Cursor, most: int) -> Sequence[Row]:
        """The next rows of a cursor in the session's transaction."""
        ...

    async def locked_finish(self, cursor: Cursor) -> None:
        """End a cursor in the session's transaction."""
        ...


class TableRows:
    """Rows that are all there already."""

    def __init__(self, table: Table) -> None:
        self.columns = table.columns
        self._rows = table.rows
        self._at = 0

    open = False

    def next(self, most: int = BATCH, /) -> Sequence[Row]:
        """See the contract."""
        page = self._rows[self._at : self._at + most]
        self._at += len(page)
        return page

    def close(self) -> None:
        """See the contract."""
        self._rows = ()


class ServerRows:
    """The contract is `paddock.capabilities.sql.Rows`.

    The first rows are fetched with the statement, so that a short result needs
    its connection no longer. `connection` is its own, None in a transaction.
    """

    def __init__(
        self,
        session: Owner,
        cursor: Cursor,
        first: Sequence[Row],
        connection: Connection | None,
    ) -> None:
        self.columns = cursor.columns
        self._session = session
        self._cursor = cursor
        self._ready = list(first)
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    @property
    def open(self) -> bool:
        """See the contract."""
        return not self._cursor.ended

    async def next(self, most: int = BATCH, /) -> Sequence[Row]:
        """See the contract."""
        if self._ready:
            page, self._ready = self._ready[:most], self._ready[most:]
            return page
        if self._cursor.ended:
            return ()
        if self._connection is None:
            return await self._session.locked_fetch(self._cursor, most)
        try:
            page = list(await self._cursor.fetch(most))
        except BaseException:
            self._drop()
            raise
        if self._cursor.ended:
            await self.finish()
        return page

    def close(self) -> Reply[None]:
        """See the contract."""
        self._ready = []
        if self._connection is not None:
            return self.finish()
        if not self._cursor.ended:
            self._cursor.ended = True
            return self._session.locked_finish(self._cursor)
        return None

    async def finish(self) -> None:
        """End the query and give its connection back."""
        connection = self._connection
        if connection is None:
            return
        try:
            await self._cursor.finish()
        except BaseException:
            connection.tainted = True
            raise
        finally:
            self._connection = None
            self._session.give_back(connection)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._cursor.ended = True
        if connection is not None:
            connection.tainted = True
            self._session.give_back(connection)

    def __del__(self) -> None:
        if self._connection is not None and not self._loop.is_closed():
            self._connection.tainted = True
            self._loop.call_soon_threadsafe(self._session.give_back, self._connection)
