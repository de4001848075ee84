"""Records which grants are used and which are missed, and what manifest would have done.

As audit2allow does for SELinux: run the application, and read off the lines.
`paddock up --audit` makes one `Audit`; without it none of this is in the way of a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from paddock.host.granted import FILES, KEYS, OUTBOUND, SECRET, VARIABLE, Granted, granted
from paddock.manifest.model import Component
from paddock.manifest.outbound import covers, is_pattern

if TYPE_CHECKING:
    from paddock._core import Event

#: What of one component is kept; a guest that asks for more names would fill the memory.
MOST = 1000


@dataclass(slots=True)
class ComponentAudit:
    """What one component did so far. Its methods are safe on any thread."""

    application: str
    component: Component
    used: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])
    denied: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])

    def use(self, what: str, name: str) -> None:
        """Something granted was used."""
        _keep(self.used, (what, name))

    def deny(self, what: str, name: str) -> None:
        """Something was asked for and is not granted."""
        _keep(self.denied, (what, name))


def _keep(kept: dict[tuple[str, str], None], key: tuple[str, str]) -> None:
    if key not in kept and len(kept) < MOST:
        kept[key] = None


class Audit:
    """All components of a host since it started."""

    def __init__(self) -> None:
        self._components: dict[tuple[str, str], ComponentAudit] = {}

    def of(self, application: str, component: Component) -> ComponentAudit:
        """The records of a component, which an apply does not clear."""
        found = self._components.setdefault(
            (application, component.id), ComponentAudit(application, component)
        )
        found.component = component
        return found

    def events(self, events: Sequence[Event]) -> None:
        """Takes what the core tells of outgoing connections."""
        for event in events:
            found = self._components.get((event.application, event.component))
            kind: str = event.kind
            if found is None or kind not in ("denied", "allowed"):
                continue
            for name in _hosts(event.fields.get("grant", "")):
                (found.use if kind == "allowed" else found.deny)(OUTBOUND, name)

    def reporting(self, report: Callable[[list[Event]], None]) -> Callable[[list[Event]], None]:
        """Takes the core's events, and passes them on to `report`."""

        def both(events: list[Event]) -> None:
            report(events)
            self.events(events)

        return both

    def report(self) -> list[dict[str, object]]:
        """For each component: application, component, used, denied, unused, and `lines`."""
        return [
            {
                "application": each.application,
                "component": each.component.id,
                "used": [{"what": what, "name": name} for what, name in [*each.used]],
                "denied": [{"what": what, "name": name} for what, name in [*each.denied]],
                "unused": [
                    {"what": one.what, "name": one.name, "location": str(one.location)}
                    for one in self._unused(each)
                ],
                "lines": [*self._lines(each)],
            }
            for each in [*self._components.values()]
        ]

    def _unused(self, each: ComponentAudit) -> Iterator[Granted]:
        for one in granted(each.component):
            if one.what != FILES and not _was_used(one, each):
                yield one

    def _lines(self, each: ComponentAudit) -> Iterator[str]:
        for key in dict.fromkeys(KEYS.values()):
            yield from self._key(key, each)

    def _key(self, key: str, each: ComponentAudit) -> Iterator[str]:
        whats = [what for what, its in KEYS.items() if its == key]
        own = [one for one in granted(each.component) if one.key == key]
        denied = [name for what, name in [*each.denied] if what in whats]
        if key == KEYS[FILES]:
            if own:
                yield "# files: as they are; which of them are read is not seen"
            return
        kept = [one for one in own if _was_used(one, each)]
        dropped = [one.name for one in own if one not in kept]
        # A grant that stands for many names is exchanged for those that were used.
        names = [name for one in kept for name in _names(one, each)]
        names = [*dict.fromkeys([*names, *denied])]
        note = _note(denied, dropped)
        if not names:
            if dropped:
                yield f"# {key}: nothing{note}"
            return
        yield f"{key} = {_value(key, names, own)}{f'  #{note[1:]}' if note else ''}"


def _was_used(one: Granted, each: ComponentAudit) -> bool:
    used = [name for what, name in [*each.used] if what == one.what]
    if one.what == OUTBOUND:
        return any(covers(one.name, name) for name in used)
    return one.name in used or (one.name == "*" and bool(used))


def _names(one: Granted, each: ComponentAudit) -> list[str]:
    """The grant itself, or what was used of one that stands for many."""
    outbound = one.what == OUTBOUND
    if not (is_pattern(one.name) if outbound else one.name == "*"):
        return [one.name]
    plain = [own.name for own in granted(each.component) if own.what == one.what and own != one]
    used = [name for what, name in [*each.used] if what == one.what]
    if outbound:
        used = [name for name in used if covers(one.name, name)]
        used = [name for name in used if not any(covers(other, name) for other in plain)]
    return [name for name in used if name not in plain] or [one.name]


def _note(denied: Sequence[str], dropped: Sequence[str]) -> str:
    note = f"; denied so far: {_listed(denied)}" if denied else ""
    return note + (f"; not used: {_listed(dropped)}" if dropped else "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(json.dumps(name) for name in names)


def _value(key: str, names: Sequence[str], own: Sequence[Granted]) -> str:
    if key not in (KEYS[VARIABLE], KEYS[SECRET]):
        return f"[{_listed(names)}]"
    templates = {one.name: one.value for one in own}
    pairs = [
        f"{_toml_key(name)} = {templates.get(name) or json.dumps(f'{{{{ {name} }}}}')}"
        for name in names
    ]
    return f"{{ {', '.join(pairs)} }}"


def _toml_key(name: str) -> str:
    plain = name and all(each.isascii() and (each.isalnum() or each in "-_") for each in name)
    return name if plain else json.dumps(name)


def _hosts(line: str) -> list[str]:
    """The names in `allowed_outbound_hosts = ["…"]`, or the one that stands there bare."""
    _, found, value = line.partition(" = ")
    if not found:
        return [line] if line else []
    try:
        names: object = json.loads(value)
    except ValueError:
        return []
    return [str(name) for name in cast("list[object]", names)] if isinstance(names, list) else []


def described(report: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The lines of a report, for people: ready to be pasted into a manifest."""
    for each in report:
        yield f"# '{each['application']}': what would have served so far"
        yield f"[component.{each['component']}]"
        yield from cast("list[str]", each["lines"]) or ["# nothing"]
        yield ""
