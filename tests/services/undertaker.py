"""Ends the servers of tests that were themselves killed: runs until its input ends."""

from __future__ import annotations

import shutil
import signal
import sys

from tests.services.process import descendants, send


def main() -> None:
    alive: set[int] = set()
    directories: set[str] = set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        kind, value = line[0], line[1:].rstrip("\n")
        if kind == "+":
            alive.add(int(value))
        elif kind == "-":
            alive.discard(int(value))
        else:
            directories.add(value)
    # One that was paused can't end its children itself.
    for pid in [*alive, *(child for server in alive for child in descendants(server))]:
        send(pid, signal.SIGKILL)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
