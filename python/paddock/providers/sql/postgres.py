"""SQL on a PostgreSQL server.

One round trip for a statement that was prepared before on the same connection; a
result that is fetched piece by piece runs in a transaction, as the server's
cursors do, and so needs two more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from paddock.capabilities.sql import Column, Dialect, Outcome, Row, Table
from paddock.capabilities.sql_values import Value
from paddock.errors import StatementError, Unavailable
from paddock.providers.connections.database_target import DatabaseTarget, target_from, target_of
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.postgres import (
    POOLS,
    PostgresConnection,
    PostgresPool,
    Prepared,
    affected,
    postgres_pool,
)
from paddock.providers.connections.postgres_raw import RawCursor, RawStatement, Record
from paddock.providers.options import Options
from paddock.providers.sql.postgres_parameters import writer
from paddock.providers.sql.postgres_values import kind_of, reader
from paddock.providers.sql.rows import Cursor
from paddock.providers.sql.session import ServerSession

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PostgresConfig:
    """Where the server is; see `connections.database_target`."""

    target: DatabaseTarget

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> PostgresConfig:
        """Read a `[sql_database.X]` table."""
        table = Options(options, "a Postgres database", base)
        target = target_from("Postgres", table, base)
        table.done()
        return cls(target)


@dataclass(slots=True)
class Plan:
    """How the parameters of one statement are written and its columns read."""

    columns: tuple[Column, ...]
    readers: list[tuple[int, Convert]]
    writers: list[Convert]

    @classmethod
    def of(cls, statement: RawStatement) -> Plan:
        """Work it out."""
        columns = tuple(
            Column(each.name, kind_of(each.type.name), each.type.name)
            for each in statement.get_attributes()
        )
        readers = [
            (index, read)
            for index, column in enumerate(columns)
            if (read := reader(column.native)) is not None
        ]
        return cls(columns, readers, [writer(each.name) for each in statement.get_parameters()])

    def rows(self, records: Sequence[Record]) -> Sequence[Row]:
        """Records of asyncpg as rows."""
        if not self.readers:
            return cast("Sequence[Row]", [tuple(record) for record in records])
        return [self._row(record) for record in records]

    def _row(self, record: Record) -> Row:
        values = list(record)
        for index, read in self.readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return cast("Row", tuple(values))

    def arguments(self, params: Sequence[Value]) -> list[object]:
        """Parameters as asyncpg wants them; StatementError."""
        if len(params) != len(self.writers):
            raise StatementError(
                f"the statement has {len(self.writers)} parameters, {len(params)} were given",
                kind="invalid",
            )
        return [write(value) for write, value in zip(self.writers, params, strict=True)]


def _plan(prepared: Prepared) -> Plan:
    if prepared.plan is None:
        prepared.plan = Plan.of(prepared.raw)
    return cast("Plan", prepared.plan)


class PostgresSession(ServerSession[PostgresConnection]):
    """The contract is `paddock.capabilities.sql.Session`."""

    dialect: Dialect = "postgres"

    async def _fetched(
        self, connection: PostgresConnection, sql: str, params: Sequence[Value]
    ) -> Table:
        prepared, records = await connection.run(
            sql, lambda prepared: _plan(prepared).arguments(params)
        )
        plan = _plan(prepared)
        return Table(plan.columns, plan.rows(records))

    async def _executed(
        self, connection: PostgresConnection, sql: str, params: Sequence[Value]
    ) -> Outcome:
        prepared, _ = await connection.run(sql, lambda prepared: _plan(prepared).arguments(params))
        return Outcome(affected(prepared.raw.get_statusmsg()))

    async def _script(self, connection: PostgresConnection, sql: str) -> str:
        return await connection.script(sql)

    async def _cursor(
        self, connection: PostgresConnection, sql: str, params: Sequence[Value], *, alone: bool
    ) -> Cursor:
        if alone:
            await connection.script("BEGIN")
        prepared, cursor = await connection.cursor(
            sql, lambda prepared: _plan(prepared).arguments(params)
        )
        return _Cursor(connection, cursor, _plan(prepared), alone)


class _Cursor(Cursor):
    def __init__(
        self, connection: PostgresConnection, raw: RawCursor, plan: Plan, alone: bool
    ) -> None:
        self.columns = plan.columns
        self.ended = False
        self._connection = connection
        self._raw = raw
        self._plan = plan
        self._alone = alone

    async def fetch(self, most: int) -> Sequence[Row]:
        records = await self._connection.more(self._raw, most)
        self.ended = len(records) < most
        return self._plan.rows(records)

    async def finish(self) -> None:
        # What the statement did, stays; the cursor of a transaction ends with it.
        if self._alone:
            await self._connection.script("COMMIT")


class PostgresDatabase:
    """The contract is `paddock.capabilities.sql.SqlDatabase`."""

    dialect: Dialect = "postgres"

    def __init__(self, target: DatabaseTarget) -> None:
        self._target = target
        self._pool: PostgresPool | None = None
        self._closed = False

    def session(self) -> PostgresSession:
        """See the contract."""
        return PostgresSession(self.pool(), self)

    def pool(self) -> PostgresPool:
        """The connections; made at first use, since a guest's thread has no event loop."""
        if self._closed:
            raise Unavailable(f"{self._target} is closed")
        if self._pool is None:
            self._pool = postgres_pool(self._target)
        return self._pool

    async def share(self) -> None:
        """Use the connections of others with the same target."""
        self._pool = POOLS.take(self._target, lambda: postgres_pool(self._target))
        self._pool.probe()

    @property
    def busy(self) -> bool:
        """Whether a statement or transaction is under way."""
        return self._pool is not None and self._pool.busy

    async def close(self) -> None:
        """See the contract."""
        pool, self._pool, self._closed = self._pool, None, True
        if pool is not None:
            await POOLS.give(self._target, pool)


class PostgresSql:
    """`type = "postgres"`."""

    Config = PostgresConfig

    @staticmethod
    async def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> PostgresDatabase:
        """Open the database; the server may be away."""
        del name, state_dir
        if not isinstance(config, PostgresConfig):
            raise TypeError(f"wanted PostgresConfig, got {type(config).__name__}")
        database = PostgresDatabase(config.target.owned(application))
        await database.share()
        return database

    @staticmethod
    def open_address(url: str, *, allowed: Allowed) -> PostgresDatabase:
        """A client for an address of a guest's."""
        return PostgresDatabase(target_of("Postgres", url, allowed))
