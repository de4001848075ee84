"""What all servers of the tests have in common: a port, a directory, a life."""

from __future__ import annotations

import contextlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Self

from scripts import programs
from tests.services.process import Process, environment, hand_over, identity, undertaker

HOST = "127.0.0.1"
#: For `localhost` and 127.0.0.1, signed by itself: whoever trusts it as a CA accepts it.
CERTIFICATE = Path(__file__).resolve().parents[1] / "e2e" / "certificate" / "certificate.pem"
#: Below the range from which systems choose ports for clients, so that a server that
#: is started again finds its port free.
PORTS = range(20000, 32000)


class MissingProgram(Exception):
    """A server's program is not on this machine; `scripts/services.py` says why."""


class DidNotStart(Exception):
    """A server ended or did not answer; the text has the end of its log."""


class Server(ABC):
    """A server that runs on `port` with its data in `directory`, from `start` to `close`.

    Between these it may be stopped, killed, paused and started again, always on the
    same port and with the same data. `user` and `password` are what it asks for.
    """

    name: ClassVar[str]
    #: Seconds within which it has to answer, on a machine that has other things to do.
    patience: ClassVar[float] = 60
    #: The signal that ends it in an orderly way, whatever clients are connected.
    end_signal: ClassVar[signal.Signals] = signal.SIGTERM

    user = "paddock"

    def __init__(self) -> None:
        self.password = secrets.token_hex(12)
        #: The password that it really accepts.
        self._accepted = self.password
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"paddock-{self.name}-"))
        undertaker(f" {self.directory}")
        hand_over(self.directory)
        self._process: Process | None = None
        self._prepared = False

    # -- what each server says of itself

    @property
    @abstractmethod
    def url(self) -> str:
        """How a client reaches it, with user and password where its URLs have them."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line; called at each start."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers its protocol; may raise OSError."""

    def refuse_authentication(self) -> None:
        """From now on it accepts another password; connected clients are thrown out."""
        raise NotImplementedError(f"{self.name} always asks for the same password")

    def accept_authentication(self) -> None:
        """Accepts `password` again."""
        raise NotImplementedError(f"{self.name} always asks for the same password")

    def prepare(self) -> None:  # noqa: B027 # most need nothing
        """Makes the data directory; called before the first start."""

    # -- life

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        assert self._process, f"{self.name} was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return bool(self._process and self._process.running)

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def start(self) -> Self:
        """Returns when it answers."""
        if self.running:
            return self
        if not self._prepared:
            self.prepare()
            self._prepared = True
        self._process = Process(self.command(), self.directory, self.log)
        self.until(self.answers, "answer its protocol")
        return self

    def stop(self) -> None:
        """Ends it in an orderly way."""
        if self._process and self._process.running:
            self._process.terminate(self.end_signal, 30)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, no client is told."""
        if self._process:
            self._process.kill()

    def save(self) -> None:  # noqa: B027 # most keep at once what they acknowledge
        """Returns when a kill loses nothing of what was acknowledged."""

    def restart(self) -> None:
        """Starts it again, after an orderly end if it still runs."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        assert self._process
        self._process.pause()

    def resume(self) -> None:
        assert self._process
        self._process.resume()

    def close(self) -> None:
        """Ends it for good and deletes its data."""
        if self._process and self._process.running:
            self._process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- for the servers

    def certificate(self) -> tuple[Path, Path]:
        """Copies of `CERTIFICATE` and its key that the server may read, made at the first call."""
        paths = self.directory / CERTIFICATE.name, self.directory / "key.pem"
        for path in paths:
            if not path.exists():
                shutil.copy(CERTIFICATE.parent / path.name, path)
                path.chmod(0o600)
                hand_over(path)
        return paths

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until `condition` holds; an OSError counts as not yet."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline and self.running:
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.02)
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
        why = f"within {self.patience:.0f} s" if self.running else "and has ended"
        self.kill()
        raise DidNotStart(f"{self.name} on port {self.port} did not {what} {why}:\n{last}")

    def run(self, command: Sequence[str]) -> str:
        """Runs a program beside the server, as the same user; what it printed."""
        result = subprocess.run(
            command,
            cwd=self.directory,
            env=environment(self.directory),
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
            **identity(),
        )
        if result.returncode:
            raise DidNotStart(f"{Path(command[0]).name} failed:\n{result.stdout}{result.stderr}")
        return result.stdout.strip()

    def file(self, name: str, text: str) -> Path:
        """Writes a file of the server's own, that nobody else reads."""
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        hand_over(path)
        return path

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=2)


def program(name: str) -> str:
    """The path of a server's program."""
    if found := programs.find(name):
        return str(found)
    raise MissingProgram(f"{name} is missing: `make services` installs it or says why not")


def free_port() -> int:
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise DidNotStart(f"no port of {PORTS} is free")
