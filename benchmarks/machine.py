"""The machine that is measured on: its cores, how busy it is, what it is."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """CPUs that the server and the load run on; the same one where there is no other."""

    server: frozenset[int]
    load: frozenset[int]

    @property
    def apart(self) -> bool:
        return self.server != self.load


def cores() -> Cores:
    """The first two CPUs that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(usable[:1]), frozenset(usable[1:2] or usable[:1]))


def conditions() -> dict[str, object]:
    """What a reader must know of the machine."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        # A distribution or provider adds more, which says nothing here.
        "kernel": ".".join(platform.release().split(".")[:2]),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


class Others:
    """CPU time that processes other than ours took, as a share of the machine.

    A virtual machine's own neighbours ("steal") count too.
    """

    def __init__(self) -> None:
        self._wall, self._busy, self._ours = time.monotonic(), _busy(), _ours()

    def share(self) -> float:
        """Since this was made: 0 is a quiet machine, 1 one without any time to spare."""
        wall = (time.monotonic() - self._wall) * (os.cpu_count() or 1)
        others = (_busy() - self._busy) - (_ours() - self._ours)
        return max(0.0, min(1.0, others / wall)) if wall else 0.0


def _busy() -> float:
    fields = [int(x) for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _wait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS


def _ours() -> float:
    """CPU seconds of this process and all below it, alive or gone."""
    total = sum(os.times()[:4])
    children: dict[int, list[tuple[int, float]]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # Fields 14 to 17 of proc(5), counted from the state: own and waited-for time.
        spent = sum(int(x) for x in fields[11:15]) / TICKS
        children.setdefault(int(fields[1]), []).append((int(entry.name), spent))
    below = list(children.get(os.getpid(), []))
    while below:
        pid, spent = below.pop()
        total += spent
        below += children.get(pid, [])
    return total
