"""Hello over HTTP: a fresh instance for each request, reused ones, no guest at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.load import Result, Target
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Memory
from benchmarks.tools import RUST_HELLO, WAT_HELLO

MANIFEST = """
[[trigger.http]]
route = "/fresh"
component = "fresh"

[[trigger.http]]
route = "/reused"
component = "reused"

[[trigger.http]]
route = "/static"
static_response = { status_code = 200, headers = { "content-type" = "text/plain" }, body = "hello" }

[component.fresh]
source = "hello.wasm"

[component.reused]
source = "hello.wasm"
reuse = { requests = 10000, concurrency = 1, idle = "30s" }
"""

#: Guest, its file, goal of fresh requests over the peer's default.
GUESTS = (("WAT", WAT_HELLO, 2.5), ("Rust", RUST_HELLO, 1.9))


def measure(bench: Bench) -> list[Section]:
    """A section for each guest."""
    return [_guest(bench, *guest) for guest in GUESTS]


def _guest(bench: Bench, name: str, guest: Path, goal: float) -> Section:
    others = Others()
    size = f"{guest.stat().st_size / 1000:.0f} kB"
    with ExitStack() as stack:
        application = bench.application(f"hello-{name.lower()}", MANIFEST, [guest])
        ours = stack.enter_context(bench.paddock(application, "--quiet", path="/fresh"))
        targets = [Target(each, ours, f"/{each}") for each in ("fresh", "reused", "static")]
        for peer, options in (("peer", ()), ("peer reused", ("--max-instance-reuse-count=10000",))):
            server = bench.peer(guest, *options)
            if server is not None:
                targets.append(Target(peer, stack.enter_context(server)))
        results = bench.load.rounds_over(targets)
        memory = {target.name: target.server.memory() for target in targets}
    conditions = (
        f"{size}, 50 connections, {bench.placed}, all limits on; medians of {bench.load.rounds} "
        f"rounds of {bench.load.seconds:g} s in turn; rates for each CPU second of the server"
    )
    rows = [*_rates(results, name, goal), *_latencies(results), *_rest(results, memory)]
    return Section(f"Hello over HTTP, {name} guest", conditions, rows, others.share())


def _rates(results: Mapping[str, Result], name: str, goal: float) -> list[Row]:
    def peer(which: str) -> float | None:
        return results[which].rate if which in results else None

    fresh, reused = results["fresh"].rate, results["reused"].rate
    serve, serve_reused = "wasmtime serve", "wasmtime serve --max-instance-reuse-count=10000"
    default, kept = peer("peer"), peer("peer reused")
    unit = "requests/CPU-s"
    return [
        Row(f"{name} hello, fresh instance each", fresh, unit, serve, default, goal, headline=True),
        Row(f"{name} hello, instances reused", reused, unit, serve, default, 6.0, headline=True),
        Row(f"{name} hello, both reuse", reused, unit, serve_reused, kept, 1.6, headline=True),
        Row("fresh, as a share of no guest", fresh, unit, "static response", _static(results)),
        Row("reused, as a share of no guest", reused, unit, "static response", _static(results)),
    ]


def _static(results: Mapping[str, Result]) -> float:
    return results["static"].rate


def _latencies(results: Mapping[str, Result]) -> list[Row]:
    rows: list[Row] = []
    for ours, theirs in (("fresh", "peer"), ("reused", "peer reused")):
        for quantile in ("p50", "p99"):
            peer = results[theirs].median(quantile) / 1000 if theirs in results else None
            value = results[ours].median(quantile) / 1000
            goal = 1.0 if quantile == "p99" else None
            beside = "wasmtime serve" + (", reuse" if ours == "reused" else "")
            rows.append(
                Row(f"{quantile}, {ours}", value, "ms", beside, peer, goal, bound="at most")
            )
    return rows


def _rest(results: Mapping[str, Result], memory: Mapping[str, Memory]) -> list[Row]:
    peer = memory["peer"].resident if "peer" in memory else None
    failed = sum(result.failed for result in results.values())
    ours, limit = memory["fresh"].resident, 128.0
    return [
        Row(
            "resident memory after the load",
            ours,
            "MiB",
            "wasmtime serve",
            peer,
            limit,
            "value",
            "at most",
        ),
        Row("failed requests of all rounds", failed, "", goal=0, judged="value", bound="at most"),
    ]
