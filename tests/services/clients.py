"""The usual Python clients, as little of each as keeping and reading a value takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.services.kafka import KafkaServer
from tests.services.mariadb import MariadbServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server


@dataclass(frozen=True)
class Client:
    """`keep` returns when the server has acknowledged `value`; `kept` reads it, or answers None."""

    keep: Callable[[Any, str, bytes], Awaitable[None]]
    kept: Callable[[Any, str], Awaitable[bytes | None]]


@asynccontextmanager
async def redis(server: RedisServer) -> AsyncIterator[Any]:
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
        value: bytes | None = await client.get(key)
        return value


@asynccontextmanager
async def nats_bucket(server: NatsServer) -> AsyncIterator[Any]:
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
            value: bytes | None = (await bucket.get(key)).value
        except KeyNotFoundError:
            return None
        return value


@asynccontextmanager
async def postgres(server: PostgresServer) -> AsyncIterator[Any]:
    import asyncpg

    connection = await asyncpg.connect(server.url, timeout=5, command_timeout=5)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS usual_client (key text PRIMARY KEY, value bytea)"
        )
        yield connection
    finally:
        connection.terminate()


async def postgres_keep(server: PostgresServer, key: str, value: bytes) -> None:
    async with postgres(server) as connection:
        await connection.execute("INSERT INTO usual_client VALUES ($1, $2)", key, value)


async def postgres_kept(server: PostgresServer, key: str) -> bytes | None:
    async with postgres(server) as connection:
        value: bytes | None = await connection.fetchval(
            "SELECT value FROM usual_client WHERE key = $1", key
        )
        return value


@asynccontextmanager
async def mariadb(server: MariadbServer) -> AsyncIterator[Any]:
    import asyncmy

    connection = await asyncmy.connect(
        host="127.0.0.1",
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        connect_timeout=5,
        read_timeout=5,
        autocommit=True,
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(
                "CREATE TABLE IF NOT EXISTS usual_client (name varchar(99) PRIMARY KEY, value blob)"
            )
            yield cursor
    finally:
        connection.close()


async def mariadb_keep(server: MariadbServer, key: str, value: bytes) -> None:
    async with mariadb(server) as cursor:
        await cursor.execute("INSERT INTO usual_client VALUES (%s, %s)", (key, value))


async def mariadb_kept(server: MariadbServer, key: str) -> bytes | None:
    async with mariadb(server) as cursor:
        await cursor.execute("SELECT value FROM usual_client WHERE name = %s", (key,))
        row = await cursor.fetchone()
        return row[0] if row else None


def mosquitto(server: MosquittoServer) -> Any:
    import aiomqtt

    return aiomqtt.Client(
        "127.0.0.1",
        server.port,
        username=server.user,
        password=server.password,
        protocol=aiomqtt.ProtocolVersion.V5,
        timeout=5,
    )


async def mosquitto_keep(server: MosquittoServer, key: str, value: bytes) -> None:
    async with mosquitto(server) as client:
        await client.publish(f"kept/{key}", value, qos=1, retain=True)


async def mosquitto_kept(server: MosquittoServer, key: str) -> bytes | None:
    """Retained messages come first; one of our own behind them says that there are no more."""
    async with mosquitto(server) as client:
        await client.subscribe(f"kept/{key}", qos=1)
        await client.subscribe(f"end/{key}", qos=1)
        await client.publish(f"end/{key}", b"", qos=1)
        async for message in client.messages:
            return message.payload if message.retain else None
    return None


def s3(server: S3Server) -> Any:
    from obstore.store import S3Store

    return S3Store(
        server.bucket,
        endpoint=server.url,
        region=server.region,
        access_key_id=server.user,
        secret_access_key=server.password,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 0},
    )


async def s3_keep(server: S3Server, key: str, value: bytes) -> None:
    await s3(server).put_async(key, value)


async def s3_kept(server: S3Server, key: str) -> bytes | None:
    try:
        answer = await s3(server).get_async(key)
    except FileNotFoundError:
        return None
    return bytes(await answer.bytes_async())


def kafka_login(server: KafkaServer) -> dict[str, Any]:
    return {
        "bootstrap_servers": server.sasl_url,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": server.user,
        "sasl_plain_password": server.password,
        "request_timeout_ms": 5000,
    }


async def kafka_keep(server: KafkaServer, key: str, value: bytes) -> None:
    import aiokafka

    async with aiokafka.AIOKafkaProducer(**kafka_login(server), acks="all") as producer:
        await producer.send_and_wait(f"kept-{key}", value)


async def kafka_kept(server: KafkaServer, key: str) -> bytes | None:
    import aiokafka

    consumer = aiokafka.AIOKafkaConsumer(**kafka_login(server), auto_offset_reset="earliest")
    async with consumer:
        partition = aiokafka.TopicPartition(f"kept-{key}", 0)
        if partition.topic not in await consumer.topics():
            return None
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        return (await consumer.getone()).value if end else None


CLIENTS = {
    "redis": Client(redis_keep, redis_kept),
    "nats": Client(nats_keep, nats_kept),
    "mosquitto": Client(mosquitto_keep, mosquitto_kept),
    "mariadb": Client(mariadb_keep, mariadb_kept),
    "s3": Client(s3_keep, s3_kept),
    "kafka": Client(kafka_keep, kafka_kept),
    "postgres": Client(postgres_keep, postgres_kept),
}
