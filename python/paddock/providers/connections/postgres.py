"""Connections to a PostgreSQL server through `asyncpg`, pooled.

    pool = POOLS.take(target, lambda: postgres_pool(target))
    connection = pool.take() or await pool.acquire()
    try:
        rows = await connection.fetch("SELECT 1 + $1::int8", 2)
    finally:
        pool.release(connection)
    await POOLS.give(target, pool)

A call that takes longer than the timeout costs its connection: the server may be
gone or paused, which nothing but time tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paddock.errors import AccessDenied, CapabilityError
from paddock.providers.connections.database_connection import DatabaseConnection
from paddock.providers.connections.database_target import DatabaseTarget
from paddock.providers.connections.dial import addresses
from paddock.providers.connections.pool import Pool
from paddock.providers.connections.postgres_errors import connecting, explained, is_stale
from paddock.providers.connections.postgres_raw import (
    RawConnection,
    RawCursor,
    RawStatement,
    Record,
    rows_of,
)
from paddock.providers.connections.shared import Shared

#: Prepared statements kept for each connection.
STATEMENTS = 200


@dataclass(slots=True)
class Prepared:
    """A prepared statement; `plan` is what its user worked out for it."""

    raw: RawStatement
    plan: object = None


class PostgresConnection(DatabaseConnection):
    """One connection; belongs to one user at a time."""

    __slots__ = ("_number", "_statements", "raw")

    def __init__(self, raw: RawConnection, target: DatabaseTarget) -> None:
        super().__init__(target)
        self.raw = raw
        self._statements: dict[str, Prepared] = {}
        self._number = 0

    @property
    def usable(self) -> bool:
        """False when it is closed, tainted or in a transaction."""
        raw = self.raw
        return not (self.tainted or raw.is_closed() or raw.is_in_transaction())

    @property
    def alive(self) -> bool:
        """Whether it is connected and in a known state."""
        return not (self.tainted or self.raw.is_closed())

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed ones included."""
        return not self.raw.is_closed() and self.raw.is_in_transaction()

    async def prepare(self, sql: str) -> Prepared:
        """The statement, from this connection's cache or new; within a `call`."""
        known = self._statements.pop(sql, None)
        if known is None:
            # Without a name it would be parsed anew at each execution.
            self._number += 1
            known = Prepared(await self.raw.prepare(sql, name=f"paddock_{self._number}"))
            while len(self._statements) >= STATEMENTS:
                del self._statements[next(iter(self._statements))]
        self._statements[sql] = known
        return known

    async def run(
        self, sql: str, bind: Callable[[Prepared], Sequence[object]]
    ) -> tuple[Prepared, list[Record]]:
        """One statement with all rows that it answers; `bind` gives the arguments.

        Raises errors of the CapabilityError tree.
        """
        with self.call():
            try:
                prepared = await self.prepare(sql)
                return prepared, await rows_of(prepared.raw, bind(prepared))
            except Exception as error:
                # A table has other columns than when the statement was prepared.
                if not is_stale(error) or self.in_transaction:
                    raise
            self._statements.clear()
            prepared = await self.prepare(sql)
            return prepared, await rows_of(prepared.raw, bind(prepared))

    async def fetch(self, sql: str, *arguments: object) -> list[Record]:
        """All rows of one statement."""
        return (await self.run(sql, lambda _: arguments))[1]

    async def execute(self, sql: str, *arguments: object) -> int:
        """Rows affected by one statement."""
        prepared, _ = await self.run(sql, lambda _: arguments)
        return affected(prepared.raw.get_statusmsg())

    async def cursor(
        self, sql: str, bind: Callable[[Prepared], Sequence[object]]
    ) -> tuple[Prepared, RawCursor]:
        """Begin a statement whose rows are fetched piece by piece, in a transaction."""
        with self.call():
            prepared = await self.prepare(sql)
            return prepared, await prepared.raw.cursor(*bind(prepared))

    async def more(self, cursor: RawCursor, count: int) -> list[Record]:
        """The next rows of a cursor."""
        with self.call():
            return await cursor.fetch(count)

    async def script(self, sql: str) -> str:
        """Any number of statements, without arguments; the status of the last."""
        with self.call():
            return await self.raw.execute(sql)

    def translated(self, error: Exception) -> Exception:
        """What asyncpg raised, as an error of ours."""
        return explained(error, self._target)

    def discard(self) -> None:
        """Break it off."""
        self.raw.terminate()

    async def goodbye(self) -> None:
        """See the base."""
        await self.raw.close()


def affected(status: str) -> int:
    """The number of rows in a status such as `INSERT 0 5` or `UPDATE 2`; else 0."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


class PostgresConnector:
    """Connects to one target; `prepared` is called with each new connection."""

    def __init__(self, target: DatabaseTarget, settings: dict[str, str] | None = None) -> None:
        self._target = target
        self._settings = settings or {}

    def __str__(self) -> str:
        return str(self._target)

    async def connect(self) -> PostgresConnection:
        """A new connection, within the timeout; see `pool.Connector`."""
        target = self._target
        try:
            async with asyncio.timeout(target.timeout):
                return PostgresConnection(await self._connected(), target)
        except (CapabilityError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise connecting(error, target) from error

    async def _connected(self) -> RawConnection:
        failure: Exception | None = None
        target = self._target
        for address in await addresses(target.host, target.port, target.allowed):
            try:
                return await self._connect(address)
            except OSError as error:
                failure = error
        raise failure or AccessDenied(f"{target} has no address")

    async def _connect(self, address: str) -> RawConnection:
        import asyncpg  # type: ignore[import-untyped]

        target = self._target
        context = target.context()
        optional = context is not None and target.tls in ("allow", "prefer")
        for encrypted in (True, False) if optional else (context is not None,):
            try:
                raw: RawConnection = await asyncpg.connect(
                    host=address,
                    port=target.port,
                    user=target.user,
                    password=target.password.value,
                    database=target.database or target.user,
                    ssl=context if encrypted and context else False,
                    timeout=target.timeout * 2,
                    statement_cache_size=0,
                    server_settings={"application_name": "paddock", **self._settings},
                )
            except (OSError, asyncpg.PostgresError) as error:
                if encrypted and optional and _only_without_tls(error):
                    continue
                raise
            await _codecs(raw)
            return raw
        raise AssertionError("a connection or an error")


def _only_without_tls(error: Exception) -> bool:
    """Whether a server has no TLS; asyncpg says so with a ConnectionError of its own."""
    return isinstance(error, ConnectionError) and "SSL" in str(error)


async def _codecs(raw: RawConnection) -> None:
    """Values that Python's own types can't hold come as numbers: months, infinity, year 0."""
    for name in ("interval", "date", "time", "timestamp", "timestamptz"):
        await raw.set_type_codec(
            name, schema="pg_catalog", format="tuple", encoder=_as_is, decoder=_as_is
        )


def _as_is(value: tuple[int, ...]) -> tuple[int, ...]:
    return value


PostgresPool = Pool[PostgresConnection]

#: The pools of this process.
POOLS: Shared[PostgresPool] = Shared()


def postgres_pool(target: DatabaseTarget) -> PostgresPool:
    """A pool of its own, for `POOLS.take` or for whoever closes it himself."""
    return Pool(PostgresConnector(target), size=target.connections, timeout=target.timeout)
