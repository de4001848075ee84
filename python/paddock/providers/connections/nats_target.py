"""Where NATS servers are and how to get in, out of options."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from paddock.providers.connections.trust import ca_from
from paddock.providers.options import OptionError, Options, Secret

PORT = 4222


@dataclass(frozen=True, slots=True)
class NatsTarget:
    """Servers of one cluster; equal ones share a connection.

    `servers` are `host:port`. `credentials` and `ca` are files: a user's JWT
    with its seed, and certificates to trust in place of the system's. `timeout`
    in seconds bounds each request.
    """

    servers: tuple[str, ...]
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    token: Secret | None = field(default=None, repr=False)
    credentials: str | None = None
    tls: bool = False
    ca: str | None = None
    timeout: float = 5.0

    @property
    def what(self) -> str:
        """Names the servers in messages, without what is secret."""
        word = "servers" if len(self.servers) > 1 else "server"
        return f"the NATS {word} at {', '.join(self.servers)}"

    @property
    def place(self) -> str:
        """Where the data is, whoever asks for it."""
        return ",".join(self.servers)


def target_from(table: Options, base: Path | None) -> NatsTarget:
    """Take `url`, `username`, `password`, `token`, `credentials`, `ca`, `timeout`; OptionError.

    `url` may list several servers of a cluster, parted by commas.
    """
    url = table.required("url")
    username, password = table.text("username"), table.secret("password")
    token = table.secret("token")
    credentials = table.text("credentials")
    timeout = table.seconds("timeout", 5.0, least=0.01)
    servers: list[str] = []
    tls = False
    for each in url.split(","):
        server, secure, inside = _parse(each.strip())
        servers.append(server)
        tls = tls or secure
        if inside[1] is not None:
            username, password = username or inside[0], password or Secret(inside[1])
        elif inside[0] is not None:
            token = token or Secret(inside[0])

    return NatsTarget(
        servers=tuple(servers),
        username=username,
        password=password,
        token=token,
        credentials=str(base / credentials if base and credentials else credentials or "") or None,
        tls=tls,
        ca=ca_from(table, base, tls=tls),
        timeout=timeout,
    )


def _parse(url: str) -> tuple[str, bool, tuple[str | None, str | None]]:
    """`host:port`, whether by TLS, and (user or token, password) of one URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("nats", "tls") or not host:
        raise OptionError(
            "url",
            "`url` is not the URL of a NATS server with a host",
            hint='write url = "nats://host:4222", and tls:// for TLS',
        )
    if ":" in host:
        host = f"[{host}]"
    inside = tuple(unquote(each) if each else None for each in (parts.username, parts.password))
    return f"{host}:{port or PORT}", parts.scheme == "tls", (inside[0], inside[1])
