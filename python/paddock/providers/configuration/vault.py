"""Configuration values in HashiCorp Vault, OpenBao or what speaks their HTTP API.

Version 2 of the key-value engine: `GET /v1/<mount>/data/<path>` answers
`{"data": {"data": {NAME: VALUE}}}` (Vault's HTTP API, "KV secrets engine - version 2").
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import os
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.options import OptionError, Options, Secret
from paddock.types import Deferred, Reply, resolve, then

LOG = logging.getLogger("paddock.host")

#: Bytes of an answer; a secret of Vault's has at most 1 MiB by default.
LARGEST = 4 << 20
#: Paths that are kept in memory, found or not.
MOST = 1000
#: Seconds in which a server that did not answer is not asked again.
PAUSE = 1.0
#: Seconds between two questions while it is waited for.
LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class VaultConfig:
    """`url` without a path. `mount` is the engine's.

    With `path`, variables are the fields of one secret. Else each is a secret of its
    own, `prefix/NAME`, with the field `value`, as in Spin. `refresh`, `timeout` and `wait`,
    for a server that has not answered yet, in seconds.
    """

    url: str
    token: Secret
    mount: str = "secret"
    path: str | None = None
    prefix: str = ""
    namespace: str | None = None
    ca: str | None = None
    refresh: float = 60.0
    timeout: float = 5.0
    wait: float = 0.0

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> VaultConfig:
        """Read a `[[variables_provider]]` table."""
        what = "a variables provider of type vault"
        table = Options(options, what, base)
        url = table.required("url").rstrip("/")
        token = table.secret("token")
        config = cls(
            url,
            token or Secret(""),
            (table.text("mount") or "secret").strip("/"),
            table.text("path"),
            (table.text("prefix") or "").strip("/"),
            table.text("namespace"),
            _absolute(table.text("ca"), base),
            table.seconds("refresh", 60.0),
            table.seconds("timeout", 5.0, least=0.1),
            table.seconds("wait", 0.0),
        )
        table.done()
        if not _is_url(url):
            raise OptionError("url", f"{what}: `url` must be http(s)://HOST[:PORT]")
        if not config.token.value:
            hint = 'set token = { env = "VAULT_TOKEN" } or { file = "PATH" }'
            raise OptionError("token", f"{what} needs the option `token`", hint=hint)
        if not config.token.value.isascii() or not config.token.value.isprintable():
            raise OptionError("token", f"{what}: `token` has characters that no token has")
        if config.ca is not None and not os.path.isfile(config.ca):
            raise OptionError("ca", f"{what}: `ca` is {config.ca}, which is no file")
        if config.path is not None and config.prefix:
            raise OptionError("prefix", f"{what}: `path` and `prefix` exclude each other")
        return config


def _absolute(path: str | None, base: Path | None) -> str | None:
    return None if path is None else os.path.abspath((base or Path()) / path)


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port or 1) > 0
            and "@" not in parts.netloc
            and not (parts.path or parts.query or parts.fragment)
        )
    except ValueError:
        return False


class VaultConfiguration:
    """`type = "vault"`."""

    Config = VaultConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> VaultValues:
        """The same values for every application; nothing is asked for yet."""
        del application, name, state_dir
        if not isinstance(config, VaultConfig):
            raise TypeError(f"wanted VaultConfig, got {type(config).__name__}")
        return VaultValues(config)


@dataclass(slots=True)
class _Kept:
    fields: Mapping[str, str] = field(repr=False)
    until: float
    stale: bool = False


class VaultValues:
    """The contract is `paddock.capabilities.configuration.Configuration`.

    What was read is kept for `refresh` seconds. While the server does not answer,
    the last value known is used; a server that refuses is an error at once. One that
    has never answered is waited for, `wait` seconds from the beginning at most.
    """

    def __init__(self, config: VaultConfig) -> None:
        self._config = config
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        #: Until when, and with what error, a server that did not answer is left alone.
        self._away = (0.0, "")
        self._waiting_until = time.monotonic() + config.wait

    def get(self, name: str, /) -> Reply[str | None]:
        """In place while it is fresh, else on the thread pool."""
        path, key = self._place(name)
        kept = self._kept.get(path)
        if kept is not None and time.monotonic() < kept.until:
            return kept.fields.get(key)
        return then(self._found(path), lambda fields: fields.get(key))

    def get_all(self) -> Reply[Mapping[str, str]]:
        """The fields of `path`; {} where each variable is a secret of its own."""
        path = self._config.path
        return {} if path is None else self._found(path.strip("/"))

    def close(self) -> None:
        """No connection is kept."""

    def _place(self, name: str) -> tuple[str, str]:
        config = self._config
        if config.path is not None:
            return config.path.strip("/"), name
        return f"{config.prefix}/{name}".lstrip("/"), "value"

    def _found(self, path: str) -> Reply[Mapping[str, str]]:
        if time.monotonic() < self._waiting_until:
            return self._patiently(path)
        return Deferred(lambda: self._fields(path))

    async def _patiently(self, path: str) -> Mapping[str, str]:
        pause = PAUSE
        while True:
            try:
                return await resolve(Deferred(lambda: self._fields(path)))
            except Unavailable as error:
                left = self._waiting_until - time.monotonic()
                if left <= 0:
                    raise
                if pause == PAUSE:
                    LOG.warning("%s; it is waited for, %.0f s more at most", error.message, left)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    def _fields(self, path: str) -> Mapping[str, str]:
        # One asks at a time, so that many guests at once ask the server once.
        with self._lock:
            kept = self._kept.get(path)
            if kept is not None and time.monotonic() < kept.until:
                return kept.fields
            try:
                fields = self._ask_unless_away(path)
            except Unavailable as error:
                if kept is None:
                    raise
                if kept.stale:
                    return kept.fields
                LOG.warning("%s; the last values known are used", error.message)
                kept.stale = True
                return kept.fields
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[path] = _Kept(fields, time.monotonic() + self._config.refresh)
            return fields

    def _ask_unless_away(self, path: str) -> Mapping[str, str]:
        until, message = self._away
        if time.monotonic() < until:
            raise Unavailable(message)
        try:
            fields = self._ask(path)
        except Unavailable as error:
            self._away = (time.monotonic() + PAUSE, error.message)
            raise
        self._waiting_until = 0.0
        return fields

    def _ask(self, path: str) -> Mapping[str, str]:
        config = self._config
        where = f"Vault at {config.url}, {config.mount}/{path}"
        try:
            status, body = self._exchange(f"/v1/{quote(config.mount)}/data/{quote(path)}")
        except (OSError, http.client.HTTPException) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else _reason(error)
            raise Unavailable(f"{where} can't be reached: {reason}") from None
        if status == 404:
            return {}
        if status in (401, 403):
            raise CapabilityError(
                f"{where}: access was refused",
                hint="check `token`, and the policies that it has for this path",
            )
        if status != 200:
            failed = Unavailable if status in (429, 473, 500, 502, 503) else CapabilityError
            raise failed(f"{where}: the server answered {status}")
        return _fields(body, where)

    def _exchange(self, target: str) -> tuple[int, bytes]:
        config, parts = self._config, urlsplit(self._config.url)
        host, timeout = parts.hostname or "", config.timeout
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=config.ca)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=timeout, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
        headers = {"X-Vault-Token": config.token.value, "X-Vault-Request": "true"}
        if config.namespace:
            headers["X-Vault-Namespace"] = config.namespace
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(LARGEST)
        finally:
            connection.close()


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__)[:200]


def _fields(body: bytes, where: str) -> Mapping[str, str]:
    try:
        table = json.loads(body)["data"]["data"]
        fields = cast("Mapping[str, object]", table)
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in fields.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        # Not as its cause: the error may hold what was answered.
        raise CapabilityError(
            f"{where}: the answer is not that of a key-value engine",
            hint="`mount` has to be an engine of type kv, version 2",
        ) from None
