"""Rounds of load on several servers in turn, so that what changes on the machine
meanwhile changes them all."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Target:
    """A path of a server, under a name for the report."""

    name: str
    server: Server
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Round:
    """One turn: requests for each second of CPU of the server, latencies in microseconds."""

    per_cpu_second: float
    per_second: float
    p50: float
    p99: float
    #: Lost connections and answers that are not 2xx.
    failed: int
    #: The part of its core that the server used.
    utilisation: float


@dataclass(slots=True)
class Result:
    """The rounds of one target; every figure is their median."""

    rounds: list[Round] = field(default_factory=list[Round])

    def median(self, name: str) -> float:
        return statistics.median(float(getattr(each, name)) for each in self.rounds)

    @property
    def rate(self) -> float:
        return self.median("per_cpu_second")

    @property
    def failed(self) -> int:
        return sum(each.failed for each in self.rounds)


@dataclass(frozen=True, slots=True)
class Load:
    """How to load: the generator, its CPUs, seconds and number of rounds."""

    program: Path
    cores: frozenset[int]
    seconds: float = 3.0
    rounds: int = 5

    def rounds_over(
        self, targets: Sequence[Target], *, connections: int = 50, rounds: int | None = None
    ) -> Mapping[str, Result]:
        """All targets in turn, `rounds` times, after a short turn each that is not counted."""
        results = {target.name: Result() for target in targets}
        for target in targets:
            self.turn(target, connections, min(1.0, self.seconds))
        for _ in range(rounds or self.rounds):
            for target in targets:
                results[target.name].rounds.append(self.turn(target, connections, self.seconds))
        return results

    def turn(self, target: Target, connections: int, seconds: float) -> Round:
        """One turn on one target."""
        url = target.server.url(target.path)
        command = [str(self.program), url, "--connections", str(connections)]
        allowed = os.sched_getaffinity(0)
        cpu = target.server.cpu()
        os.sched_setaffinity(0, self.cores)
        try:
            done = subprocess.run(
                [*command, "--seconds", str(seconds)], capture_output=True, text=True, check=True
            )
        finally:
            os.sched_setaffinity(0, allowed)
        spent = target.server.cpu() - cpu
        seen = json.loads(done.stdout)
        if not seen["requests"]:
            raise RuntimeError(f"no answer from {target.name} at {url}: {target.server.output()}")
        return Round(
            per_cpu_second=seen["requests"] / max(spent, 0.01),
            per_second=seen["requests"] / seen["seconds"],
            p50=seen["p50_us"],
            p99=seen["p99_us"],
            failed=seen["errors"] + seen["refused"],
            utilisation=spent / seen["seconds"],
        )
