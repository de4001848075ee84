"""What a key-value get and a chained call add to a request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.load import Result, Target
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.servers import Server
from benchmarks.tools import GUESTS, WAT_HELLO

KEY_VALUE = """
[[trigger.http]]
route = "/hello"
component = "hello"

[[trigger.http]]
route = "/get"
component = "get"

[component.hello]
source = "hello.wasm"
reuse = { requests = 10000, concurrency = 1, idle = "30s" }

[component.get]
source = "kv-get.wasm"
key_value_stores = ["default"]
reuse = { requests = 10000, concurrency = 1, idle = "30s" }
"""

CHAIN = """
[[trigger.http]]
route = "/hello"
component = "plain"

[[trigger.http]]
route = "/chain"
component = "caller"

[[trigger.http]]
route = { private = true }
component = "hello"

[component.plain]
source = "hello.wasm"
reuse = { requests = 10000, concurrency = 1, idle = "30s" }

[component.caller]
source = "chain.wasm"
allowed_outbound_hosts = ["http://hello.spin.internal"]
reuse = { requests = 10000, concurrency = 1, idle = "30s" }

[component.hello]
source = "hello.wasm"
"""

REUSED = 'reuse = { requests = 10000, concurrency = 1, idle = "30s" }\n'

KEY_VALUE_GUEST = GUESTS / "wat" / "kv-get.wasm"
CHAIN_GUEST = GUESTS / "wat" / "chain.wasm"


def measure(bench: Bench) -> list[Section]:
    """Key-value, then chaining."""
    return [_key_value(bench), _chain(bench)]


def _key_value(bench: Bench) -> Section:
    others = Others()
    with ExitStack() as stack:
        targets: list[Target] = []
        for store in ("memory", "sqlite"):
            server = stack.enter_context(_host(bench, store))
            server.expect("/get", b"value")
            targets += [
                Target(f"{store} hello", server, "/hello"),
                Target(f"{store} get", server, "/get"),
            ]
        alone = bench.load.rounds_over(targets, connections=1)
        many = bench.load.rounds_over(targets, connections=50)
    rows: list[Row] = []
    for store, goal in (("memory", 10.0), ("sqlite", 60.0)):
        for results, connections in ((alone, 1), (many, 50)):
            added = _added(results, f"{store} hello", f"{store} get", connections)
            rows.append(
                Row(
                    f"a get through {store} adds, {connections} connections",
                    added,
                    "µs",
                    goal=goal,
                    judged="value",
                    bound="at most",
                    headline=True,
                )
            )
    conditions = (
        "the WAT guest that opens a store and gets one key less the WAT hello, instances reused so "
        f"that nothing else differs, {bench.placed}; "
        "1 connection: median latency; 50: median latency for each request in the queue"
    )
    return Section("Key-value", conditions, rows, others.share())


def _host(bench: Bench, store: str) -> Server:
    directory = bench.application(f"get-{store}", KEY_VALUE, [WAT_HELLO, KEY_VALUE_GUEST])
    config = directory / "host.toml"
    config.write_text(f'[key_value_store.default]\ntype = "{store}"\n', encoding="utf-8")
    arguments = ("--config", str(config), "--key-value", "key=value", "--quiet")
    return bench.paddock(directory, *arguments, path="/get")


def _added(results: Mapping[str, Result], without: str, with_it: str, connections: int) -> float:
    """Microseconds; a server that is busy all the time answers `connections` one by one."""
    return (results[with_it].median("p50") - results[without].median("p50")) / connections


def _chain(bench: Bench) -> Section:
    others = Others()
    with ExitStack() as stack:
        targets: list[Target] = []
        for called, manifest in (("fresh", CHAIN), ("reused", CHAIN + REUSED)):
            guests = [WAT_HELLO, CHAIN_GUEST]
            directory = bench.application(f"chain-{called}", manifest, guests)
            server = stack.enter_context(bench.paddock(directory, "--quiet", path="/chain"))
            server.expect("/chain", b"hello")
            targets.append(Target(f"{called} hello", server, "/hello"))
            targets.append(Target(f"{called} chain", server, "/chain"))
        alone = bench.load.rounds_over(targets, connections=1)
        many = bench.load.rounds_over(targets, connections=50)
    rows: list[Row] = []
    for called in ("fresh", "reused"):
        for results, connections in ((alone, 1), (many, 50)):
            added = _added(results, f"{called} hello", f"{called} chain", connections)
            rows.append(
                Row(
                    f"a call to the WAT hello, {called}, adds, {connections} connections",
                    added, "µs", goal=40, judged="value", bound="at most", headline=True,
                )
            )  # fmt: skip
    conditions = (
        "a reused WAT guest that calls another component and answers with what it gets, less a "
        f"reused WAT hello: the caller's own part is in it; {bench.placed}, medians"
    )
    return Section("Chained call", conditions, rows, others.share())
