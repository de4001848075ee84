"""What starting something costs: a process, one in new namespaces, an instance."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import Others
from benchmarks.report import Row, Section
from benchmarks.tools import GUESTS, RUST_HELLO, WAT_HELLO

NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork")


def measure(bench: Bench) -> list[Section]:
    """One section; what this system does not permit is left out and named."""
    others = Others()
    process = _spawned(["/bin/true"], 300)
    contained = _namespaces()
    rows = [Row("a native process (/bin/true), to its end", process, "µs")]
    missing = "" if contained else "; new namespaces are not permitted here"
    if contained:
        rows.append(Row("the same in new namespaces (unshare)", contained, "µs"))
    for name, guest in (("WAT", WAT_HELLO), ("Rust", RUST_HELLO)):
        cost = _instance_cost(bench, guest)
        rows += [
            Row(
                f"an instance of the {name} guest",
                cost["instance_us"],
                "µs",
                "native process",
                process,
                headline=True,
            ),
            Row(
                f"a request to a fresh one, no socket, {name}",
                cost["fresh_request_us"],
                "µs",
            ),
            Row(f"a request to a reused one, no socket, {name}", cost["reused_request_us"], "µs"),
        ]
    conditions = (
        "medians; a process is started by posix_spawn and waited for, an instance is a store with "
        f"its WASI context and limits, instantiated and dropped again{missing}"
    )
    sizes = Section("Artefacts", "files as they lie there; a shell for scale", _sizes())
    return [Section("Starting things", conditions, rows, others.share()), sizes]


def _spawned(command: list[str], times: int) -> float:
    def spawn() -> int:
        pid = os.posix_spawn(command[0], command, os.environ)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    return _median(spawn, times)


def _namespaces() -> float | None:
    """Through unshare(1), whose own start is part of it, as a runtime's would be."""
    program = shutil.which("unshare")
    if program is None:
        return None
    for more in ((), ("--user", "--map-root-user")):
        command = [program, *more, *NAMESPACES, "/bin/true"]
        if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return _spawned(command, 100)
    return None


def _median(work: Callable[[], int], times: int) -> float:
    taken: list[float] = []
    for _ in range(times):
        before = time.perf_counter()
        if work() != 0:
            raise RuntimeError("a process that was started for measuring failed")
        taken.append((time.perf_counter() - before) * 1e6)
    return statistics.median(taken)


def _instance_cost(bench: Bench, guest: Path) -> dict[str, float]:
    command = [str(bench.tools.instance_cost), str(guest)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    costs: dict[str, float] = json.loads(done.stdout)
    return costs


def _sizes() -> list[Row]:
    files = (
        ("WAT hello", WAT_HELLO),
        ("C hello", GUESTS / "c" / "http" / "http.wasm"),
        ("Rust hello", RUST_HELLO),
        ("the shell /bin/sh", Path("/bin/sh").resolve()),
    )
    return [Row(name, path.stat().st_size / 1000, "kB") for name, path in files if path.exists()]
