"""Triggers whose source is in the host: messages in process, objects in a folder, a clock.

Each runs with the runner and a real component, beside bare Python code that takes the
same events from the same provider, calls the same component, and keeps the same notes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.tools import GUESTS
from benchmarks.trigger_sources import BODY, TOGETHER
from paddock import _core
from paddock.capabilities.blob import BlobStore, store_object
from paddock.capabilities.messaging import Message, MessageBroker, Subscription
from paddock.interfaces.handlers import message_handler
from paddock.providers.options import Options
from paddock.providers.registry import find
from paddock.triggers.blob import BlobTrigger
from paddock.triggers.cron import CronTrigger
from paddock.triggers.message import MessageTrigger
from paddock.triggers.policy import Policy
from paddock.triggers.runner import Runner
from paddock.triggers.source import Call, Context, Trigger
from paddock.types import resolve

GUEST = GUESTS / "wat" / "swallow.wasm"
EXPORTS = ("wasmcloud:messaging/handler@0.2.0",)
TICKS = ("handle-cron-event",)
MESSAGES, OBJECTS, FIRINGS = 5000, 1000, 500
ROUNDS = 3
#: A Sunday; the clock of the benchmark begins there, and no time passes in waiting.
START = 1_800_000_000.0

Invoke = Callable[[Call], Awaitable[object]]
#: Runs a number of events through something; the seconds that it took.
Timed = Callable[["Scene"], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Scene:
    """The component to call, and a directory of this round."""

    invoke: Invoke
    directory: Path

    def context(
        self, opened: object, concurrency: int, exports: Sequence[str] = EXPORTS
    ) -> Context:
        return Context(
            application="bench",
            component="swallow",
            id="bench",
            exports=exports,
            base=self.directory,
            state=self.directory / "state",
            concurrency=concurrency,
            opened=opened,
        )


def measure(bench: Bench) -> list[Section]:
    """Each in turn with its bare peer."""
    others = Others()
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, bench.cores.server)
        rows = asyncio.run(_rows())
    finally:
        os.sched_setaffinity(0, allowed)
    conditions = (
        f"{MESSAGES} messages of 1 kB, {OBJECTS} objects in a folder, {FIRINGS} times of a clock; "
        f"{TOGETHER} under way at once (the clock: one), all in one process on one core, each "
        f"calling a component that does nothing; median of {ROUNDS} rounds in turns"
    )
    return [Section("Triggers from within", conditions, rows, others.share())]


async def _rows() -> list[Row]:
    pairs: Sequence[tuple[str, str, int, Timed, Timed]] = (
        ("messages in process", "bare subscription", MESSAGES, _messages, _messages_bare),
        ("objects in a folder", "bare listing", OBJECTS, _objects, _objects_bare),
        ("times of a clock", "bare asyncio timer", FIRINGS, _times, _times_bare),
    )
    rows: list[Row] = []
    async with _component() as invoke:
        for what, peer, count, ours, theirs in pairs:
            spent: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                for timed, kept in zip((ours, theirs), spent, strict=True):
                    with tempfile.TemporaryDirectory(prefix="paddock-bench-") as directory:
                        kept.append(await timed(Scene(invoke, Path(directory))) / count * 1e6)
            mine, bare = map(statistics.median, spent)
            rows.append(
                Row(f"an event through a trigger: {what}", mine, "µs", peer, bare, headline=True)
            )
    return rows


@asynccontextmanager
async def _component() -> AsyncIterator[Invoke]:
    engine = _core.Engine(_core.EngineOptions(instances=128))
    runtime = _core.Runtime(asyncio.get_running_loop(), lambda _: None)
    spec = _core.ComponentSpec(application="bench", id="swallow")
    component = _core.Component(engine, engine.load(GUEST.read_bytes()), spec, {}, runtime)
    yield lambda call: _core.call(component, call.export, call.arguments)
    await runtime.cancel_tasks()
    runtime.shutdown()


async def _run(scene: Scene, trigger: Trigger, count: int, concurrency: int) -> float:
    runner = Runner("bench/bench", trigger, Policy(concurrency=concurrency), scene.directory)
    began = time.perf_counter()
    runner.start(scene.invoke)
    while runner.counters.handled < count:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    seconds = time.perf_counter() - began
    await runner.stop(10.0)
    return seconds


async def _broker() -> MessageBroker:
    provider = find("messaging", "in_process")
    opened: Any = provider.open(
        provider.Config.from_table({}), application="bench", name="b", state_dir=Path()
    )
    return cast("MessageBroker", await resolve(opened))


async def _fill(broker: MessageBroker) -> None:
    for _ in range(MESSAGES):
        await resolve(broker.publish(Message("bench", BODY)))


async def _messages(scene: Scene) -> float:
    broker = await _broker()
    options = Options({"subject": "bench"}, "a message trigger")
    trigger = MessageTrigger(scene.context(broker, TOGETHER), options)
    await trigger.subscribe()
    await _fill(broker)
    seconds = await _run(scene, trigger, MESSAGES, TOGETHER)
    await resolve(broker.close())
    return seconds


async def _messages_bare(scene: Scene) -> float:
    broker = await _broker()
    inflow = await resolve(
        broker.subscribe(Subscription(("bench",), "bench", max_in_flight=TOGETHER))
    )
    await _fill(broker)
    shape, waiting = message_handler(EXPORTS), iter(range(MESSAGES))

    async def worker() -> None:
        for _ in waiting:
            delivery = await anext(inflow)
            await scene.invoke(Call(*shape(delivery.message)))
            await delivery.ack()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    seconds = time.perf_counter() - began
    await inflow.close()
    await resolve(broker.close())
    return seconds


async def _store(scene: Scene) -> BlobStore:
    provider = find("blob", "filesystem")
    config = provider.Config.from_table({"path": str(scene.directory / "blobs")})
    opened: Any = provider.open(config, application="bench", name="b", state_dir=scene.directory)
    store = cast("BlobStore", await resolve(opened))
    await resolve(store.create_container("bench"))
    for number in range(OBJECTS):
        await store_object(store, "bench", f"{number}.txt", (BODY,))
    return store


async def _objects(scene: Scene) -> float:
    store = await _store(scene)
    options = Options({"container": "bench", "interval": "50ms"}, "a blob trigger")
    trigger = BlobTrigger(scene.context(store, TOGETHER), options)
    seconds = await _run(scene, trigger, OBJECTS, TOGETHER)
    await resolve(store.close())
    return seconds


async def _objects_bare(scene: Scene) -> float:
    store, shape = await _store(scene), message_handler(EXPORTS)
    began = time.perf_counter()
    page = await resolve(store.objects("bench", None, OBJECTS))
    waiting = iter(page.names)
    with (scene.directory / "seen").open("a", encoding="utf-8") as seen:

        async def worker() -> None:
            for name in waiting:
                info = await resolve(store.object_info("bench", name))
                about = {"name": name, "size": info.size, "created": info.created}
                await scene.invoke(Call(*shape(Message("blobs", json.dumps(about).encode()))))
                seen.write(json.dumps([name, info.size, info.created]) + "\n")
                seen.flush()

        await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    seconds = time.perf_counter() - began
    await resolve(store.close())
    return seconds


async def _times(scene: Scene) -> float:
    options = Options({"cron_expression": "* * * * * *"}, "a cron trigger")
    trigger = CronTrigger(scene.context(None, 1, TICKS), options)
    # It shapes its events for a handler of ticks; the component here takes messages.
    export, arguments = message_handler(EXPORTS)(Message("tick", b""))
    ticks = itertools.count(START)
    trigger.now = lambda: next(ticks)

    async def invoke(call: Call) -> object:
        del call
        return await scene.invoke(Call(export, arguments))

    return await _run(Scene(invoke, scene.directory), trigger, FIRINGS, 1)


async def _times_bare(scene: Scene) -> float:
    from croniter import croniter

    call = Call(*message_handler(EXPORTS)(Message("tick", b"")))
    moments = croniter("* * * * * *", START, second_at_beginning=True)
    last, part = scene.directory / "last.json", scene.directory / "last.part"
    began = time.perf_counter()
    for _ in range(FIRINGS):
        moment = moments.get_next(float)
        await asyncio.sleep(0)
        await scene.invoke(call)
        part.write_text(json.dumps({"last": moment}), encoding="utf-8")
        part.replace(last)
    return time.perf_counter() - began
