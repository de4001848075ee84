"""PostgreSQL with one database, whose user is no superuser; passwords are checked (SCRAM)."""

from __future__ import annotations

import signal
import struct
from collections.abc import Sequence
from pathlib import Path

from tests.services.process import hand_over
from tests.services.server import HOST, Server, program


class PostgresServer(Server):
    """Local connections through the socket in its directory are the administrator's.

    `full`: from its next start no file grows beyond 24 MiB, as if the disk ended there.
    """

    name = "postgres"
    full = False
    #: "Fast": open transactions are rolled back.
    end_signal = signal.SIGINT
    database = "paddock"

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__()
        self.tls = tls

    @property
    def url(self) -> str:
        return f"postgres://{self.user}:{self.password}@{HOST}:{self.port}/{self.database}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def prepare(self) -> None:
        initdb = [program("initdb"), "-D", str(self.data), "-U", "postgres", "-E", "UTF8"]
        self.run([*initdb, "--no-locale", "--no-sync", "-A", "trust"])
        rules = f"local all postgres trust\nhost all all {HOST}/32 scram-sha-256\n"
        path = self.data / "pg_hba.conf"
        path.write_text(rules)
        hand_over(path)

    def command(self) -> Sequence[str]:
        settings: dict[str, object] = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": self.directory,
            "password_encryption": "scram-sha-256",
            "max_connections": 200,
            "jit": "off",
            "log_timezone": "UTC",
            "timezone": "UTC",
            # What survives SIGKILL needs no fsync; what survives a power cut is not tested.
            "fsync": "off",
        }
        if self.tls:
            certificate, key = self.certificate()
            settings |= {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key}
        options = [text for key, value in settings.items() for text in ("-c", f"{key}={value}")]
        command = [program("postgres"), "-D", str(self.data), *options]
        # In blocks of 512 bytes, for whatever it starts.
        limit = ["sh", "-c", 'ulimit -f 49152; exec "$@"', "sh"]
        return [*limit, *command] if self.full else command

    def answers(self) -> bool:
        """A start-up message is answered with a request for authentication, not an error."""
        words = b"user\0postgres\0database\0postgres\0\0"
        with self.connect() as connection:
            connection.sendall(struct.pack("!ii", len(words) + 8, 3 << 16) + words)
            return connection.recv(1) == b"R"

    def start(self) -> PostgresServer:
        first = not self._prepared
        super().start()
        if first:
            self.execute(f"CREATE ROLE {self.user} LOGIN PASSWORD '{self.password}'")
            self.execute(f"CREATE DATABASE {self.database} OWNER {self.user}")
        return self

    def execute(self, statement: str, *, database: str = "postgres") -> str:
        """Runs one statement as the administrator; its rows as lines, fields parted by `|`."""
        connection = ["-h", str(self.directory), "-p", str(self.port), "-U", "postgres"]
        options = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]
        return self.run([program("psql"), *connection, *options, "-c", statement])

    def disconnect_clients(self) -> None:
        """Ends every session of the user."""
        self.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.user}'"
        )

    def refuse_authentication(self) -> None:
        """Another password; clients are disconnected. `accept_authentication` undoes it."""
        self.execute(f"ALTER ROLE {self.user} PASSWORD 'not-{self.password}'")
        self.disconnect_clients()

    def accept_authentication(self) -> None:
        self.execute(f"ALTER ROLE {self.user} PASSWORD '{self.password}'")
