"""Mosquitto (MQTT 3.1.1 and 5) with one user; retained and queued messages are kept in a file."""

from __future__ import annotations

import signal
import struct
import subprocess
from collections.abc import Sequence

from tests.services.process import hand_over, send
from tests.services.server import HOST, Server, free_port, program


class MosquittoServer(Server):
    """What it acknowledged is saved a moment later: a kill at once loses it (see `save`).

    In bytes, `largest` is what a packet may have, `memory` what it uses for everything; 0: any.
    """

    name = "mosquitto"

    def __init__(self, *, largest: int = 0, memory: int = 0) -> None:
        super().__init__()
        self.tls_port = free_port()
        self.largest = largest
        self.memory = memory

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"mqtts://{HOST}:{self.tls_port}"

    def command(self) -> Sequence[str]:
        self._write_password()
        certificate, key = self.certificate()
        configuration = (
            f"listener {self.port} {HOST}\nlistener {self.tls_port} {HOST}\n"
            f"certfile {certificate}\nkeyfile {key}\n"
            f"allow_anonymous false\npassword_file {self.directory}/users\n"
            f"persistence true\npersistence_location {self.directory}/\n"
            "autosave_on_changes true\nautosave_interval 1\n"
            "max_queued_messages 0\n"
            "log_dest stdout\n"
        )
        if self.largest:
            configuration += f"max_packet_size {self.largest}\n"
        if self.memory:
            configuration += f"memory_limit {self.memory}\n"
        path = self.file("mosquitto.conf", configuration)
        return [program("mosquitto"), "-c", str(path)]

    def answers(self) -> bool:
        """CONNECT of MQTT 3.1.1 is answered with CONNACK, code 0."""
        fields = [b"", self.user.encode(), self._accepted.encode()]
        payload = b"".join(struct.pack("!H", len(field)) + field for field in fields)
        # Flags: user, password, clean session; a minute of keep-alive.
        body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + payload
        with self.connect() as connection:
            connection.sendall(bytes([0x10, len(body)]) + body)
            return connection.recv(4) == b"\x20\x02\x00\x00"

    def save(self) -> None:
        """Returns when everything up to now is in the file."""
        # Of two, the second has begun since: the first may have been under way before.
        for _ in range(2):
            before = self._saved()
            self.until(lambda before=before: self._saves(before), "save its messages")  # type: ignore[misc]

    def _saves(self, before: tuple[int, int] | None) -> bool:
        # Asked each time: it forgets what comes while it ends a save.
        send(self.pid, signal.SIGUSR1)
        # It writes another file and renames that.
        return self._saved() != before

    def _saved(self) -> tuple[int, int] | None:
        file = self.directory / "mosquitto.db"
        if not file.exists():
            return None
        # The number of a file that is gone is used again, so it is not enough.
        about = file.stat()
        return about.st_ino, about.st_mtime_ns

    def refuse_authentication(self) -> None:
        """Another password; clients are disconnected. `accept_authentication` undoes it."""
        self._exchange(f"not-{self.password}")

    def accept_authentication(self) -> None:
        self._exchange(self.password)

    def _exchange(self, password: str) -> None:
        self._accepted = password
        self._write_password()
        send(self.pid, signal.SIGHUP)
        self.until(self.answers, "reload its users")

    def _write_password(self) -> None:
        path = self.directory / "users"
        create = [program("mosquitto_passwd"), "-c", "-b", str(path), self.user, self._accepted]
        subprocess.run(create, capture_output=True, check=True)
        hand_over(path)
