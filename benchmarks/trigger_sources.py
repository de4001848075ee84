"""Brokers for the benchmark of triggers: how to get messages into one, and a bare consumer.

A bare consumer is what somebody writes with the client alone: it takes the messages of
a group that keeps its place, and acknowledges them.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tests.services.kafka import KafkaServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.redis import RedisServer
from tests.services.server import Server

if TYPE_CHECKING:
    import aiomqtt

BODY = os.urandom(1000)
TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second, and microseconds of the process's CPU for each."""

    rate: float
    cpu: float


class Meter:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def pace(self, count: int) -> Pace:
        """Of this process, with so many messages until now."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Pace(count / wall, cpu / count * 1e6)


@dataclass(frozen=True)
class Source:
    """A broker: the trigger's table, the provider's options, and a bare consumer."""

    name: str
    table: str
    options: dict[str, object]
    client: str
    bare: Callable[[int], Awaitable[Pace]]


def _redis(server: RedisServer) -> Source:
    stream = f"bench-{uuid.uuid4().hex}"

    async def bare(count: int) -> Pace:
        import redis.asyncio

        client = redis.asyncio.Redis.from_url(server.url)
        raw = f"raw-{uuid.uuid4().hex}"
        await client.xgroup_create(raw, "bare", "0", mkstream=True)
        for start in range(0, count, 500):
            pipe = client.pipeline()
            for _ in range(start, min(start + 500, count)):
                pipe.xadd(raw, {"body": BODY})
            await pipe.execute()
        meter, done = Meter(), 0
        while done < count:
            for _, entries in await client.xreadgroup("bare", "one", {raw: ">"}, TOGETHER, 1000):
                await asyncio.gather(*(client.xack(raw, "bare", entry) for entry, _ in entries))
                done += len(entries)
        pace = meter.pace(count)
        await client.delete(raw)
        await client.aclose()
        return pace

    table = f"address = '{server.url}'\nstream = '{stream}'\ngroup = 'bench'"
    return Source("redis", table, {"url": server.url, "stream": stream}, "redis", bare)


def _nats(server: NatsServer) -> Source:
    stream = f"bench-{uuid.uuid4().hex}"

    async def bare(count: int) -> Pace:
        import nats

        client = await nats.connect(server.url)
        raw = f"raw-{uuid.uuid4().hex}"
        context = client.jetstream()
        await context.add_stream(name=raw, subjects=[raw])
        for start in range(0, count, TOGETHER):
            some = range(start, min(start + TOGETHER, count))
            await asyncio.gather(*(context.publish(raw, BODY) for _ in some))
        consumer = await context.pull_subscribe(raw, "bare")
        meter, done = Meter(), 0
        while done < count:
            found = await consumer.fetch(TOGETHER, timeout=5)
            await asyncio.gather(*(message.ack() for message in found))
            done += len(found)
        pace = meter.pace(count)
        await context.delete_stream(raw)
        await client.close()
        return pace

    table = f"address = '{server.url}'\nsubject = 'bench'\nstream = '{stream}'\ndurable = 'bench'"
    options: dict[str, object] = {"url": server.url, "stream": stream, "subjects": ["bench"]}
    return Source("nats", table, options, "nats-py", bare)


class _Mosquitto(MosquittoServer):
    """Saves its messages now and then, as usual, and not all of them after each change."""

    def command(self) -> Sequence[str]:
        command = super().command()
        path = Path(command[-1])
        text = path.read_text(encoding="utf-8")
        self.file(path.name, text.replace("autosave_on_changes true\nautosave_interval 1\n", ""))
        return command


def _mqtt_client(server: MosquittoServer, name: str, *, clean: bool) -> aiomqtt.Client:
    import aiomqtt

    made: Any = aiomqtt.Client(
        "127.0.0.1",
        server.port,
        username=server.user,
        password=server.password,
        identifier=name,
        clean_session=clean,
    )
    made.pending_calls_threshold = 1000
    return cast("aiomqtt.Client", made)


def _mqtt(server: MosquittoServer) -> Source:
    async def bare(count: int) -> Pace:
        raw = f"raw-{uuid.uuid4().hex}"
        async with _mqtt_client(server, raw, clean=False) as waiting:
            await waiting.subscribe(raw, qos=1)
        async with _mqtt_client(server, f"{raw}-sends", clean=True) as sends:
            for start in range(0, count, TOGETHER):
                some = range(start, min(start + TOGETHER, count))
                await asyncio.gather(*(sends.publish(raw, BODY, qos=1) for _ in some))
        async with _mqtt_client(server, raw, clean=False) as waiting:
            meter, done = Meter(), 0
            async for _ in waiting.messages:
                # The client acknowledges each by itself.
                if not done:
                    meter = Meter()
                done += 1
                if done == count:
                    break
            pace = meter.pace(count)
        async with _mqtt_client(server, raw, clean=True):
            pass  # The session is gone.
        return pace

    table = (
        f"address = '{server.url}'\nusername = '{server.user}'\npassword = '{server.password}'\n"
        "topic = 'bench'\nqos = '1'\ngroup = 'bench'\ndurable = true"
    )
    options: dict[str, object] = {
        "url": server.url,
        "username": server.user,
        "password": server.password,
    }
    return Source("mqtt", table, options, "aiomqtt", bare)


def _kafka(server: KafkaServer) -> Source:
    async def bare(count: int) -> Pace:
        import aiokafka

        raw = f"raw-{uuid.uuid4().hex}"
        producer: Any = aiokafka.AIOKafkaProducer(bootstrap_servers=server.url)
        await producer.start()
        await asyncio.gather(*[await producer.send(raw, BODY) for _ in range(count)])
        await producer.stop()
        consumer: Any = aiokafka.AIOKafkaConsumer(
            raw,
            bootstrap_servers=server.url,
            group_id=raw,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        meter, done = Meter(), 0
        while done < count:
            found = await consumer.getmany(timeout_ms=1000, max_records=TOGETHER)
            if not done:
                meter = Meter()
            if found:
                await consumer.commit()
            done += sum(map(len, found.values()))
        pace = meter.pace(count)
        await consumer.stop()
        return pace

    table = f"address = '{server.url}'\ntopic = 'bench'\ngroup = 'bench'"
    return Source("kafka", table, {"url": server.url}, "aiokafka", bare)


#: Servers and what is made of each, in the order of the table.
SOURCES: tuple[tuple[type[Server], Callable[[Any], Source]], ...] = (
    (RedisServer, _redis),
    (NatsServer, _nats),
    (_Mosquitto, _mqtt),
    (KafkaServer, _kafka),
)
