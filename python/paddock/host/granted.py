"""Everything that a manifest grants to a component, one by one, with where it says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from paddock.host.imports import OUTGOING
from paddock.host.kinds import KINDS
from paddock.interfaces.catalogue import find
from paddock.manifest.model import Component, FilePattern, Location

#: What the things of the keys below are called, as denials call them.
OUTBOUND = "outbound address"
VARIABLE, SECRET, FILES = "variable", "secret", "files"
#: The key of a component's table for each of these words.
KEYS: Mapping[str, str] = {
    **{row.words: row.asked for row in KINDS.values()},
    OUTBOUND: "allowed_outbound_hosts",
    VARIABLE: "variables",
    SECRET: "secrets",
    FILES: "files",
}

#: Which imports use it, by the start of their name; the engine answers these itself.
_BUILT_IN = {
    OUTBOUND: (*OUTGOING, "wasi:sockets/tcp", "wasi:sockets/udp", "wasi:sockets/types@"),
    FILES: ("wasi:filesystem/",),
}  # fmt: skip
#: The same for interfaces that Python answers, by their capability.
_CAPABILITIES = {
    "outbound": OUTBOUND,
    "configuration": VARIABLE,
    "secrets": SECRET,
    **{kind: row.words for kind, row in KINDS.items()},
}


@dataclass(frozen=True, slots=True)
class Granted:
    """One thing: `what` it is, its `name`, the manifest's `key`, and where that stands.

    `value` is what the manifest sets it to, as TOML; a template, never a value.
    """

    what: str
    name: str
    key: str
    location: Location
    value: str | None = None


def granted(component: Component) -> Iterator[Granted]:
    """In the order of the manual; nothing is opened or expanded."""
    for row in KINDS.values():
        for name in row.names(component):
            yield Granted(row.words, name, row.asked, component.at(row.asked))
    for host in component.allowed_outbound_hosts:
        yield Granted(OUTBOUND, host, KEYS[OUTBOUND], component.at(KEYS[OUTBOUND]))
    for what, table in ((VARIABLE, component.variables), (SECRET, component.secrets)):
        for name, template in table.items():
            location = component.at(KEYS[what])
            yield Granted(what, name, KEYS[what], location, json.dumps(template))
    for entry in component.files:
        if isinstance(entry, FilePattern):
            yield Granted(FILES, entry.pattern, "files", entry.location)
        else:
            name = f"{entry.source} as {entry.destination}"
            yield Granted(FILES, name, "files", entry.location)


def used_by(imports: Sequence[str], built_in: Callable[[str], bool]) -> dict[str, list[str]]:
    """The imports that need each kind of thing; `""` has what this host does not offer."""
    found: dict[str, list[str]] = {}
    for name in imports:
        what = _needs(name, built_in)
        if what is not None:
            found.setdefault(what, []).append(name)
    return found


def _needs(name: str, built_in: Callable[[str], bool]) -> str | None:
    for what, starts in _BUILT_IN.items():
        if name.startswith(starts):
            return what
    if built_in(name) or ":" not in name:
        return None
    offer = find(name)
    return "" if offer is None else _CAPABILITIES.get(offer.capability)
