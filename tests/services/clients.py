"""The usual Python clients, as little of each as keeping and reading a value takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer


@dataclass(frozen=True)
class Client:
    """`keep` returns when the server has acknowledged `value`; `kept` reads it, or answers None."""

    keep: Callable[[Any, str, bytes], Awaitable[None]]
    kept: Callable[[Any, str], Awaitable[bytes | None]]


@asynccontextmanager
async def redis(server: RedisServer):
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(server.url, socket_timeout=5)
    try:
        yield client
    finally:
        await client.aclose()


async def redis_keep(server: RedisServer, key: str, value: bytes) -> None:
    async with redis(server) as client:
        await client.set(key, value)


async def redis_kept(server: RedisServer, key: str) -> bytes | None:
    async with redis(server) as client:
        return await client.get(key)


@asynccontextmanager
async def nats_bucket(server: NatsServer):
    import nats

    # Without reconnecting it tries the first connection sixty times, two seconds apart.
    client = await nats.connect(server.url, max_reconnect_attempts=1, reconnect_time_wait=0.05)
    try:
        yield await client.jetstream(timeout=5).create_key_value(bucket="tests")
    finally:
        await client.close()


async def nats_keep(server: NatsServer, key: str, value: bytes) -> None:
    async with nats_bucket(server) as bucket:
        await bucket.put(key, value)


async def nats_kept(server: NatsServer, key: str) -> bytes | None:
    from nats.js.errors import KeyNotFoundError

    async with nats_bucket(server) as bucket:
        try:
            return (await bucket.get(key)).value
        except KeyNotFoundError:
            return None


@asynccontextmanager
async def postgres(server: PostgresServer):
    import asyncpg

    connection = await asyncpg.connect(server.url, timeout=5, command_timeout=5)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY, value bytea)"
        )
        yield connection
    finally:
        connection.terminate()


async def postgres_keep(server: PostgresServer, key: str, value: bytes) -> None:
    async with postgres(server) as connection:
        await connection.execute("INSERT INTO kept VALUES ($1, $2)", key, value)


async def postgres_kept(server: PostgresServer, key: str) -> bytes | None:
    async with postgres(server) as connection:
        return await connection.fetchval("SELECT value FROM kept WHERE key = $1", key)


CLIENTS = {
    "redis": Client(redis_keep, redis_kept),
    "nats": Client(nats_keep, nats_kept),
    "postgres": Client(postgres_keep, postgres_kept),
}
