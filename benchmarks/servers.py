"""Processes that serve: started on their core, waited for, asked what they cost."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.machine import TICKS


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MiB; `proportional` shares pages mapped by several processes."""

    resident: float
    proportional: float
    private: float


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, but Python keeps its compiled files, as it does for every user."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**clean, **(extra or {})}


class Server:
    """A serving process; ends with its `with` block.

    `port` is where it listens and `path` what answers there once it is up.
    `cores` are the CPUs that it may use.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        *,
        cores: Iterable[int],
        path: str = "/",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.port, self.path = port, path
        self._command, self._cores, self._extra = list(command), set(cores), extra
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as we do)
        self.started_in = 0.0

    def __enter__(self) -> Self:
        before, allowed = time.perf_counter(), os.sched_getaffinity(0)
        # Set here and inherited: a preexec function would cost start-up time.
        os.sched_setaffinity(0, self._cores)
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env=environment(self._extra),
            )
        finally:
            os.sched_setaffinity(0, allowed)
        try:
            self._wait(before)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait(self, before: float) -> None:
        """Until the first 200; `started_in` is the time that took, in seconds."""
        assert self._process is not None
        while self._process.poll() is None and time.perf_counter() - before < 120:
            answer = self.ask(self.path)
            if answer is not None and answer[0] == 200:
                self.started_in = time.perf_counter() - before
                return
            time.sleep(0.0005)
        raise RuntimeError(f"{' '.join(self._command)} does not serve {self.path}: {self.output()}")

    def expect(self, path: str, body: bytes) -> None:
        """Raise RuntimeError unless `path` is answered by just this: a fast error is no result."""
        answer = self.ask(path)
        if answer != (200, body):
            raise RuntimeError(f"{self.url(path)} gave {answer}, not {body!r}: {self.output()}")

    def ask(self, path: str) -> tuple[int, bytes] | None:
        """Status and body of one request; None where nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read()[-2000:].decode(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, path: str | None = None) -> str:
        return f"http://127.0.0.1:{self.port}{path or self.path}"

    def cpu(self) -> float:
        """CPU seconds of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> Memory:
        return memory(self.pid)

    def stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def memory(pid: int | str) -> Memory:
    """Of a process by its number, or "self"."""
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0])
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Memory(sizes["Rss"] / 1024, sizes["Pss"] / 1024, private / 1024)
