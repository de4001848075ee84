"""Sessions on a pooled server: a connection only while one is needed."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

from paddock.capabilities.sql import BATCH, Dialect, Outcome, Row, Rows, Table
from paddock.capabilities.sql_portable import native
from paddock.capabilities.sql_values import Value
from paddock.errors import CapabilityError, StatementError, Unavailable
from paddock.providers.connections.pool import Pool, Stale
from paddock.providers.sql.rows import Connection, Cursor, ServerRows, TableRows
from paddock.providers.sql.statements import ends_transaction, leaves_state
from paddock.types import Reply

LOST = "the connection broke, and the transaction was undone with it"


C = TypeVar("C", bound=Connection)
T = TypeVar("T")


class ServerSession(ABC, Generic[C]):
    """The contract is `paddock.capabilities.sql.Session`."""

    dialect: Dialect

    def __init__(self, pool: Pool[C], database: object = None) -> None:
        self.pool = pool
        #: Whoever closes databases that are not in use sees by it that this one is.
        self._database = database
        self._lock = asyncio.Lock()
        self._held: C | None = None
        #: The session differs from a fresh one, so it keeps its connection.
        self._changed = False
        #: Whether a transaction was open after the last statement, and whether it broke off.
        self._open = False
        self._lost = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- what each product does

    @abstractmethod
    async def _fetched(self, connection: C, sql: str, params: Sequence[Value]) -> Table:
        """All rows of one statement."""

    @abstractmethod
    async def _executed(self, connection: C, sql: str, params: Sequence[Value]) -> Outcome:
        """What one statement did."""

    @abstractmethod
    async def _script(self, connection: C, sql: str) -> str:
        """Run several statements; the status of the last."""

    @abstractmethod
    async def _cursor(
        self, connection: C, sql: str, params: Sequence[Value], *, alone: bool
    ) -> Cursor:
        """Begin a query; `alone` on a connection of its own, outside a transaction."""

    # -- the contract

    async def fetch(self, sql: str, params: Sequence[Value] = (), /) -> Table:
        """See the contract."""
        sql, params = native(sql, params, self.dialect)
        return await self._call(sql, lambda connection: self._fetched(connection, sql, params))

    async def execute(self, sql: str, params: Sequence[Value] = (), /) -> Outcome:
        """See the contract."""
        sql, params = native(sql, params, self.dialect)
        return await self._call(sql, lambda connection: self._executed(connection, sql, params))

    async def script(self, sql: str, /) -> None:
        """See the contract."""
        await self._call(sql, lambda connection: self._script(connection, sql))

    async def _call(self, sql: str, work: Callable[[C], Awaitable[T]]) -> T:
        async with self._lock:
            self._check(sql)
            while True:
                held = self._held
                connection = held or self.pool.take() or await self.pool.acquire()
                try:
                    return await work(connection)
                except Stale:
                    # Many idle ones may have died together; a new one is none of them.
                    connection.tainted = True
                    if held is not None:
                        raise
                finally:
                    self._after(connection, sql)

    async def query(self, sql: str, params: Sequence[Value] = (), /) -> Rows:
        """See the contract."""
        sql, params = native(sql, params, self.dialect)
        async with self._lock:
            self._check(sql)
            connection = self._held
            if connection is not None:
                try:
                    if not connection.in_transaction:
                        return TableRows(await self._fetched(connection, sql, params))
                    cursor = await self._cursor(connection, sql, params, alone=False)
                    first = await cursor.fetch(BATCH)
                finally:
                    self._after(connection, sql)
                return ServerRows(self, cursor, first, None)
        return await self._streamed(sql, params)

    async def _streamed(self, sql: str, params: Sequence[Value]) -> Rows:
        while True:
            connection = self.pool.take() or await self.pool.acquire()
            try:
                cursor = await self._cursor(connection, sql, params, alone=True)
                first = await cursor.fetch(BATCH)
            except BaseException as error:
                # Whatever was begun on it is undone by the server.
                if not isinstance(error, StatementError) or connection.in_transaction:
                    connection.tainted = True
                self.pool.release(connection)
                if not isinstance(error, Stale):
                    raise
            else:
                rows = ServerRows(self, cursor, first, connection)
                if cursor.ended:
                    await rows.finish()
                return rows

    async def begin(self) -> None:
        """See the contract."""
        if self.in_transaction:
            raise StatementError("a transaction is open already", kind="invalid")
        await self.script("BEGIN")

    async def commit(self) -> None:
        """See the contract."""
        async with self._lock:
            self._check("COMMIT")
            connection = self._held
            if connection is None or not connection.in_transaction:
                raise StatementError("no transaction is open", kind="invalid")
            try:
                if await self._script(connection, "COMMIT") == "ROLLBACK":
                    raise StatementError(
                        "a statement of the transaction had failed, so it was undone",
                        kind="conflict",
                    )
            finally:
                self._after(connection, "COMMIT")

    async def rollback(self) -> None:
        """See the contract."""
        async with self._lock:
            self._lost = False
            connection = self._held
            if connection is None or not connection.in_transaction:
                return
            try:
                await self._script(connection, "ROLLBACK")
            except Unavailable:
                # It is undone by the server, which sees that nobody is there.
                self._lost = False
            finally:
                self._after(connection, "ROLLBACK")
                self._lost = False

    @property
    def in_transaction(self) -> bool:
        """See the contract."""
        return self._lost or (self._held is not None and self._held.in_transaction)

    def close(self) -> Reply[None]:
        """See the contract."""
        return self._close() if self._held is not None or self._lost else None

    async def _close(self) -> None:
        try:
            await self.rollback()
        except CapabilityError:
            if self._held is not None:
                self._held.tainted = True
        connection, self._held = self._held, None
        if connection is not None:
            connection.tainted |= self._changed
            self.pool.release(connection)

    def __del__(self) -> None:
        # A guest that ended without dropping its resource; this may be any thread.
        connection, loop = self._held, self._loop
        if connection is not None and loop is not None and not loop.is_closed():
            connection.tainted = True
            loop.call_soon_threadsafe(self.pool.release, connection)

    # -- the connection

    def give_back(self, connection: Connection) -> None:
        """See `rows.Owner`."""
        self.pool.release(cast("C", connection))

    async def locked_fetch(self, cursor: Cursor, most: int) -> Sequence[Row]:
        """The next rows of a cursor in the session's transaction."""
        async with self._lock:
            if self._held is None:
                raise StatementError("the transaction of these rows has ended", kind="invalid")
            connection = self._held
            try:
                return await cursor.fetch(most)
            finally:
                self._after(connection, "")

    async def locked_finish(self, cursor: Cursor) -> None:
        """End a cursor in the session's transaction."""
        async with self._lock:
            if self._held is not None:
                try:
                    await cursor.finish()
                finally:
                    self._after(self._held, "")

    def _check(self, sql: str) -> None:
        """Refuse to go on in a transaction that is gone, or to commit it."""
        if not self._lost:
            return
        word = ends_transaction(sql)
        if word is not None:
            self._lost = False
        if word not in ("ROLLBACK", "ABORT"):
            raise StatementError(LOST, kind="conflict")

    def _after(self, connection: C, sql: str) -> None:
        """Keep the connection while there is a reason, else give it back."""
        if not connection.alive:
            self._lost |= self._open
            self._held, self._changed, self._open = None, False, False
            self.pool.release(connection)
            return
        if sql and leaves_state(sql):
            self._changed = True
        self._open = connection.in_transaction
        if self._changed or self._open:
            if self._held is None:
                self._loop = asyncio.get_running_loop()
                self._held = connection
        else:
            self._held = None
            self.pool.release(connection)
