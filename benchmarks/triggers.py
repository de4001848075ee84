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
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tests.services.server import MissingProgram

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Server, free_port
from benchmarks.tools import GUESTS
from benchmarks.trigger_sources import BODY, SOURCES, TOGETHER, Pace, Source
from paddock.capabilities.messaging import Message, MessageBroker
from paddock.providers.registry import find
from paddock.types import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = 5000
ROUNDS = 3
GUEST = GUESTS / "wat" / "swallow.wasm"
PATIENCE = 60.0
HANDLED = re.compile(r"^paddock_trigger_handled_total\{[^}]*\} (\S+)$", re.MULTILINE)


def measure(bench: Bench) -> list[Section]:
    """Each broker whose server is on this machine."""
    others = Others()
    rows: list[Row] = []
    for kind, make in SOURCES:
        with ExitStack() as stack:
            try:
                server = stack.enter_context(kind())
            except MissingProgram as missing:
                print(f"  left out: {missing}")
            else:
                rows.append(_row(bench, make(server)))
    conditions = (
        f"{MESSAGES} messages of 1 kB that wait in a durable group, {TOGETHER} under way at once, "
        f"each acknowledged; {bench.placed}; median of {ROUNDS} rounds in turns"
    )
    return [Section("Triggers", conditions, rows, others.share())]


def _row(bench: Bench, source: Source) -> Row:
    rounds = []
    for _ in range(ROUNDS):
        ours = _through_host(bench, source)
        with _on(bench.cores.server):
            rounds.append((ours, asyncio.run(source.bare(MESSAGES))))
    ours, theirs = (
        Pace(
            statistics.median(each.rate for each in kept),
            statistics.median(each.cpu for each in kept),
        )
        for kept in zip(*rounds, strict=True)
    )
    return Row(
        f"through a trigger: {source.name}",
        ours.rate,
        "messages/s",
        f"bare {source.client}",
        theirs.rate,
        note=f"CPU {ours.cpu:.0f} µs a message, {source.client} {theirs.cpu:.0f} µs",
        headline=True,
    )


def _through_host(bench: Bench, source: Source) -> Pace:
    admin = free_port()
    manifest = (
        f"[[trigger.{source.name}]]\ncomponent = 'swallow'\nconcurrency = {TOGETHER}\n"
        f"{source.table}\n[component.swallow]\nsource = 'swallow.wasm'\n"
        "[[trigger.http]]\nroute = '/'\nstatic_response = { body = 'up' }\n"
    )
    # The same application each round: of another one MQTT's group would keep a part.
    directory = bench.application(f"trigger-{source.name}", manifest, [GUEST])
    # Once, so that the group is there, before the messages are.
    with bench.paddock(directory):
        pass
    asyncio.run(_publish(source, directory))
    with bench.paddock(directory, "--admin-listen", f"127.0.0.1:{admin}") as server:
        return _pace(server, lambda: _handled(admin))


def _pace(server: Server, handled: Callable[[], float]) -> Pace:
    """From the first message that is seen handled to the last."""
    first, begin, before = 0.0, 0.0, 0.0
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        count, now = handled(), time.perf_counter()
        if count and not first:
            first, begin, before = count, now, server.cpu()
        if count >= MESSAGES:
            seen = count - first
            return Pace(seen / (now - begin), (server.cpu() - before) / seen * 1e6)
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


async def _publish(source: Source, state: Path) -> None:
    provider = find("messaging", source.name)
    config = provider.Config.from_table(source.options)
    opened = provider.open(config, application="bench", name="default", state_dir=state)
    broker = cast("MessageBroker", await resolve(cast("Awaitable[object]", opened)))
    waiting = iter(range(MESSAGES))

    async def worker() -> None:
        for _ in waiting:
            await resolve(broker.publish(Message("bench", BODY)))

    await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    await resolve(broker.close())


@contextmanager
def _on(cores: Iterable[int]) -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
