"""What a statement costs beside the client library doing the same.

Both in this process, in turns, on a server of their own. The provider is measured as
the host hands it out, behind what can move it to another.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from tests.services.mariadb import MariadbServer
from tests.services.postgres import PostgresServer

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from paddock.capabilities.sql import SqlDatabase
from paddock.host.live.sql import LiveSql
from paddock.providers.registry import find
from paddock.types import resolve

CALLS = 500
ROUNDS = 9
MANY = 64

TABLE = "CREATE TABLE bench (id INTEGER PRIMARY KEY, name VARCHAR(100), n INTEGER)"

Call = Callable[[], Awaitable[object]]
#: What is measured → the provider's call and the client's.
Pairs = dict[str, tuple[Call, Call]]


def measure(bench: Bench) -> list[Section]:
    """SQLite, Postgres, MariaDB."""
    others = Others()
    rows = asyncio.run(_all(bench.directory))
    conditions = (
        f"{CALLS} calls of one row by its key, median of {ROUNDS} rounds in turns; {MANY} at once "
        "over 10 connections; server, provider and client share the machine"
    )
    return [Section("SQL providers", conditions, rows, others.share())]


async def _all(directory: Path) -> list[Row]:
    rows: list[Row] = []
    for name, pairs in (("sqlite", _sqlite), ("postgres", _postgres), ("mysql", _mysql)):
        async with AsyncExitStack() as stack:
            for what, (ours, theirs) in (await pairs(stack, directory)).items():
                rows += await _compared(f"{name}: {what}", ours, theirs)
    return rows


async def _compared(what: str, ours: Call, theirs: Call) -> list[Row]:
    mine: list[tuple[float, float]] = []
    raw: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        mine.append(await _timed(ours))
        raw.append(await _timed(theirs))
    wall, cpu = (statistics.median(column) for column in zip(*mine, strict=True))
    raw_wall, raw_cpu = (statistics.median(column) for column in zip(*raw, strict=True))
    row = Row(
        what, wall, "µs", beside="its client", beside_value=raw_wall, goal=1.5, bound="at most",
        note=f"CPU {cpu:.0f} µs, its client {raw_cpu:.0f} µs",
    )  # fmt: skip
    return [row]


async def _timed(call: Call) -> tuple[float, float]:
    """Microseconds for each call."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        await call()
    return (
        (time.perf_counter() - wall) / CALLS * 1e6,
        (time.process_time() - cpu) / CALLS * 1e6,
    )


async def _opened(
    stack: AsyncExitStack, kind: str, options: dict[str, object], directory: Path
) -> LiveSql:
    provider = find("sql", kind)
    config = provider.Config.from_table(options)
    opened: Any = provider.open(config, application="bench", name="default", state_dir=directory)
    database = cast("SqlDatabase", await resolve(opened))
    stack.push_async_callback(_closed, database)
    live = LiveSql(database)
    session = live.session()
    await resolve(session.script(TABLE))
    await resolve(session.script("INSERT INTO bench VALUES (1, 'a name', 0)"))
    return live


async def _closed(database: SqlDatabase) -> None:
    await resolve(database.close())


def _calls(live: LiveSql, mark: str) -> tuple[Call, Call, Call]:
    """A reading, a writing, and many readings at once, each in a session of its own."""
    read = f"SELECT id, name, n FROM bench WHERE id = {mark}"
    write = f"UPDATE bench SET n = n + 1 WHERE id = {mark}"

    async def reading() -> object:
        return await resolve(live.session().fetch(read, (1,)))

    async def writing() -> object:
        return await resolve(live.session().execute(write, (1,)))

    async def many() -> object:
        return await asyncio.gather(*(reading() for _ in range(MANY)))

    return reading, writing, many


async def _sqlite(stack: AsyncExitStack, directory: Path) -> Pairs:
    live = await _opened(stack, "sqlite", {"path": str(directory / "bench.db")}, directory)
    reading, writing, _ = _calls(live, "?")
    raw = sqlite3.connect(directory / "bench.db", isolation_level=None)
    stack.callback(raw.close)
    raw.execute("PRAGMA synchronous = NORMAL")

    async def read() -> object:
        return raw.execute("SELECT id, name, n FROM bench WHERE id = ?", (1,)).fetchall()

    async def write() -> object:
        return raw.execute("UPDATE bench SET n = n + 1 WHERE id = ?", (1,))

    return {"a query": (reading, read), "an update": (writing, write)}


async def _postgres(stack: AsyncExitStack, directory: Path) -> Pairs:
    import asyncpg  # type: ignore[import-untyped]

    server = stack.enter_context(PostgresServer())
    live = await _opened(stack, "postgres", {"url": server.url}, directory)
    reading, writing, many = _calls(live, "$1")
    pool = await stack.enter_async_context(
        asyncpg.create_pool(server.url, min_size=10, max_size=10)
    )

    async def read() -> object:
        async with pool.acquire() as raw:
            return await raw.fetch("SELECT id, name, n FROM bench WHERE id = $1", 1)

    async def write() -> object:
        async with pool.acquire() as raw:
            return await raw.execute("UPDATE bench SET n = n + 1 WHERE id = $1", 1)

    raw = await asyncpg.connect(server.url)
    stack.push_async_callback(raw.close)

    async def bare() -> object:
        return await raw.fetch("SELECT id, name, n FROM bench WHERE id = $1", 1)

    async def raw_many() -> object:
        return await asyncio.gather(*(read() for _ in range(MANY)))

    return {
        "a query": (reading, bare),
        "a query, beside a pool": (reading, read),
        "an update, beside a pool": (writing, write),
        f"{MANY} queries at once": (many, raw_many),
    }


async def _mysql(stack: AsyncExitStack, directory: Path) -> Pairs:
    from asyncmy.pool import create_pool

    server = stack.enter_context(MariadbServer())
    live = await _opened(stack, "mysql", {"url": server.url}, directory)
    reading, writing, many = _calls(live, "?")
    parts = urlsplit(server.url)
    pool = await create_pool(
        minsize=10, maxsize=10, host=parts.hostname, port=parts.port, user=parts.username,
        password=parts.password, database=server.database, autocommit=True,
    )  # fmt: skip
    stack.callback(pool.close)

    async def run(sql: str) -> object:
        async with pool.acquire() as raw, raw.cursor() as cursor:
            await cursor.execute(sql, (1,))
            return await cursor.fetchall()

    async def read() -> object:
        return await run("SELECT id, name, n FROM bench WHERE id = %s")

    async def write() -> object:
        return await run("UPDATE bench SET n = n + 1 WHERE id = %s")

    async def raw_many() -> object:
        return await asyncio.gather(*(read() for _ in range(MANY)))

    return {
        "a query": (reading, read),
        "an update": (writing, write),
        f"{MANY} queries at once": (many, raw_many),
    }
