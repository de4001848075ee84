"""MariaDB with one database, whose user may do anything there and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts import programs
from tests.services.server import HOST, Server, program


class MariadbServer(Server):
    """`root` without a password, through the socket in its directory, is the administrator."""

    name = "mariadb"
    database = "paddock"

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__()
        self.tls = tls

    @property
    def url(self) -> str:
        return f"mysql://{self.user}:{self.password}@{HOST}:{self.port}/{self.database}"

    @property
    def _socket(self) -> Path:
        return self.directory / "socket"

    def _common(self) -> list[str]:
        """What its installation and the server are both told: where files are, and no fsync."""
        base = programs.prefix() / "debian/usr"
        # What survives SIGKILL needs no fsync; what survives a power cut is not tested.
        options = [f"--datadir={self.directory / 'data'}", "--debug-no-sync"]
        if Path(program("mariadbd")).is_relative_to(programs.prefix()):
            messages = f"--lc-messages-dir={base}/share/mysql"
            options += [f"--basedir={base}", messages, f"--plugin-dir={base}/lib/mysql/plugin"]
        return options

    def prepare(self) -> None:
        create = [program("mariadb-install-db"), "--no-defaults", *self._common()]
        self.run([*create, "--auth-root-authentication-method=normal", "--skip-test-db"])

    def command(self) -> Sequence[str]:
        return [
            program("mariadbd"),
            "--no-defaults",
            *self._common(),
            f"--port={self.port}",
            f"--bind-address={HOST}",
            f"--socket={self._socket}",
            f"--pid-file={self.directory / 'pid'}",
            "--skip-name-resolve",
            *self._tls(),
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
            "--innodb-flush-log-at-trx-commit=2",
        ]

    def _tls(self) -> list[str]:
        if not self.tls:
            return []
        certificate, key = self.certificate()
        return [f"--ssl-cert={certificate}", f"--ssl-key={key}"]

    def answers(self) -> bool:
        """It greets with version 10 of its protocol, after the packet's header."""
        with self.connect() as connection, connection.makefile("rb") as packets:
            return packets.read(5)[4:] == b"\x0a"

    def start(self) -> MariadbServer:
        first = not self._prepared
        super().start()
        if first:
            self.execute(f"CREATE DATABASE {self.database}")
            self.execute(f"CREATE USER {self.user} IDENTIFIED BY '{self.password}'")
            self.execute(f"GRANT ALL ON {self.database}.* TO {self.user}")
        return self

    def execute(self, statement: str) -> str:
        """Runs statements as the administrator; rows as lines, fields parted by tabs."""
        client = [program("mariadb"), "--no-defaults", f"--socket={self._socket}", "-u", "root"]
        return self.run([*client, "--batch", "--skip-column-names", "-e", statement])

    def disconnect_clients(self) -> None:
        """Ends every session of the user."""
        self.execute(f"KILL USER {self.user}")

    def refuse_authentication(self) -> None:
        """Another password; clients are disconnected. `accept_authentication` undoes it."""
        self.execute(f"ALTER USER {self.user} IDENTIFIED BY 'not-{self.password}'")
        self.disconnect_clients()

    def accept_authentication(self) -> None:
        self.execute(f"ALTER USER {self.user} IDENTIFIED BY '{self.password}'")
