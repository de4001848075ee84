"""Connections to a MySQL or MariaDB server through `asyncmy`, pooled.

As `postgres`: one user at a time, and a call that takes longer than the timeout
costs its connection. Statements are prepared at the server, so a value never
becomes part of a statement's text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from paddock.errors import AccessDenied, CapabilityError, StatementError, Unavailable
from paddock.providers.connections.database_connection import DatabaseConnection
from paddock.providers.connections.database_target import DatabaseTarget
from paddock.providers.connections.dial import addresses
from paddock.providers.connections.mysql_errors import GONE, UNPREPARABLE, code_of, explained
from paddock.providers.connections.mysql_raw import (
    RESET_CONNECTION,
    Cursor,
    RawConnection,
    RawResult,
    RawStatement,
)
from paddock.providers.connections.pool import Pool
from paddock.providers.connections.postgres_errors import reason
from paddock.providers.connections.shared import Shared

#: Prepared statements kept for each connection.
STATEMENTS = 100


class MysqlConnection(DatabaseConnection):
    """One connection; belongs to one user at a time."""

    __slots__ = ("_statements", "raw")

    def __init__(self, raw: RawConnection, target: DatabaseTarget) -> None:
        super().__init__(target)
        self.raw = raw
        self._statements: dict[str, RawStatement] = {}

    @property
    def usable(self) -> bool:
        """False when it is closed, tainted or in a transaction."""
        raw = self.raw
        return not (self.tainted or raw._stream_broken or raw.get_transaction_status())

    @property
    def alive(self) -> bool:
        """Whether it is connected and in a known state."""
        return not (self.tainted or self.raw._stream_broken)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return not self.raw._stream_broken and self.raw.get_transaction_status()

    async def prepare(self, sql: str) -> RawStatement:
        """The statement, from this connection's cache or new; within a `call`."""
        statement = self._statements.pop(sql, None)
        if statement is None:
            statement = await self.raw.prepare(sql)
            while len(self._statements) >= STATEMENTS:
                await self._statements.pop(next(iter(self._statements))).close()
        self._statements[sql] = statement
        return statement

    async def run(self, sql: str, arguments: Sequence[object] = ()) -> RawResult:
        """One statement, with all rows that it answers. Raises CapabilityError's tree."""
        with self.call():
            try:
                statement = await self.prepare(sql)
            except Exception as error:
                if arguments or code_of(error) != UNPREPARABLE:
                    raise
                return await self._plainly(sql)
            self._count(statement, arguments)
            return await statement.execute(arguments)

    async def script(self, sql: str) -> None:
        """Any number of statements, without arguments."""
        with self.call():
            await self._plainly(sql)

    async def cursor(self, sql: str, arguments: Sequence[object]) -> Cursor:
        """Execute a statement whose rows are then fetched piece by piece."""
        with self.call():
            # A statement has one cursor at a time, so a stream has its own statement.
            statement = await self.raw.prepare(sql)
            self._count(statement, arguments)
            cursor = Cursor(self.raw, statement)
            await cursor.open(arguments)
            return cursor

    async def finish(self, cursor: Cursor) -> None:
        """Close a cursor."""
        try:
            await cursor.close()
        except Exception as error:
            raise self.explained(error) from error

    async def fetch(self, cursor: Cursor, count: int) -> list[Sequence[object]]:
        """The next rows of a cursor."""
        with self.call():
            return await cursor.fetch(count)

    async def _plainly(self, sql: str) -> RawResult:
        await self.raw.query(sql)
        while True:
            result = self.raw._result
            assert result is not None
            if not result.has_next:
                return result
            await self.raw.next_result()

    def _count(self, statement: RawStatement, arguments: Sequence[object]) -> None:
        if statement.parameter_count != len(arguments):
            raise StatementError(
                f"the statement has {statement.parameter_count} parameters, "
                f"{len(arguments)} were given",
                kind="invalid",
            )

    def translated(self, error: Exception) -> Exception:
        """What asyncmy raised, as an error of ours."""
        found = explained(error, self._target)
        if not isinstance(found, StatementError):
            self.tainted = True
        return found

    async def reset(self) -> None:
        """Forget all that the session holds: variables, temporary tables, locks."""
        with self.call():
            await self.raw._execute_command(RESET_CONNECTION, b"")
            await self.raw.read_packet()
            self._statements.clear()

    def discard(self) -> None:
        """Break it off."""
        transport = self.raw._transport
        if transport is not None:
            transport.abort()
        self.raw.close()

    async def goodbye(self) -> None:
        """See the base."""
        await self.raw.ensure_closed()


class MysqlConnector:
    """Connects to one target and runs `begin` in each new session."""

    def __init__(self, target: DatabaseTarget, begin: str | None = None) -> None:
        self._target = target
        self._begin = begin
        self._plain = False

    def __str__(self) -> str:
        return str(self._target)

    async def connect(self) -> MysqlConnection:
        """A new connection, within the timeout; see `pool.Connector`."""
        target = self._target
        try:
            async with asyncio.timeout(target.timeout):
                return MysqlConnection(await self._connected(), target)
        except (CapabilityError, asyncio.CancelledError):
            raise
        except Exception as error:
            found = explained(error, target)
            if isinstance(found, StatementError):
                raise CapabilityError(
                    f"{target}: {found.message}", hint="check the configuration"
                ) from error
            if isinstance(found, CapabilityError):
                raise found from error
            raise Unavailable(f"{target} can't be reached: {reason(error)}") from error

    async def _connected(self) -> RawConnection:
        failure: Exception | None = None
        target = self._target
        for address in await addresses(target.host, target.port, target.allowed):
            try:
                return await self._connect(address)
            except Exception as error:
                if code_of(error) not in GONE:
                    raise
                failure = error
        raise failure or AccessDenied(f"{target} has no address")

    async def _connect(self, address: str) -> RawConnection:
        target = self._target
        context = None if self._plain else target.context()
        if context is None or target.tls not in ("allow", "prefer"):
            return await self._attempt(address, context)
        try:
            return await self._attempt(address, context)
        except Exception as error:
            # A server without TLS breaks off; one that answers has another reason.
            if code_of(error) not in GONE or isinstance(error.__cause__, ConnectionRefusedError):
                raise
        raw = await self._attempt(address, None)
        self._plain = True
        return raw

    async def _attempt(self, address: str, context: object) -> RawConnection:
        from asyncmy.connection import Connection
        from asyncmy.constants.CLIENT import FOUND_ROWS

        target = self._target
        raw: RawConnection = Connection(  # type: ignore[assignment,no-untyped-call]
            host=address,
            port=target.port,
            user=target.user,
            password=target.password.value,
            database=target.database or None,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=target.timeout * 2,
            init_command=self._begin,
            client_flag=FOUND_ROWS,
            program_name="paddock",
            ssl=context,
        )
        await raw.connect()
        return raw


MysqlPool = Pool[MysqlConnection]

#: The pools of this process.
POOLS: Shared[MysqlPool] = Shared()


def mysql_pool(target: DatabaseTarget, begin: str | None = None) -> MysqlPool:
    """A pool of its own; `begin` is a statement for the start of each session."""
    return Pool(MysqlConnector(target, begin), size=target.connections, timeout=target.timeout)
