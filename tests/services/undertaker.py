"""Ends the servers of tests that were themselves killed: runs until its input ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys


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
    for pid in alive:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
