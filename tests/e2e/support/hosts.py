"""A host in a process of its own, started as a user starts it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from paddock.errors import Unavailable

GUESTS = Path(__file__).resolve().parents[2] / "guests"
#: Seconds that anything may take on a busy machine before a test gives up.
PATIENCE = 60.0
#: Seconds within which a neighbour answers whatever the others do, on two busy cores.
SANE = 3.0

T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T | None], timeout: float = PATIENCE) -> T:
    """The first true value of `condition`, asked again and again."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.01)


async def until_taken(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` answers once its server is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await work()
            except Unavailable:
                await asyncio.sleep(0.05)


def environment(cache: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without what would change how a host behaves."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PADDOCK_", "SPIN_", "XDG_"))
    }
    return {**kept, "PADDOCK_CACHE_DIR": str(cache), **(extra or {})}


def paddock(
    *arguments: str | Path,
    cache: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "paddock", *map(str, arguments)],
        cwd=cwd,
        env=environment(cache, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@dataclass
class Running:
    """A host that serves; `log` is all that it wrote to stderr so far."""

    process: subprocess.Popen[bytes]
    manifest: Path
    state_dir: Path
    cache: Path
    out: Path
    err: Path
    url: str = ""
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def log(self) -> str:
        return self.err.read_text(encoding="utf-8", errors="replace")

    @property
    def stdout(self) -> str:
        return self.out.read_text(encoding="utf-8", errors="replace")

    @property
    def client(self) -> httpx.Client:
        """One client that keeps its connections."""
        if not self._clients:
            self._clients.append(self.new_client())
        return self._clients[0]

    def new_client(self, **options: object) -> httpx.Client:
        settings: dict[str, object] = {"base_url": self.url, "timeout": PATIENCE, **options}
        return httpx.Client(trust_env=False, **settings)  # pyright: ignore[reportArgumentType]

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.client.get(path, **options)  # pyright: ignore[reportArgumentType]

    def logged(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Wait until the log has a line in which `pattern` is found."""
        try:
            return wait_for(
                f"{pattern!r} in the log",
                lambda: re.search(pattern, self.log, re.MULTILINE),
                timeout,
            )
        except TimeoutError as error:
            raise AssertionError(f"{error}; the log is:\n{self.log}") from None

    def command(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """`paddock NAME` on this host, by its state directory."""
        return paddock(
            name, self.manifest, "--state-dir", self.state_dir, *arguments, cache=self.cache
        )

    def apply(self, *arguments: str | Path) -> dict[str, object]:
        """Apply what the files say now; it has to succeed."""
        done = self.command("apply", "--json", *arguments)
        assert done.returncode == 0, done.stderr + self.log
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def status(self) -> dict[str, object]:
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def trigger(self, id: str) -> dict[str, object]:
        """What `status` says of a trigger of the only application."""
        (application,) = self.status()["applications"]  # type: ignore[misc]
        (found,) = [each for each in application["triggers"] if each["id"] == id]
        return found  # type: ignore[no-any-return]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self, timeout: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(timeout)

    def stop(self) -> None:
        """End it in good order and look through its log for flaws of ours."""
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.signal()
            try:
                self.ended(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the host did not end; its log:\n{self.log}") from None
            assert self.process.returncode == 0, self.log
        # What guests themselves say of their panics is their affair.
        ours = "\n".join(line for line in self.log.splitlines() if " stderr: " not in line)
        for flaw in ("Traceback (most recent", "panicked at", "internal error"):
            assert flaw not in ours, self.log


def alive(pid: int) -> bool:
    """Whether a process runs that is not our child."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Its parent is gone; whoever inherited it may not have waited for it.
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def launch(
    manifest: Path,
    *arguments: str | Path,
    cache: Path,
    env: Mapping[str, str] | None = None,
    python: Path | str = sys.executable,
) -> Running:
    """Start `paddock up`; does not wait for it. Its state and logs stand beside the manifest.

    `python` is the interpreter of another installation.
    """
    base = manifest if manifest.is_dir() else manifest.parent
    number = len(list(base.glob("host-*.out")))
    out, err = base / f"host-{number}.out", base / f"host-{number}.err"
    options = list(map(str, arguments))
    state_dir = base / "state"
    if "--state-dir" in options:
        state_dir = Path(options[options.index("--state-dir") + 1])
    else:
        options += ["--state-dir", str(state_dir)]
    if "--listen" not in options:
        options += ["--listen", "127.0.0.1:0"]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [str(python), "-m", "paddock", "up", str(manifest), *options],
            env=environment(cache, env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    return Running(process, manifest, state_dir, cache, out, err)


def serving(running: Running, timeout: float = PATIENCE) -> Running:
    """Wait until a launched host serves, and learn its URL."""

    def ready() -> re.Match[str] | None:
        match = re.search(r"^Serving (\S+)$[^\0]*", running.stdout, re.MULTILINE)
        if match is None and running.process.poll() is not None:
            raise AssertionError(f"the host ended before it served:\n{running.log}")
        return match

    running.url = wait_for("the host to serve", ready, timeout).group(1)
    return running


def memory(host: Running) -> int:
    """Kilobytes of the host's process that are in memory."""
    status = Path(f"/proc/{host.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def while_served(host: Running, bad: Callable[[], object], times: int = 1) -> list[object]:
    """Do `bad` in threads, and ask a neighbour all the time; what `bad` gave.

    The neighbour answers "hello" on any path of no particular host.
    """
    with concurrent.futures.ThreadPoolExecutor(times) as pool:
        pending = [pool.submit(bad) for _ in range(times)]
        while True:
            began = time.monotonic()
            with host.new_client() as client:
                assert client.get("/").text.strip() == "hello"
            assert time.monotonic() - began < SANE
            if all(one.done() for one in pending):
                return [one.result() for one in pending]
