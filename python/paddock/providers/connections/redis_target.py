"""Where a Redis server is and how to get in, out of options or a URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from paddock.errors import CapabilityError
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.trust import ca_from
from paddock.providers.options import OptionError, Options, Secret

PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """One server and database; equal ones share their connections.

    `timeout` in seconds bounds each call, `connections` their number. `ca` is a
    file of certificates to trust in place of the system's. `allowed` is asked
    about each address that is about to be connected to. With `statuses` simple
    strings are told from values, as `paddock.capabilities.redis.Status`.
    """

    host: str
    port: int = PORT
    database: int = 0
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    tls: bool = False
    ca: str | None = None
    timeout: float = 5.0
    connections: int = 4
    allowed: Allowed | None = field(default=None, repr=False)
    statuses: bool = False

    @property
    def what(self) -> str:
        """Names the server in messages, without what is secret."""
        return f"the Redis server at {self.host}:{self.port}"

    @property
    def place(self) -> str:
        """Where the data is, whoever asks for it."""
        return f"{self.host}:{self.port}/{self.database}"


def target_from(table: Options, base: Path | None) -> RedisTarget:
    """Take `url`, `username`, `password`, `ca`, `timeout` and `connections`; OptionError."""
    url = table.required("url")
    username, password = table.text("username"), table.secret("password")
    timeout = table.seconds("timeout", 5.0, least=0.01)
    connections = table.integer("connections", 4, least=1, most=1000)
    try:
        host, port, database, tls, inside = _parse(url)
    except ValueError as error:
        raise OptionError(
            "url",
            f"`url` is not the URL of a Redis server: {error}",
            hint='write url = "redis://host:6379/0", and rediss:// for TLS',
        ) from error
    return RedisTarget(
        host=host,
        port=port,
        database=database,
        username=username or inside[0],
        password=password or (Secret(inside[1]) if inside[1] else None),
        tls=tls,
        ca=ca_from(table, base, tls=tls),
        timeout=timeout,
        connections=connections,
    )


def target_of(url: str, allowed: Allowed, *, timeout: float = 5.0) -> RedisTarget:
    """For an address that a guest names; CapabilityError for what is no URL."""
    try:
        host, port, database, tls, inside = _parse(url)
    except ValueError as error:
        raise CapabilityError(f"the address is not the URL of a Redis server: {error}") from error
    return RedisTarget(
        host=host,
        port=port,
        database=database,
        username=inside[0],
        password=Secret(inside[1]) if inside[1] else None,
        tls=tls,
        timeout=timeout,
        allowed=allowed,
    )


def _parse(url: str) -> tuple[str, int, int, bool, tuple[str | None, str | None]]:
    """The parts of `redis[s]://[user:password@]host[:port][/database]`; ValueError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("its host or port can't be read") from None
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("it does not begin with redis:// or rediss://")
    if not host:
        raise ValueError("it has no host")
    database = parts.path.strip("/") or parse_qs(parts.query).get("db", ["0"])[0]
    if not (database.isascii() and database.isdigit() and len(database) < 6):
        raise ValueError("its path is not the number of a database")
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return host, port or PORT, int(database), parts.scheme == "rediss", (username, password)
