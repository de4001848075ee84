"""A request through five components: in one host, and over HTTP from host to host.

Both sides are the same Rust guest, which asks the next one for what it answers; the
last says hello. Every hop is a fresh instance, and HTTP's connections are kept.
"""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import urlencode

from benchmarks.bench import Bench
from benchmarks.load import Target
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Server
from benchmarks.tools import GUESTS

GUEST = GUESTS / "rust" / "routes" / "routes.wasm"
HOPS = 5
ROUTE = "[[trigger.http]]\nroute = '/...'\ncomponent = 'hop-a'\n"
COMPONENT = "[component.hop-{}]\nsource = 'routes.wasm'\nallowed_outbound_hosts = ['{}']\n"
INSIDE, OUTSIDE = "http://*.paddock.internal", "http://127.0.0.1:*"


def measure(bench: Bench) -> list[Section]:
    """One client, whose latency is compared, and fifty, whose rate is."""
    others = Others()
    with ExitStack() as stack:
        names = [f"hop-{letter}" for letter in "abcde"[:HOPS]]
        chained = stack.enter_context(_together(bench, names))
        alone = [stack.enter_context(_alone(bench, number)) for number in range(HOPS)]
        inside = _path([f"http://{name}.paddock.internal" for name in names[1:]])
        outside = _path([f"http://127.0.0.1:{server.port}" for server in alone[1:]])
        targets = [Target("chained", chained, inside), Target("http", alone[0], outside)]
        for target in targets:
            answer = target.server.ask(target.path)
            if answer is None or answer[0] != 200 or answer[1].strip() != b"hello":
                message = f"{target.name}: {answer}"
                raise RuntimeError(message)
        single = bench.load.rounds_over(targets, connections=1)
        many = bench.load.rounds_over(targets, connections=50)
    rows = [
        Row(
            f"a chain of {HOPS} components, 1 connection, median",
            single["chained"].median("p50"), "µs",
            f"{HOPS} hosts over HTTP", single["http"].median("p50"), headline=True,
        ),
        Row(
            f"a chain of {HOPS} components, 50 connections",
            many["chained"].median("per_second"), "requests/s",
            f"{HOPS} hosts over HTTP", many["http"].median("per_second"), headline=True,
        ),
    ]  # fmt: skip
    conditions = (
        f"a Rust guest that asks the next of {HOPS}, a fresh instance each; {HOPS} hosts on the "
        f"same core as the one, with kept connections between them; {bench.placed}, medians"
    )
    return [Section("A chain of components", conditions, rows, others.share())]


def _path(origins: list[str]) -> str:
    """What the first guest is asked for: each origin's question holds the next one's."""
    path = "/hello"
    for origin in reversed(origins):
        path = f"/outbound?{urlencode({'url': origin + path})}"
    return path


def _together(bench: Bench, names: list[str]) -> Server:
    components = [COMPONENT.format(name.removeprefix("hop-"), INSIDE) for name in names]
    directory = bench.application("chain-of-components", ROUTE + "".join(components), [GUEST])
    return bench.paddock(directory, "--quiet", path="/hello")


def _alone(bench: Bench, number: int) -> Server:
    manifest = ROUTE + COMPONENT.format("a", OUTSIDE)
    directory = bench.application(f"chain-hop-{number}", manifest, [GUEST])
    return bench.paddock(directory, "--quiet", path="/hello")
