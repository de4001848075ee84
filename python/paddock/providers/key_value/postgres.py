"""A key-value store in a table of a PostgreSQL database.

One table holds all stores, told apart by application and name. Keys are kept as
the bytes of their UTF-8: `text` can't hold a zero byte, and bytes sort by code
points whatever the database's collation is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from paddock.capabilities.key_value import LARGEST, PAGE, SMALLEST, KeyPage, Snapshot
from paddock.errors import CapabilityError, StatementError
from paddock.providers.connections.database_target import DatabaseTarget, target_from
from paddock.providers.connections.postgres import (
    POOLS,
    PostgresConnection,
    PostgresPool,
    postgres_pool,
)
from paddock.providers.options import OptionError, Options

T = TypeVar("T")

#: Keys, and bytes of values after which a batch goes on in another statement.
BATCH = 1000
LARGE = 4 << 20
#: Times that a batch is tried which met another one head-on.
ATTEMPTS = 5

TABLE = "paddock_key_value"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?")

#: SQLSTATE: numeric value out of range; undefined table; what two who create it at once get.
OUT_OF_RANGE = "22003"
NO_TABLE = "42P01"
CREATED_MEANWHILE = ("23505", "42P07", "42710")


@dataclass(frozen=True, slots=True)
class PostgresConfig:
    """A server and database (see `database_target.target_from`), and the table's name."""

    target: DatabaseTarget
    table: str = TABLE

    @property
    def place(self) -> str:
        """Where the data is, whatever the other options are."""
        return f"{self.target.place} {self.table}"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> PostgresConfig:
        """Read a `[key_value_store.X]` table."""
        table = Options(options, "a Postgres key-value store")
        target = target_from("Postgres", table, base)
        name = table.text("table", TABLE) or ""
        table.done()
        if not _NAME.fullmatch(name):
            raise OptionError(
                "table",
                f"a Postgres key-value store can't have the table {name!r}",
                hint="use lower-case letters, digits and _, perhaps after a schema and a dot",
            )
        return cls(target, name)


class PostgresStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`."""

    def __init__(self, pool: PostgresPool, config: PostgresConfig, store: str) -> None:
        self._pool = pool
        self._config = config
        self._store = store
        self._sql = _Statements(config.table)
        self._there = False
        self._closed = False

    async def get(self, key: str, /) -> bytes | None:
        """One statement."""
        rows = await self._fetch(self._sql.get, key.encode())
        return cast("bytes", rows[0][0]) if rows else None

    async def exists(self, key: str, /) -> bool:
        """One statement, which reads no value."""
        return bool(await self._fetch(self._sql.exists, key.encode()))

    async def set(self, key: str, value: bytes, /) -> None:
        """One statement."""
        await self._fetch(self._sql.set, key.encode(), value)

    async def delete(self, key: str, /) -> None:
        """One statement."""
        await self._fetch(self._sql.delete, key.encode())

    async def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """In the order of code points; the cursor is the last key of the page before."""
        # One more than asked tells whether there are more.
        if cursor is None:
            rows = await self._fetch(self._sql.first, limit + 1)
        else:
            rows = await self._fetch(self._sql.after, cursor.encode(), limit + 1)
        names = [cast("bytes", row[0]).decode() for row in rows]
        if len(names) <= limit:
            return KeyPage(names)
        return KeyPage(names[:limit], names[limit - 1])

    async def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
        """One statement for each thousand."""
        found: dict[bytes, bytes] = {}
        wanted = list({key.encode() for key in keys})
        for start in range(0, len(wanted), BATCH):
            rows = await self._fetch(self._sql.get_many, wanted[start : start + BATCH])
            found.update(cast("list[tuple[bytes, bytes]]", [tuple(row) for row in rows]))
        return [(key, found.get(key.encode())) for key in keys]

    async def set_many(self, items: Sequence[tuple[str, bytes]], /) -> None:
        """In parts, each of them whole or not at all."""
        # All who write many go through the keys in one order, so that none waits for each other.
        last = sorted({key.encode(): value for key, value in items}.items())
        part: list[tuple[bytes, bytes]] = []
        size = 0
        for key, value in last:
            part.append((key, value))
            size += len(value)
            if len(part) >= BATCH or size >= LARGE:
                await self._set_part(part)
                part, size = [], 0
        if part:
            await self._set_part(part)

    async def delete_many(self, keys: Sequence[str], /) -> None:
        """In parts, each of them whole or not at all."""
        gone = sorted({key.encode() for key in keys})
        for start in range(0, len(gone), BATCH):
            await self._delete_part(gone[start : start + BATCH])

    async def increment(self, key: str, delta: int, /) -> int:
        """One statement, so atomic for all who use the database."""
        if not SMALLEST <= delta <= LARGEST:
            raise CapabilityError(f"can't increment key {key!r} by more than 64 bits hold")
        try:
            rows = await self._fetch(self._sql.increment, key.encode(), delta)
        except StatementError as error:
            if error.code != OUT_OF_RANGE:
                raise
            raise CapabilityError(
                f"can't increment key {key!r}: the sum needs more than 64 bits"
            ) from error
        if not rows:
            raise CapabilityError(
                f"can't increment key {key!r}: its value is not a 64-bit decimal number",
                hint="delete the key or set it to digits first",
            )
        return int(cast("bytes", rows[0][0]))

    async def snapshot(self, key: str, /) -> Snapshot:
        """The value itself is compared: there is no version."""
        return Snapshot(await self.get(key))

    async def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        """One statement, so atomic for all who use the database."""
        if expected.value is None:
            return bool(await self._fetch(self._sql.add, key.encode(), value))
        return bool(await self._fetch(self._sql.replace, key.encode(), value, expected.value))

    async def close(self) -> None:
        """The connections are closed with the last one that uses them."""
        if not self._closed:
            self._closed = True
            await POOLS.give(self._config.target, self._pool)

    async def _set_part(self, part: Sequence[tuple[bytes, bytes]]) -> None:
        keys, values = [key for key, _ in part], [value for _, value in part]
        await self._again(lambda: self._fetch(self._sql.set_many, keys, values))

    async def _delete_part(self, part: Sequence[bytes]) -> None:
        await self._again(lambda: self._fetch(self._sql.delete_many, part))

    async def _again(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try once more what lost against others; deadlocks end within a second."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await work()
            except StatementError as error:
                if error.kind != "conflict":
                    raise
        return await work()

    async def _fetch(self, sql: str, *arguments: object) -> Sequence[Sequence[object]]:
        pool = self._pool
        connection = pool.take() or await pool.acquire()
        try:
            if not self._there:
                await self._create(connection)
            return await connection.fetch(sql, self._store, *arguments)
        except StatementError as error:
            if error.code == NO_TABLE:
                self._there = False
            raise
        finally:
            pool.release(connection)

    async def _create(self, connection: PostgresConnection) -> None:
        """Make the table; whoever may not, finds it made by somebody else."""
        if not (await connection.fetch(self._sql.there))[0][0]:
            try:
                await connection.script(self._sql.create)
            except StatementError as error:
                if error.code not in CREATED_MEANWHILE:
                    raise
        self._there = True


class _Statements:
    """SQL for one table; $1 is the store. The table's name was checked: it is no input."""

    def __init__(self, table: str) -> None:
        where = f"FROM {table} WHERE store = $1"
        upsert = "ON CONFLICT (store, key) DO UPDATE SET value = excluded.value"
        digits = "encode(t.value, 'escape')"
        self.there = f"SELECT to_regclass('{table}') IS NOT NULL"
        self.create = (
            f'CREATE TABLE IF NOT EXISTS {table} (store text COLLATE "C", key bytea, '
            "value bytea NOT NULL, PRIMARY KEY (store, key))"
        )
        self.get = f"SELECT value {where} AND key = $2"
        self.exists = f"SELECT 1 {where} AND key = $2"
        self.get_many = f"SELECT key, value {where} AND key = ANY($2::bytea[])"
        self.first = f"SELECT key {where} ORDER BY key LIMIT $2"
        self.after = f"SELECT key {where} AND key > $2 ORDER BY key LIMIT $3"
        self.set = f"INSERT INTO {table} VALUES ($1, $2, $3) {upsert}"
        self.set_many = (
            f"INSERT INTO {table} SELECT $1, * FROM unnest($2::bytea[], $3::bytea[]) {upsert}"
        )
        self.delete = f"DELETE {where} AND key = $2"
        self.delete_many = (
            f"WITH gone AS (SELECT key {where} AND key = ANY($2::bytea[]) ORDER BY key "
            f"FOR UPDATE) DELETE {where} AND key IN (SELECT key FROM gone)"
        )
        self.add = f"INSERT INTO {table} VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
        self.replace = (
            f"UPDATE {table} SET value = $3 "
            "WHERE store = $1 AND key = $2 AND value = $4 RETURNING 1"
        )
        # What is no number makes the condition false, so that no row comes back.
        self.increment = (
            f"INSERT INTO {table} AS t VALUES ($1, $2, convert_to($3::bigint::text, 'UTF8')) "
            f"ON CONFLICT (store, key) DO UPDATE SET value = convert_to(({digits}::numeric + "
            f"$3::bigint)::bigint::text, 'UTF8') WHERE {digits} ~ '^-?[0-9]{{1,19}}$' "
            "RETURNING value"
        )


class PostgresKeyValue:
    """`type = "postgres"`."""

    Config = PostgresConfig

    @staticmethod
    def open(
        config: object, *, application: str, name: str, state_dir: Path
    ) -> Coroutine[object, object, PostgresStore]:
        """Open the store; the server may be away. CapabilityError without the library."""
        del state_dir
        if not isinstance(config, PostgresConfig):
            raise TypeError(f"wanted PostgresConfig, got {type(config).__name__}")
        try:
            import asyncpg  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise CapabilityError(
                "the package 'asyncpg' is not installed", hint="pip install 'paddock[postgres]'"
            ) from error
        return _opened(config, f"{_escaped(application)}:{_escaped(name)}")


async def _opened(config: PostgresConfig, store: str) -> PostgresStore:
    pool = POOLS.take(config.target, lambda: postgres_pool(config.target))
    pool.probe()
    return PostgresStore(pool, config, store)


def _escaped(name: str) -> str:
    """Without colons, so that no two stores meet, and zero bytes, which `text` can't hold."""
    return name.replace("%", "%25").replace(":", "%3A").replace("\0", "%00")
