"""Whose certificates are believed: the system's authorities, or those of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError
from paddock.providers.options import OptionError, Options

if TYPE_CHECKING:
    import ssl


def ca_from(table: Options, base: Path | None, *, tls: bool) -> str | None:
    """Take `ca`, a file of certificates; OptionError for one that can't be read."""
    text = table.text("ca")
    if not text:
        return None
    path = str(base / text) if base else text
    if not tls:
        raise OptionError(
            "ca",
            "`ca` has no effect: `url` is not for TLS",
            hint="use the scheme for TLS, or leave `ca` out",
        )
    try:
        context(path)
    except CapabilityError as error:
        raise OptionError("ca", f"`ca`: {error.message}", hint=error.hint) from error
    return path


def context(ca: str | None) -> ssl.SSLContext:
    """For a client that checks certificate and name. Reads `ca`; CapabilityError if it can't."""
    import ssl

    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise CapabilityError(
            f"no certificates can be read from {ca}", hint="name a file of certificates in PEM"
        ) from error
