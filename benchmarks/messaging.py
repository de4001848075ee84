"""What publishing costs beside a client library that does the same.

Both in this process, in turns, on a server of their own. "The same" is what the
provider promises when it answers: that the server has the message.
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

from tests.services.kafka import KafkaServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.redis import RedisServer
from tests.services.server import Server

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from paddock.capabilities.messaging import Message, MessageBroker, Subscription
from paddock.providers.registry import find
from paddock.types import resolve

BODY = b"v" * 100
CALLS = 1280
ROUNDS = 7

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for each call: on the clock, and of this process's CPU."""

    wall: float
    cpu: float


def measure(bench: Bench) -> list[Section]:
    """Each product beside its client; then the broker in the process."""
    others = Others()
    rows = asyncio.run(_all(bench.directory))
    conditions = (
        f"{CALLS} messages of 100 bytes, confirmed by the server, median of {ROUNDS} rounds in "
        "turns; server, provider and client share the machine"
    )
    return [Section("Publishing", conditions, rows, others.share())]


async def _all(directory: Path) -> list[Row]:
    rows: list[Row] = []
    products: list[tuple[str, type[Server], Any, dict[str, object]]] = [
        ("nats", NatsServer, _nats, {}),
        ("nats", NatsServer, _jetstream, {"stream": "BENCH", "subjects": ["bench.>"]}),
        ("redis", RedisServer, _redis, {}),
        ("redis", RedisServer, _redis_stream, {"stream": "bench"}),
        ("mqtt", MosquittoServer, _mqtt, {}),
        ("kafka", KafkaServer, _kafka, {}),
    ]
    for name, kind, make, options in products:
        with kind() as server:
            login: dict[str, object] = {"url": server.url}
            if name == "mqtt":
                login |= {"username": server.user, "password": server.password}
            async with AsyncExitStack() as stack:
                broker = await _broker(name, {**login, **options}, directory)
                stack.push_async_callback(resolve, broker.close())
                await resolve(broker.publish(Message("bench.a", BODY)))
                client, call = await stack.enter_async_context(make(server))
                await call()
                label = f"{name} stream" if "stream" in options else name
                rows += await _compared(label, broker, client, call)
    return [*rows, await _in_process(directory)]


async def _broker(name: str, options: Mapping[str, object], directory: Path) -> MessageBroker:
    provider = find("messaging", name)
    opening = provider.open(
        provider.Config.from_table(options), application="bench", name="b", state_dir=directory
    )
    return cast("MessageBroker", await resolve(cast("Any", opening)))


async def _compared(label: str, broker: MessageBroker, client: str, theirs: Call) -> list[Row]:
    message = Message("bench.a", BODY)

    async def ours() -> object:
        return await resolve(broker.publish(message))

    rows: list[Row] = []
    for together in (1, 64):
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
        rows.append(
            Row(
                f"{label} publish, {together} under way", mine.wall, "µs",
                beside=client, beside_value=raw.wall, goal=1.5, bound="at most",
                note=f"CPU {mine.cpu:.0f} µs, {client} {raw.cpu:.0f} µs",
            )
        )  # fmt: skip
    return rows


async def _cost(call: Call, together: int) -> Cost:
    async def several() -> None:
        for _ in range(CALLS // together):
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(several() for _ in range(together)))
    scale = 1e6 / CALLS
    return Cost((time.perf_counter() - wall) * scale, (time.process_time() - cpu) * scale)


async def _in_process(directory: Path) -> Row:
    """A message from `publish` to its acknowledgement, 64 in hand."""
    broker = await _broker("in_process", {}, directory)
    inflow = await resolve(broker.subscribe(Subscription(("bench.a",), group="g")))
    message = Message("bench.a", BODY)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await resolve(broker.publish(message))
        for _ in range(CALLS):
            await (await anext(inflow)).ack()
        best = min(best, (time.perf_counter() - began) / CALLS * 1e6)
    await resolve(broker.close())
    return Row("in process, published and handled", best, "µs", judged="value", bound="at most")


@asynccontextmanager
async def _nats(server: NatsServer) -> AsyncIterator[tuple[str, Call]]:
    import nats

    client: Any = await nats.connect(server.url)

    async def call() -> None:
        await client.publish("bench.a", BODY)
        await client.flush()

    yield "nats-py with flush", call
    await client.close()


@asynccontextmanager
async def _jetstream(server: NatsServer) -> AsyncIterator[tuple[str, Call]]:
    import nats

    client: Any = await nats.connect(server.url)
    stream: Any = client.jetstream()
    yield "nats-py", lambda: stream.publish("bench.a", BODY)
    await client.close()


@asynccontextmanager
async def _redis(server: RedisServer) -> AsyncIterator[tuple[str, Call]]:
    import redis.asyncio

    client: Any = redis.asyncio.Redis.from_url(server.url)
    yield "redis-py", lambda: client.publish("bench.a", BODY)
    await client.aclose()


@asynccontextmanager
async def _redis_stream(server: RedisServer) -> AsyncIterator[tuple[str, Call]]:
    import redis.asyncio

    client: Any = redis.asyncio.Redis.from_url(server.url)
    yield "redis-py", lambda: client.xadd("raw", {"subject": "bench.a", "body": BODY})
    await client.aclose()


@asynccontextmanager
async def _mqtt(server: MosquittoServer) -> AsyncIterator[tuple[str, Call]]:
    import aiomqtt

    client: Any = aiomqtt.Client(
        "127.0.0.1", server.port, username=server.user, password=server.password
    )
    async with client:
        client.pending_calls_threshold = 1000
        yield "aiomqtt", lambda: client.publish("bench/a", BODY, qos=1)


@asynccontextmanager
async def _kafka(server: KafkaServer) -> AsyncIterator[tuple[str, Call]]:
    import aiokafka

    client: Any = aiokafka.AIOKafkaProducer(bootstrap_servers=server.url, enable_idempotence=True)
    await client.start()
    yield "aiokafka", lambda: client.send_and_wait("bench.a", BODY)
    await client.stop()
