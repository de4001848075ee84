"""Runs the measurements: `python -m benchmarks [--quick] [--only NAME,…]`."""

from __future__ import annotations

import argparse
import compileall
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    applications,
    blob,
    capabilities,
    chain,
    configuration,
    hello,
    instances,
    key_value,
    messaging,
    pages,
    sql,
    start,
    tools,
    triggers,
    triggers_inside,
)
from benchmarks.bench import Bench
from benchmarks.load import Load
from benchmarks.machine import conditions, cores
from benchmarks.report import Report, Section

MEASUREMENTS: dict[str, Callable[[Bench], list[Section]]] = {
    "hello": hello.measure,
    "instances": instances.measure,
    "capabilities": capabilities.measure,
    "key_value": key_value.measure,
    "messaging": messaging.measure,
    "blob": blob.measure,
    "sql": sql.measure,
    "pages": pages.measure,
    "configuration": configuration.measure,
    "triggers": triggers.measure,
    "triggers_inside": triggers_inside.measure,
    "chain": chain.measure,
    "applications": applications.measure,
    "start": start.measure,
}


def main() -> int:
    options = _options()
    if not sys.platform.startswith("linux"):
        print("error: the benchmarks read /proc and pin processes, so they need Linux")
        return 1
    # A terminated run still stops the servers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = tools.find(install=not options.no_install)
    compileall.compile_dir(tools.ROOT / "python", quiet=2)
    if found.peer is None:
        print(
            f"No Wasmtime CLI 48: its figures are left out.\nhint: cargo install "
            f"wasmtime-cli@{tools.PEER_VERSION} --locked, or name one in WASMTIME"
        )
    report = Report({**conditions(), "peer": found.peer_version, "quick": options.quick})
    placed = cores()
    load = Load(found.load, placed.load, options.seconds, options.rounds)
    with tempfile.TemporaryDirectory(prefix="paddock-bench-") as directory:
        bench = Bench(found, placed, load, Path(directory))
        for name in options.only:
            for section in MEASUREMENTS[name](bench):
                report.add(section)
    report.write(options.results)
    print(f"\n{report.sentence()}\nWritten to {options.results}/latest.json and latest.md")
    if options.readme and not report.put_into(options.readme):
        print(f"{options.readme} has no markers, nothing was put there")
    if options.only == list(MEASUREMENTS):
        print("\nCalls of a guest into Python:", flush=True)
        bridge = [sys.executable, str(tools.ROOT / "benchmarks" / "bridge.py")]
        subprocess.run(bridge, env={**os.environ, "PYTHONPATH": str(tools.ROOT)}, check=False)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of one second: a trial")
    parser.add_argument("--seconds", type=float, help="of each round of load; default 3")
    parser.add_argument("--rounds", type=int, help="of load; default 5")
    parser.add_argument(
        "--only",
        type=_names,
        default=list(MEASUREMENTS),
        metavar="NAME,…",
        help=f"of {', '.join(MEASUREMENTS)}",
    )
    parser.add_argument(
        "--results", type=Path, default=tools.ROOT / "benchmarks" / "results", metavar="DIR"
    )
    parser.add_argument(
        "--readme", type=Path, metavar="FILE", help="put the headlines between its markers"
    )
    parser.add_argument("--no-install", action="store_true", help="don't install a missing peer")
    options = parser.parse_args()
    options.seconds = options.seconds or (1.0 if options.quick else 3.0)
    options.rounds = options.rounds or (2 if options.quick else 5)
    return options


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in MEASUREMENTS:
            raise argparse.ArgumentTypeError(f"'{name}' is not one of {', '.join(MEASUREMENTS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
