"""Many applications in one host, and many instances alive at once."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Server, environment
from benchmarks.tools import GUESTS, ROOT

#: Ten different components: text, C and Rust, from 3 to 150 kB.
SOURCES = (
    "wat/hello.wasm", "c/http/http.wasm", "rust/hello/hello.wasm", "rust/routes/routes.wasm",
    "hostile/wait.wasm", "hostile/trap.wasm", "hostile/silent.wasm", "hostile/recursion.wasm",
    "hostile/memory-touch.wasm", "hostile/loop.wasm",
)  # fmt: skip

WAITING = """
[[trigger.http]]
route = "/..."
component = "wait"

[component.wait]
source = "wait.wasm"
"""

MANY = 1000
WAIT_MS = 6000


def measure(bench: Bench) -> list[Section]:
    """Applications, then instances."""
    return [_applications(bench), _instances(bench)]


def _applications(bench: Bench) -> Section:
    others = Others()
    _hosted(bench, len(SOURCES))
    few = [_hosted(bench, len(SOURCES))["private_kib"] for _ in range(3)]
    many = [_hosted(bench, MANY) for _ in range(3)]
    seconds = statistics.median(each["seconds"] for each in many)
    private = statistics.median(each["private_kib"] for each in many)
    each = (private - statistics.median(few)) / (MANY - len(SOURCES))
    rows = [
        Row(f"{MANY:,} applications load in", seconds, "s", goal=5, judged="value",
            bound="at most", headline=True),
        Row("private memory of an idle application", each, "KiB", goal=100, judged="value",
            bound="at most", headline=True),
        Row(f"private memory of the whole process with {MANY:,}", private / 1024, "MiB"),
    ]  # fmt: skip
    conditions = (
        f"one route each over {len(SOURCES)} components, warm cache, medians of 3 processes; "
        f"memory is that of {MANY:,} less that of {len(SOURCES)} applications, for each one more"
    )
    return Section("Many applications", conditions, rows, others.share())


def _hosted(bench: Bench, count: int) -> dict[str, float]:
    sources = [str(GUESTS / source) for source in SOURCES]
    directory = bench.directory / "applications"
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.applications_host", str(count), str(directory)]
    done = subprocess.run(
        [*command, *sources],
        cwd=ROOT,
        env=environment(bench.extra),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


@dataclass(slots=True)
class _Seen:
    """Of the requests that wait: when the first was answered, and how many well."""

    first: float = 0.0
    good: int = 0
    sent: int = 0
    last_sent: float = 0.0
    everyone_sent: asyncio.Event = field(default_factory=asyncio.Event)


def _instances(bench: Bench) -> Section:
    others = Others()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    directory = bench.application("waiting", WAITING, [GUESTS / "hostile" / "wait.wasm"])
    try:
        server = bench.paddock(directory, "--quiet", path="/?ms=0", everywhere=True)
        with server:
            idle = server.memory().resident
            seen, queued, peak = asyncio.run(_wait_for_many(server))
            after = server.memory().resident
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    together = seen.first > seen.last_sent
    rows = [
        Row("instances alive at once", seen.good if together else 0, "", goal=MANY,
            judged="value", headline=True),
        Row("resident memory meanwhile", peak, "MiB"),
        Row("of that for each instance", (peak - idle) * 1024 / MANY, "KiB"),
        Row("resident memory afterwards", after, "MiB"),
        Row("the next request waited in the queue, then got a 200, after", queued, "s"),
    ]  # fmt: skip
    conditions = (
        f"each has touched 1 MiB and waits {WAIT_MS / 1000:g} s in a host call; one application, "
        f"whose limit is {MANY:,} instances; both cores"
    )
    return Section("Many instances", conditions, rows, others.share())


async def _wait_for_many(server: Server) -> tuple[_Seen, float, float]:
    seen = _Seen()
    waiting = [asyncio.create_task(_waiting(server, seen)) for _ in range(MANY)]
    await seen.everyone_sent.wait()
    # Long enough for the last one to be inside, short enough for all to wait still.
    await asyncio.sleep(WAIT_MS / 1000 / 3)
    peak = server.memory().resident
    before = time.perf_counter()
    status = await _status(server, "/?ms=0")
    queued = time.perf_counter() - before
    await asyncio.gather(*waiting)
    return seen, queued if status == 200 else float("inf"), peak


async def _waiting(server: Server, seen: _Seen) -> None:
    def sent() -> None:
        seen.sent += 1
        seen.last_sent = time.perf_counter()
        if seen.sent == MANY:
            seen.everyone_sent.set()

    status = await _status(server, f"/?ms={WAIT_MS}", sent)
    seen.first = seen.first or time.perf_counter()
    seen.good += status == 200


async def _status(server: Server, path: str, sent: object = None) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n".encode())
    await writer.drain()
    if callable(sent):
        sent()
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]) if answer else 0
