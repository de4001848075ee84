"""Messages a second through a trigger, beside a bare Python consumer of the same client.

Both take the same messages of the same durable group, 1 kB each, and acknowledge
each after its work: a call into a component that does nothing, or nothing at all.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import free_port
from benchmarks.tools import GUESTS
from paddock.capabilities.messaging import Message, MessageBroker
from paddock.providers.registry import find
from paddock.types import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = 5000
ROUNDS = 3
BODY = os.urandom(1000)
TOGETHER = 64
GUEST = GUESTS / "wat" / "swallow.wasm"
PATIENCE = 60.0
HANDLED = re.compile(r"^paddock_trigger_handled_total\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A broker: the trigger's table, the provider's options, and a bare consumer."""

    name: str
    table: str
    options: dict[str, object]
    client: str
    bare: Callable[[int], Awaitable[float]]


def measure(bench: Bench) -> list[Section]:
    """Each broker whose server is on this machine."""
    from tests.services.nats import NatsServer
    from tests.services.redis import RedisServer
    from tests.services.server import MissingProgram

    others = Others()
    rows: list[Row] = []
    with ExitStack() as stack:
        try:
            redis = stack.enter_context(RedisServer())
            nats = stack.enter_context(NatsServer())
        except MissingProgram as missing:
            print(f"  left out: {missing}")
        else:
            rows += [_row(bench, _redis(redis.url)), _row(bench, _nats(nats.url))]
    conditions = (
        f"{MESSAGES} messages of 1 kB that wait in a durable group, {TOGETHER} under way at once, "
        f"each acknowledged; {bench.placed}; median of {ROUNDS} rounds in turns"
    )
    return [Section("Triggers", conditions, rows, others.share())]


def _row(bench: Bench, source: Source) -> Row:
    rounds = []
    for number in range(ROUNDS):
        ours = _through_host(bench, source, number)
        with _on(bench.cores.server):
            rounds.append((ours, asyncio.run(source.bare(MESSAGES))))
    return Row(
        f"through a trigger: {source.name}",
        statistics.median(ours for ours, _ in rounds),
        "messages/s",
        f"bare {source.client}",
        statistics.median(theirs for _, theirs in rounds),
        headline=True,
    )


def _through_host(bench: Bench, source: Source, number: int) -> float:
    admin = free_port()
    manifest = (
        f"[[trigger.{source.name}]]\ncomponent = 'swallow'\nconcurrency = {TOGETHER}\n"
        f"{source.table}\n[component.swallow]\nsource = 'swallow.wasm'\n"
        "[[trigger.http]]\nroute = '/'\nstatic_response = { body = 'up' }\n"
    )
    directory = bench.application(f"{source.name}-{number}", manifest, [GUEST])
    # Once, so that the group is there, before the messages are.
    with bench.paddock(directory):
        pass
    asyncio.run(_publish(source))
    with bench.paddock(directory, "--admin-listen", f"127.0.0.1:{admin}"):
        return _rate(lambda: _handled(admin))


def _rate(handled: Callable[[], float]) -> float:
    """Messages a second from the first that is seen handled to the last."""
    first, begin = 0.0, 0.0
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        count, now = handled(), time.perf_counter()
        if count and not first:
            first, begin = count, now
        if count >= MESSAGES:
            return (count - first) / (now - begin)
        time.sleep(0.01)
    message = f"{count:g} of {MESSAGES} messages handled in {PATIENCE} s"
    raise TimeoutError(message)


def _handled(port: int) -> float:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            found = HANDLED.search(answer.read().decode())
    except urllib.error.URLError:
        return 0.0  # its listener comes after the one that `bench.paddock` waits for
    return float(found[1]) if found else 0.0


async def _publish(source: Source) -> None:
    provider = find("messaging", source.name)
    config = provider.Config.from_table(source.options)
    opened = provider.open(config, application="bench", name="default", state_dir=Path())
    broker = cast("MessageBroker", await resolve(cast("Awaitable[object]", opened)))
    waiting = iter(range(MESSAGES))

    async def worker() -> None:
        for _ in waiting:
            await resolve(broker.publish(Message("bench", BODY)))

    await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    await resolve(broker.close())


def _redis(url: str) -> Source:
    stream = f"bench-{uuid.uuid4().hex}"

    async def bare(count: int) -> float:
        import redis.asyncio

        client = redis.asyncio.Redis.from_url(url)
        raw = f"raw-{uuid.uuid4().hex}"
        await client.xgroup_create(raw, "bare", "0", mkstream=True)
        for start in range(0, count, 500):
            pipe = client.pipeline()
            for _ in range(start, min(start + 500, count)):
                pipe.xadd(raw, {"body": BODY})
            await pipe.execute()
        began, done = time.perf_counter(), 0
        while done < count:
            for _, entries in await client.xreadgroup("bare", "one", {raw: ">"}, TOGETHER, 1000):
                await asyncio.gather(*(client.xack(raw, "bare", entry) for entry, _ in entries))
                done += len(entries)
        seconds = time.perf_counter() - began
        await client.delete(raw)
        await client.aclose()
        return count / seconds

    table = f"address = '{url}'\nstream = '{stream}'\ngroup = 'bench'"
    return Source("redis", table, {"url": url, "stream": stream}, "redis", bare)


def _nats(url: str) -> Source:
    stream = f"bench-{uuid.uuid4().hex}"

    async def bare(count: int) -> float:
        import nats

        client = await nats.connect(url)
        raw = f"raw-{uuid.uuid4().hex}"
        context = client.jetstream()
        await context.add_stream(name=raw, subjects=[raw])
        for start in range(0, count, TOGETHER):
            some = range(start, min(start + TOGETHER, count))
            await asyncio.gather(*(context.publish(raw, BODY) for _ in some))
        consumer = await context.pull_subscribe(raw, "bare")
        began, done = time.perf_counter(), 0
        while done < count:
            found = await consumer.fetch(TOGETHER, timeout=5)
            await asyncio.gather(*(message.ack() for message in found))
            done += len(found)
        seconds = time.perf_counter() - began
        await context.delete_stream(raw)
        await client.close()
        return count / seconds

    table = f"address = '{url}'\nsubject = 'bench'\nstream = '{stream}'\ndurable = 'bench'"
    options: dict[str, object] = {"url": url, "stream": stream, "subjects": ["bench"]}
    return Source("nats", table, options, "nats-py", bare)


@contextmanager
def _on(cores: Iterable[int]) -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
