"""The application that one component is, with what the command line grants it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddock.manifest.model import Application, FileMount, Limits, Reuse
from paddock.manifest.reader import bare, find

if TYPE_CHECKING:
    from paddock.cli.grants_options import Given


def application(file: Path, given: Given, limits: Limits, reuse: Reuse | None) -> Application:
    """The component of `file`, on every route."""
    found = bare(find(file))
    names: dict[str, Any] = dict(given.names)
    (component,) = found.components.values()
    component = replace(
        component,
        files=tuple(
            FileMount(host, _absolute(guest), writable=True) for host, guest in given.directories
        ),
        allowed_outbound_hosts=given.outbound,
        variables=given.configuration,
        secrets=given.secrets,
        limits=limits,
        reuse=reuse,
        **names,
    )
    return replace(found, components={component.id: component})


def _absolute(guest: str) -> str:
    return guest if guest.startswith("/") else "/" + guest.removeprefix(".").lstrip("/")
