"""SQL on a MySQL or MariaDB server.

Statements are prepared at the server and results that are fetched piece by piece
are cursors there. A session of a configured database (not of an address that a
guest names) takes `"name"` for a quoted name and `||` for joining texts, as the
other products do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from paddock.capabilities.sql import Column, Dialect, Outcome, Row, Table
from paddock.capabilities.sql_values import Value
from paddock.errors import Unavailable
from paddock.providers.connections import mysql_raw
from paddock.providers.connections.database_target import DatabaseTarget, target_from, target_of
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.mysql import POOLS, MysqlConnection, MysqlPool, mysql_pool
from paddock.providers.options import Options
from paddock.providers.sql.mysql_values import kind_of, parameter, reader
from paddock.providers.sql.rows import Cursor
from paddock.providers.sql.session import ServerSession

#: Time stamps are moments, so that they mean the same wherever the server stands.
UTC = "SET time_zone = '+00:00'"
LAST_ID = re.compile(r"\blast_insert_id\s*\(\s*\)", re.IGNORECASE)
MODES = "ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES"
STANDARD = f"{UTC}, sql_mode = CONCAT(@@sql_mode, ',{MODES}')"


@dataclass(frozen=True, slots=True)
class MysqlConfig:
    """Where the server is; see `connections.database_target`."""

    target: DatabaseTarget

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> MysqlConfig:
        """Read a `[sql_database.X]` table."""
        table = Options(options, "a MySQL database", base)
        target = target_from("MySQL", table, base)
        table.done()
        return cls(target)


class Reading:
    """How the columns of one result are read."""

    def __init__(self, fields: Sequence[mysql_raw.RawField]) -> None:
        self.columns = tuple(Column(field.name, *kind_of(field)) for field in fields)
        self._readers: list[tuple[int, Callable[[Any], Any]]] = [
            (index, read)
            for index, field in enumerate(fields)
            if (read := reader(field)) is not None
        ]

    def rows(self, found: Sequence[mysql_raw.Row]) -> Sequence[Row]:
        """Rows of asyncmy as ours."""
        if not self._readers:
            return cast("Sequence[Row]", found)
        return [self._row(each) for each in found]

    def _row(self, found: mysql_raw.Row) -> Row:
        values = list(found)
        for index, read in self._readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return cast("Row", tuple(values))


class MysqlSession(ServerSession[MysqlConnection]):
    """The contract is `paddock.capabilities.sql.Session`."""

    dialect: Dialect = "mysql"
    _last_id = 0

    async def _fetched(
        self, connection: MysqlConnection, sql: str, params: Sequence[Value]
    ) -> Table:
        result = await self._run(connection, sql, params)
        if result.rows is None:
            return Table((), ())
        reading = Reading(result.fields)
        return Table(reading.columns, reading.rows(result.rows))

    async def _executed(
        self, connection: MysqlConnection, sql: str, params: Sequence[Value]
    ) -> Outcome:
        result = await self._run(connection, sql, params)
        return Outcome(result.affected_rows, result.insert_id or None)

    async def _run(
        self, connection: MysqlConnection, sql: str, params: Sequence[Value]
    ) -> mysql_raw.RawResult:
        values = [parameter(value) for value in params]
        if self._last_id and LAST_ID.search(sql):
            # The insert may have been on another connection.
            await connection.run(f"DO LAST_INSERT_ID({self._last_id})")
        result = await connection.run(sql, values)
        self._last_id = result.insert_id or self._last_id
        return result

    async def _script(self, connection: MysqlConnection, sql: str) -> str:
        await connection.script(sql)
        return ""

    async def _cursor(
        self, connection: MysqlConnection, sql: str, params: Sequence[Value], *, alone: bool
    ) -> Cursor:
        del alone
        cursor = await connection.cursor(sql, [parameter(value) for value in params])
        return _Cursor(connection, cursor)


class _Cursor(Cursor):
    def __init__(self, connection: MysqlConnection, raw: mysql_raw.Cursor) -> None:
        self._reading = Reading(raw.fields)
        self.columns = self._reading.columns
        self.ended = False
        self._connection = connection
        self._raw = raw

    async def fetch(self, most: int) -> Sequence[Row]:
        if self._raw.early:
            found, self._raw.early = self._raw.early[:most], self._raw.early[most:]
        else:
            found = await self._connection.fetch(self._raw, most)
        self.ended = self._raw.ended and not self._raw.early
        return self._reading.rows(found)

    async def finish(self) -> None:
        await self._connection.finish(self._raw)


class MysqlDatabase:
    """The contract is `paddock.capabilities.sql.SqlDatabase`."""

    dialect: Dialect = "mysql"

    def __init__(self, target: DatabaseTarget, begin: str = UTC) -> None:
        self._target = target
        self._begin = begin
        self._pool: MysqlPool | None = None
        self._closed = False

    def session(self) -> MysqlSession:
        """See the contract."""
        return MysqlSession(self.pool(), self)

    def pool(self) -> MysqlPool:
        """The connections; made at first use, since a guest's thread has no event loop."""
        if self._closed:
            raise Unavailable(f"{self._target} is closed")
        if self._pool is None:
            self._pool = mysql_pool(self._target, self._begin)
        return self._pool

    async def share(self) -> None:
        """Use the connections of others with the same target."""
        self._pool = POOLS.take(self._target, lambda: mysql_pool(self._target, self._begin))
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


class MysqlSql:
    """`type = "mysql"`, and `type = "mariadb"`."""

    Config = MysqlConfig

    @staticmethod
    async def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> MysqlDatabase:
        """Open the database; the server may be away."""
        del name, state_dir
        if not isinstance(config, MysqlConfig):
            raise TypeError(f"wanted MysqlConfig, got {type(config).__name__}")
        database = MysqlDatabase(config.target.owned(application), STANDARD)
        await database.share()
        return database

    @staticmethod
    def open_address(url: str, *, allowed: Allowed) -> MysqlDatabase:
        """A client for an address of a guest's."""
        return MysqlDatabase(target_of("MySQL", url, allowed))
