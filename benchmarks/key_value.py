"""What a call to a key-value provider costs beside its client library doing the same.

Both in this process, in turns, on a server of their own. The provider is measured as
the host hands it out, behind what can move it to another.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from paddock.capabilities.key_value import KeyValueStore
from paddock.host.live.key_value import LiveKeyValue
from paddock.providers.registry import find
from paddock.types import resolve

VALUE = b"v" * 100
CALLS = 2000
ROUNDS = 7

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Client:
    """A client library's own `get` and `set`; it is closed by whoever made it."""

    name: str
    get: Call
    set: Call


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for each call: on the clock, and of this process's CPU."""

    wall: float
    cpu: float


def measure(bench: Bench) -> list[Section]:
    """Redis, NATS, Postgres; then what the way through a live store adds."""
    others = Others()
    rows = asyncio.run(_all(bench.directory))
    conditions = (
        f"{CALLS} calls, 100-byte values, median of {ROUNDS} rounds in turns; "
        "server, provider and client share the machine"
    )
    own = Section("Moving a store: what it costs all the time", "in place", _live())
    return [Section("Key-value providers", conditions, rows, others.share()), own]


async def _all(directory: Path) -> list[Row]:
    rows: list[Row] = []
    clients = {"redis": _redis, "nats": _nats, "postgres": _postgres}
    kinds = {"redis": RedisServer, "nats": NatsServer, "postgres": PostgresServer}
    for name, make in clients.items():
        with kinds[name]() as server:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(make(server.url))
                store = await _store(name, {"url": server.url}, directory)
                stack.push_async_callback(resolve, store.close())
                await resolve(store.set("key", VALUE))
                await client.set()
                rows += await _compared(name, store, client)
    return rows


async def _store(name: str, options: Mapping[str, object], directory: Path) -> KeyValueStore:
    provider = find("key_value", name)
    opening = provider.open(
        provider.Config.from_table(options), application="bench", name="store", state_dir=directory
    )
    return LiveKeyValue(await resolve(cast("Any", opening)))


async def _compared(name: str, store: KeyValueStore, client: Client) -> list[Row]:
    async def get() -> object:
        return await resolve(store.get("key"))

    async def put() -> object:
        return await resolve(store.set("key", VALUE))

    rows: list[Row] = []
    for what, ours, theirs in (("get", get, client.get), ("set", put, client.set)):
        for together in (1, 64):
            mine, raw = await _in_turns(ours, theirs, together)
            rows.append(
                Row(
                    f"{name} {what}, {together} under way", mine.wall, "µs",
                    beside=client.name, beside_value=raw.wall, goal=1.5, bound="at most",
                    note=f"CPU {mine.cpu:.0f} µs, {client.name} {raw.cpu:.0f} µs",
                )
            )  # fmt: skip
            if together == 64:
                rows.append(
                    Row(
                        f"{name} {what}, CPU beyond {client.name}, 64 under way",
                        mine.cpu - raw.cpu, "µs", goal=25, judged="value", bound="at most",
                    )
                )  # fmt: skip
    return rows


async def _in_turns(ours: Call, theirs: Call, together: int) -> tuple[Cost, Cost]:
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for _ in range(ROUNDS):
        for call, kept in ((ours, costs[0]), (theirs, costs[1])):
            kept.append(await _cost(call, together))
    mine, raw = (
        Cost(
            statistics.median(each.wall for each in kept),
            statistics.median(each.cpu for each in kept),
        )
        for kept in costs
    )
    return mine, raw


async def _cost(call: Call, together: int) -> Cost:
    async def several() -> None:
        for _ in range(CALLS // together):
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(several() for _ in range(together)))
    scale = 1e6 / (CALLS // together * together)
    return Cost((time.perf_counter() - wall) * scale, (time.process_time() - cpu) * scale)


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Client]:
    import redis.asyncio

    client: Any = redis.asyncio.Redis.from_url(url)
    try:
        yield Client("redis-py", lambda: client.get("k"), lambda: client.set("k", VALUE))
    finally:
        await client.aclose()


@asynccontextmanager
async def _nats(url: str) -> AsyncIterator[Client]:
    import nats

    connection = await nats.connect(url)
    bucket: Any = await connection.jetstream().create_key_value(bucket="raw", direct=True)
    try:
        yield Client("nats-py", lambda: bucket.get("k"), lambda: bucket.put("k", VALUE))
    finally:
        await connection.close()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Client]:
    import asyncpg  # type: ignore[import-untyped]

    pool: Any = await asyncpg.create_pool(url, min_size=1, max_size=10)
    await pool.execute("CREATE TABLE raw (key text PRIMARY KEY, value bytea)")
    put = "INSERT INTO raw VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    try:
        yield Client(
            "asyncpg",
            lambda: pool.fetchval("SELECT value FROM raw WHERE key = $1", "k"),
            lambda: pool.execute(put, "k", VALUE),
        )
    finally:
        await pool.close()


def _live() -> list[Row]:
    """Beside the memory store itself, which does next to nothing."""
    import timeit

    from paddock.providers.key_value.memory import MemoryStore

    plain = MemoryStore()
    live = LiveKeyValue(plain)
    plain.set("key", VALUE)
    rows: list[Row] = []
    for what, goal in (("get", 0.15), ("set", 0.5)):
        arguments = ("key",) if what == "get" else ("key", VALUE)
        best = [
            min(
                timeit.repeat(
                    "call(*arguments)",
                    globals={"call": getattr(store, what), "arguments": arguments},
                    number=100_000,
                    repeat=15,
                )
            )
            * 10
            for store in (plain, live)
        ]
        added = best[1] - best[0]
        rows.append(
            Row(
                f"a {what} through it adds", added, "µs",
                goal=goal, judged="value", bound="at most",
            )
        )  # fmt: skip
    return rows
