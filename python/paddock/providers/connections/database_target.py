"""Where a Postgres or MySQL server is and how to get in, out of options or a URL.

URLs are `postgres://user:password@host:port/database?sslmode=require` and
`mysql://…` with `ssl-mode`. The modes of TLS are libpq's (PostgreSQL manual,
"SSL Support"), for MySQL too. Nothing is taken from the environment (PGPASSWORD,
~/.pgpass): that would hand the operator's passwords to servers that guests name.
"""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from paddock.errors import CapabilityError
from paddock.providers.connections.dial import Allowed, NamedContext
from paddock.providers.options import OptionError, Options, Secret

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
MODES: tuple[SslMode, ...] = get_args(SslMode)

Product = Literal["Postgres", "MySQL"]
#: Schemes, port, the user and the database where a URL has none, by product.
_PRODUCTS: dict[Product, tuple[tuple[str, ...], int, str]] = {
    "Postgres": (("postgres", "postgresql"), 5432, "postgres"),
    "MySQL": (("mysql", "mariadb"), 3306, "root"),
}

#: Begins the fragment by which the facades hand on a certificate that a guest gave.
CA = "ca="


@dataclass(frozen=True, slots=True)
class DatabaseTarget:
    """One server, user and database; equal ones share their connections.

    `timeout` in seconds bounds each call, `connections` their number. `ca` is a
    file of certificates to trust in place of the system's, `ca_text` their PEM.
    `owner` keeps apart those who may not meet in a session: an application.
    `allowed` is asked about each address that is about to be connected to.
    """

    product: Product
    host: str
    port: int
    user: str
    password: Secret = field(default=Secret(""), repr=False)
    database: str = ""
    tls: SslMode = "prefer"
    ca: str | None = None
    ca_text: str | None = field(default=None, repr=False)
    timeout: float = 5.0
    connections: int = 10
    owner: str = ""
    allowed: Allowed | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"the {self.product} server at {host}:{self.port}"

    @property
    def place(self) -> str:
        """Where the data is, whoever asks for it."""
        return f"{self.host}:{self.port}/{self.database}"

    def owned(self, owner: str) -> DatabaseTarget:
        """The same, with connections that only `owner` uses."""
        return replace(self, owner=owner)

    def context(self) -> ssl.SSLContext | None:
        """The TLS settings; None for a connection without. Reads `ca`; may raise OSError."""
        if self.tls == "disable":
            return None
        context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.name = self.host
        context.check_hostname = self.tls == "verify-full"
        checked = self.tls.startswith("verify") or self.ca or self.ca_text
        context.verify_mode = ssl.CERT_REQUIRED if checked else ssl.CERT_NONE
        if self.ca or self.ca_text:
            context.load_verify_locations(cafile=self.ca, cadata=self.ca_text)
        elif checked:
            context.load_default_certs()
        return context


def target_from(product: Product, table: Options, base: Path | None) -> DatabaseTarget:
    """Take the keys that lead to a server; OptionError names one that is wrong.

    `url`, or `host`, `port`, `user`, `database` in its place; `password`,
    `sslmode`, `sslrootcert`, `timeout`, `connections`.
    """
    url = table.text("url")
    single = {key: table.text(key) for key in ("host", "user", "database")}
    port = table.integer("port", 0, least=0, most=65535)
    password, mode = table.secret("password"), table.text("sslmode")
    ca = table.text("sslrootcert")
    timeout = table.seconds("timeout", 5.0, least=0.01)
    connections = table.integer("connections", 10, least=1, most=1000)
    if url:
        try:
            target = _parse(product, url)
        except ValueError as error:
            raise OptionError(
                "url", f"`url` is not the URL of a {product} server: {error}", hint=_form(product)
            ) from error
        for key in ("host", "user", "database", "port"):
            if single.get(key) or (key == "port" and port):
                raise OptionError(key, f"`{key}` and `url` exclude each other")
    elif single["host"]:
        _, usual, user = _PRODUCTS[product]
        target = DatabaseTarget(
            product, single["host"], port or usual, single["user"] or user,
            database=single["database"] or "",
        )  # fmt: skip
    else:
        raise OptionError("url", f"a {product} server needs `url`", hint=_form(product))
    if mode is not None and mode not in MODES:
        raise OptionError(
            "sslmode", f"`sslmode` can't be {mode!r}", hint=f"use one of {', '.join(MODES)}"
        )
    target = replace(
        target,
        password=password or target.password,
        tls=mode or target.tls,
        ca=str(base / ca if base else ca) if ca else None,
        timeout=timeout,
        connections=connections,
        database=target.database or (target.user if product == "Postgres" else ""),
    )
    _check_context(target)
    return target


def _check_context(target: DatabaseTarget) -> None:
    try:
        target.context()
    except (OSError, ValueError) as error:
        raise OptionError(
            "sslrootcert",
            f"`sslrootcert`: no certificates can be read from {target.ca}",
            hint="name a file of certificates in PEM",
        ) from error


def target_of(product: Product, url: str, allowed: Allowed) -> DatabaseTarget:
    """For an address that a guest names; CapabilityError for what is no URL."""
    try:
        target = _parse(product, url)
        target = replace(target, database=target.database or target.user, allowed=allowed)
        target.context()
    except (ValueError, OSError) as error:
        reason = str(error) if type(error) is ValueError else "its certificate can't be read"
        raise CapabilityError(
            f"the address is not the URL of a {product} server: {reason}"
        ) from error
    return target


def _form(product: Product) -> str:
    scheme = _PRODUCTS[product][0][0]
    return f'write url = "{scheme}://user@host/database" and password = {{ env = "NAME" }}'


def _parse(product: Product, url: str) -> DatabaseTarget:
    """Raises ValueError with a reason that shows nothing of the URL but names of parameters."""
    schemes, usual_port, usual_user = _PRODUCTS[product]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        raise ValueError("its host or port can't be read") from None
    if parts.scheme not in schemes:
        raise ValueError(f"it does not begin with {schemes[0]}://")
    if not host:
        raise ValueError("it has no host")
    ca_text = None
    if parts.fragment.startswith(CA):
        ca_text = base64.urlsafe_b64decode(parts.fragment.removeprefix(CA)).decode("ascii")
    return DatabaseTarget(
        product,
        unquote(host),
        port or usual_port,
        unquote(parts.username or usual_user),
        Secret(unquote(parts.password or "")),
        unquote(parts.path.lstrip("/")),
        tls=_mode(query),
        ca_text=ca_text,
    )


def _mode(query: list[tuple[str, str]]) -> SslMode:
    mode = "prefer"
    for key, value in query:
        if key in ("sslmode", "ssl-mode", "ssl_mode"):
            # MySQL's words for the same modes.
            mode = {
                "disabled": "disable",
                "preferred": "prefer",
                "required": "require",
                "verify_ca": "verify-ca",
                "verify_identity": "verify-full",
            }.get(value.lower(), value.lower())
        elif key not in _IGNORED:
            raise ValueError(f"the parameter {key[:40]!r} is not supported")
    if mode not in MODES:
        raise ValueError(f"its sslmode is none of {', '.join(MODES)}")
    return mode


#: Parameters that change nothing which a guest could see.
_IGNORED = ("application_name", "connect_timeout", "fallback_application_name", "charset")
