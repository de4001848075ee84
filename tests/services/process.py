"""A server's process with its children: started unprivileged, stopped, killed, paused by id."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

#: Who runs the servers when the tests run as root: some refuse root, none needs it.
UNPRIVILEGED = "nobody"


class Process:
    """One running program; `pid` is the program's own."""

    def __init__(self, command: Sequence[str], directory: Path, log: Path) -> None:
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                cwd=directory,
                env=environment(directory),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **identity(),
            )
        self.pid = self._child.pid
        undertaker(f"+{self.pid}")

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait(self, seconds: float) -> bool:
        """Whether the program has ended within `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
            undertaker(f"-{self.pid}")
            return True
        return False

    def terminate(self, number: int, seconds: float) -> None:
        """Asks with a signal; after `seconds` it is killed, with its children."""
        self.resume()
        self._child.send_signal(number)
        if not self.wait(seconds):
            self.kill()

    def kill(self) -> None:
        """SIGKILL for all of it at once: none of its processes can tell another."""
        halted = self._halted()
        for pid in halted:
            send(pid, signal.SIGKILL)
        self.wait(30)
        wait_for_states(halted, "ZX")

    def pause(self) -> None:
        """Returns when every process of it has stopped: the signal alone takes a moment."""
        wait_for_states(self._halted(), "TZX")

    def resume(self) -> None:
        for pid in self._all():
            send(pid, signal.SIGCONT)

    def _halted(self) -> list[int]:
        """Stops the program first, so that it makes no more children, then these."""
        if not self.running:
            return []
        send(self.pid, signal.SIGSTOP)
        pids = self._all()
        for pid in pids:
            send(pid, signal.SIGSTOP)
        return pids

    def _all(self) -> list[int]:
        return [self.pid, *descendants(self.pid)] if self.running else []


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def environment(directory: Path) -> dict[str, str]:
    """Nothing of the caller's own, so that no variable changes what a server does."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(directory), "TMPDIR": str(directory), "LC_ALL": "C"}


class Identity(TypedDict, total=False):
    """Options of `subprocess`: as whom a program runs."""

    user: int
    group: int
    extra_groups: list[int]


def identity() -> Identity:
    """Somebody who may do nothing else; whoever runs the tests, unless that is root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def hand_over(path: Path) -> None:
    """Gives a file or directory to whoever runs the servers."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(path, user.pw_uid, user.pw_gid)


def descendants(pid: int) -> Iterator[int]:
    """Children and theirs; Postgres gives each a session of its own, so groups don't tell."""
    parents = dict(parentage())
    known = {pid}
    while more := {child for child, parent in parents.items() if parent in known} - known:
        known |= more
        yield from more


def state(pid: int) -> str:
    """Linux's letter: R and S run, T is stopped, Z and X have ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def wait_for_states(pids: Sequence[int], wanted: str) -> None:
    while sys.platform == "linux" and any(state(pid) not in wanted for pid in pids):
        time.sleep(0.001)


def parentage() -> Iterator[tuple[int, int]]:
    """Every process with its parent."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
        for line in listed.stdout.splitlines():
            pid, parent = line.split()
            yield int(pid), int(parent)
        return
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything; the state and the parent follow.
            yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])


@functools.cache
def _undertaker() -> Callable[[str], None]:
    pipe = subprocess.Popen(
        [sys.executable, "-S", "-m", "tests.services.undertaker"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert pipe.stdin
    stdin = pipe.stdin

    def say(line: str) -> None:
        stdin.write(f"{line}\n")
        stdin.flush()

    def end() -> None:
        stdin.close()
        pipe.wait()

    atexit.register(end)
    return say


def undertaker(line: str) -> None:
    """Tells the process that outlives the tests: `+PID` lives, `-PID` ended, ` PATH` is to go."""
    _undertaker()(line)
