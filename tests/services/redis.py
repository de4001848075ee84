"""Redis with a password and an append-only file."""

from __future__ import annotations

from collections.abc import Sequence

from tests.services.server import HOST, Server, free_port, program


class RedisServer(Server):
    """`full`: it has no memory left (reads answer, writes get OOM), from its next start."""

    name = "redis"
    user = "default"

    def __init__(self, *, full: bool = False) -> None:
        super().__init__()
        self.full = full
        self.tls_port = free_port()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"rediss://:{self.password}@{HOST}:{self.tls_port}"

    def command(self) -> Sequence[str]:
        self.file("redis.conf", self._configuration())
        return [program("redis-server"), str(self.directory / "redis.conf")]

    def _configuration(self) -> str:
        certificate, key = self.certificate()
        return (
            f"bind {HOST}\nport {self.port}\ndir {self.directory}\n"
            f"requirepass {self._accepted}\n"
            f"tls-port {self.tls_port}\ntls-auth-clients no\n"
            f"tls-cert-file {certificate}\ntls-key-file {key}\n"
            'appendonly yes\nappendfsync everysec\nsave ""\n'
            f"maxmemory {1 if self.full else 0}\nmaxmemory-policy noeviction\n"
        )

    def answers(self) -> bool:
        return self.call("PING") == b"+PONG"

    def call(self, *words: str) -> bytes:
        """One command on a connection of its own; the first line of the answer."""
        lines = [encoded("AUTH", self._accepted), encoded(*words)]
        with self.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b"".join(lines))
            return [answers.readline().rstrip() for _ in lines][-1]

    def fill_up(self) -> None:
        """From now on writes get OOM; `make_room` undoes it."""
        assert self.call("CONFIG", "SET", "maxmemory", "1") == b"+OK"

    def make_room(self) -> None:
        assert self.call("CONFIG", "SET", "maxmemory", "0") == b"+OK"

    def refuse_authentication(self) -> None:
        """Another password; clients are disconnected. `accept_authentication` undoes it."""
        self._exchange(f"not-{self.password}")

    def accept_authentication(self) -> None:
        self._exchange(self.password)

    def _exchange(self, password: str) -> None:
        assert self.call("CONFIG", "SET", "requirepass", password) == b"+OK"
        self._accepted = password
        self.call("CLIENT", "KILL", "TYPE", "normal")
        self.call("CLIENT", "KILL", "TYPE", "pubsub")


def encoded(*words: str) -> bytes:
    """A command as RESP's array of bulk strings."""
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()
