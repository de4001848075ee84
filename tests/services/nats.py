"""NATS with JetStream, one user, and its configuration in a file that can be reloaded."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence

from tests.services.process import send
from tests.services.server import HOST, Server, program


class NatsServer(Server):
    """`full`: with more than 64 bytes in its streams it keeps nothing new, from its next start."""

    name = "nats"

    def __init__(self, *, full: bool = False, tls: bool = True) -> None:
        super().__init__()
        self.tls = tls
        self.full = full

    @property
    def url(self) -> str:
        return f"nats://{self.user}:{self.password}@{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """The URL without user and password."""
        return f"nats://{HOST}:{self.port}"

    @property
    def tls_url(self) -> str:
        return self.url.replace("nats://", "tls://")

    def command(self) -> Sequence[str]:
        self._configure()
        return [program("nats-server"), "-c", str(self.directory / "nats.conf")]

    def _configure(self) -> None:
        store = {
            "store_dir": str(self.directory / "jetstream"),
            "max_file_store": 64 if self.full else 4 << 30,
            "max_memory_store": 256 << 20,
        }
        certificate, key = self.certificate()
        account = {"user": self.user, "password": self._accepted}
        configuration: dict[str, object] = {
            "host": HOST,
            "port": self.port,
            "server_name": "paddock-tests",
            "jetstream": store,
            "authorization": {"users": [account]},
        }
        if self.tls:
            # At the same port, for those who ask for it.
            tls = {"cert_file": str(certificate), "key_file": str(key)}
            configuration |= {"tls": tls, "allow_non_tls": True}
        # The format of these files includes JSON.
        self.file("nats.conf", json.dumps(configuration, indent=1))

    def answers(self) -> bool:
        return self._pong(self._accepted)

    def _pong(self, password: str) -> bool:
        greeting = {"user": self.user, "pass": password, "verbose": False, "pedantic": False}
        with self.connect() as connection, connection.makefile("rb") as lines:
            if not lines.readline().startswith(b"INFO "):
                return False
            connection.sendall(f"CONNECT {json.dumps(greeting)}\r\nPING\r\n".encode())
            return lines.readline().startswith(b"PONG")

    def refuse_authentication(self) -> None:
        """Another password; clients are disconnected. `accept_authentication` undoes it."""
        self._exchange(f"not-{self.password}")

    def accept_authentication(self) -> None:
        self._exchange(self.password)

    def _exchange(self, password: str) -> None:
        self._accepted = password
        self._configure()
        send(self.pid, signal.SIGHUP)
        self.until(self.answers, "reload its configuration")
