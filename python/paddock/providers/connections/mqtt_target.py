"""Where an MQTT broker is and how to get in, out of options or a URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from paddock.errors import BadName
from paddock.providers.connections.dial import Allowed
from paddock.providers.connections.trust import ca_from
from paddock.providers.options import OptionError, Options, Secret

PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class MqttTarget:
    """One broker; equal ones share a connection for publishing.

    `version` of the protocol: 5, or 4 for 3.1.1. `timeout` in seconds bounds each
    call; `keep_alive` in seconds is what the broker is promised. `client_id` empty
    lets the broker choose. `ca` is a file of certificates to trust in place of the
    system's. `allowed` is asked about each address that is about to be connected to.
    """

    host: str
    port: int = PORT
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    tls: bool = False
    ca: str | None = None
    version: int = 5
    client_id: str = ""
    keep_alive: int = 30
    timeout: float = 5.0
    allowed: Allowed | None = field(default=None, repr=False)

    @property
    def what(self) -> str:
        """Names the broker in messages, without what is secret."""
        return f"the MQTT broker at {self.host}:{self.port}"


def target_from(table: Options, base: Path | None) -> MqttTarget:
    """Take `url`, `username`, `password`, `ca`, `keep_alive` and `timeout`; OptionError."""
    url = table.required("url")
    username, password = table.text("username"), table.secret("password")
    keep_alive = table.seconds("keep_alive", 30.0, least=1.0)
    timeout = table.seconds("timeout", 5.0, least=0.01)
    try:
        host, port, tls, inside, _ = _parse(url)
    except ValueError as error:
        raise OptionError(
            "url",
            f"`url` is not the URL of an MQTT broker: {error}",
            hint='write url = "mqtt://host:1883", and mqtts:// for TLS',
        ) from error
    return MqttTarget(
        host=host,
        port=port,
        username=username or inside[0],
        password=password or (Secret(inside[1]) if inside[1] else None),
        tls=tls,
        ca=ca_from(table, base, tls=tls),
        keep_alive=min(65535, max(1, round(keep_alive))),
        timeout=timeout,
    )


def target_of(url: str, allowed: Allowed, *, timeout: float = 5.0) -> MqttTarget:
    """For an address that a guest names; BadName for what is no URL.

    The parameters `client_id` and `keep_alive` (seconds) are read, others ignored.
    """
    try:
        host, port, tls, inside, query = _parse(url)
        keep_alive = int(query.get("keep_alive", ["30"])[0])
    except ValueError as error:
        raise BadName(f"the address is not the URL of an MQTT broker: {error}") from error
    return MqttTarget(
        host=host,
        port=port,
        username=inside[0],
        password=Secret(inside[1]) if inside[1] else None,
        tls=tls,
        version=4,
        client_id=query.get("client_id", [""])[0],
        keep_alive=min(65535, max(1, keep_alive)),
        timeout=timeout,
        allowed=allowed,
    )


def _parse(
    url: str,
) -> tuple[str, int, bool, tuple[str | None, str | None], dict[str, list[str]]]:
    """The parts of `mqtt[s]://[user:password@]host[:port][?…]`; ValueError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        query = parse_qs(parts.query)
    except ValueError:
        raise ValueError("its host or port can't be read") from None
    if parts.scheme not in ("mqtt", "mqtts"):
        raise ValueError("it does not begin with mqtt:// or mqtts://")
    if not host:
        raise ValueError("it has no host")
    tls = parts.scheme == "mqtts"
    inside = tuple(unquote(each) if each else None for each in (parts.username, parts.password))
    return host, port or (TLS_PORT if tls else PORT), tls, (inside[0], inside[1]), query
