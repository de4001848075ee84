"""From the command to the first answer, and what an idle host keeps in memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Memory, Server, environment
from benchmarks.tools import GUESTS, RUST_HELLO

MANIFEST = """
[[trigger.http]]
route = "/..."
component = "hello"

[component.hello]
source = "hello.wasm"
"""

COMMAND = GUESTS / "rust" / "cli" / "cli.wasm"
TIMES = 15


def measure(bench: Bench) -> list[Section]:
    """Start-up, then idle memory."""
    directory = bench.application("start", MANIFEST, [RUST_HELLO])
    return [_starts(bench, str(directory)), _idle(bench, str(directory))]


def _up(bench: Bench, directory: str) -> Server:
    return bench.paddock(bench.directory / directory, "--quiet", everywhere=True)


def _starts(bench: Bench, directory: str) -> Section:
    others = Others()

    def ours() -> float:
        with _up(bench, directory) as server:
            return server.started_in

    def theirs() -> float | None:
        server = bench.peer(RUST_HELLO, "-Ccache=y")
        if server is None:
            return None
        with server:
            return server.started_in

    run = [*bench.tools.paddock, "run", str(COMMAND)]
    peer = [str(bench.tools.peer), "run", "-Ccache=y", str(COMMAND)]
    python = [sys.executable, "-c", "pass"]
    up, serve = _turns([ours, theirs])
    commands = [run, peer, python] if bench.tools.peer else [run, python]
    ran, *rest = _turns([_timed(bench, command) for command in commands])
    bare = rest[-1] or 0.0
    rows = [
        _goal("paddock up, to the first 200", up, "wasmtime serve", serve, 300),
        _goal("paddock run", ran, "wasmtime run", rest[0] if bench.tools.peer else None, 200),
        Row("python -c pass", bare, "ms"),
    ]
    conditions = (
        f"warm cache of compiled code, Rust guests, medians of {TIMES} starts in turn; Python with "
        "compiled files, as installed; both cores"
    )
    return Section("Cold start", conditions, rows, others.share())


def _goal(what: str, value: float | None, beside: str, peer: float | None, goal: float) -> Row:
    return Row(what, value or 0.0, "ms", beside, peer, goal, "value", "at most", headline=True)


def _turns(works: Sequence[Callable[[], float | None]]) -> list[float | None]:
    """Median milliseconds of each, done in turn; the first turn warms the caches."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(TIMES + 1):
        for work, times in zip(works, taken, strict=True):
            seconds = work()
            if turn and seconds is not None:
                times.append(seconds * 1000)
    return [statistics.median(times) if times else None for times in taken]


def _timed(bench: Bench, command: list[str]) -> Callable[[], float]:
    env = environment(bench.extra)

    def timed() -> float:
        before = time.perf_counter()
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        took = time.perf_counter() - before
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.decode()}")
        return took

    return timed


def _idle(bench: Bench, directory: str) -> Section:
    others = Others()
    peer = bench.peer(RUST_HELLO)
    with _up(bench, directory) as server:
        ours = _settled(server)
    theirs: Memory | None = None
    if peer is not None:
        with peer:
            theirs = _settled(peer)

    def row(what: str, of: Callable[[Memory], float], goal: float | None = None) -> Row:
        beside = of(theirs) if theirs else None
        return Row(
            what, of(ours), "MiB", "wasmtime serve", beside, goal, "value", "at most",
            headline=goal is not None,
        )  # fmt: skip

    rows = [
        row("idle host with one application, resident", lambda memory: memory.resident, 64),
        row("proportional (PSS)", lambda memory: memory.proportional),
        row("private", lambda memory: memory.private),
    ]
    conditions = "one application with one Rust guest, after its first request"
    return Section("Idle memory", conditions, rows, others.share())


def _settled(server: Server) -> Memory:
    """Once two readings a moment apart agree."""
    before = server.memory()
    for _ in range(50):
        time.sleep(0.1)
        now = server.memory()
        if abs(now.resident - before.resident) < 0.1:
            return now
        before = now
    return before
