"""What an apply would change: for `--dry-run`, the log and the control socket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from paddock.host.kinds import KINDS
from paddock.host.prepare import PreparedApplication


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` and `warnings` are sentences; no change means nothing to do."""

    changes: tuple[str, ...]
    warnings: tuple[str, ...]

    def moving(self, lines: Iterable[str]) -> Plan:
        """The same with lines about data that is moved."""
        return replace(self, changes=(*self.changes, *lines))

    def to_json(self) -> dict[str, object]:
        """For the control socket and `--json`."""
        return {"changes": list(self.changes), "warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of an apply; `migrated` says what was copied, in sentences."""

    generation: int
    plan: Plan
    migrated: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """For the control socket and `--json`."""
        return {
            "generation": self.generation,
            **self.plan.to_json(),
            "migrated": list(self.migrated),
        }


def compare(
    before: Sequence[PreparedApplication],
    after: Sequence[PreparedApplication],
    warnings: Iterable[str] = (),
) -> Plan:
    """The difference between two prepared states, in the words of the manifest.

    `warnings` are those that concern no application.
    """
    old = {each.desired.application.name: each for each in before}
    new = {each.desired.application.name: each for each in after}
    changes = [f"application '{name}': removed" for name in old.keys() - new.keys()]
    warned = list(warnings)
    for name, application in new.items():
        warned += application.warnings
        if name not in old:
            changes.append(f"application '{name}': added with {_count(application)}")
        else:
            changes += _application(name, old[name], application)
    return Plan(tuple(changes), tuple(warned))


def _count(application: PreparedApplication) -> str:
    number = len(application.components)
    return f"{number} component" + ("" if number == 1 else "s")


def _application(name: str, old: PreparedApplication, new: PreparedApplication) -> Iterable[str]:
    for component in old.facts.keys() - new.facts.keys():
        yield f"application '{name}': component '{component}' removed"
    for component, (digest, rest) in new.facts.items():
        known = old.facts.get(component)
        if known is None:
            yield f"application '{name}': component '{component}' added"
        elif known[0] != digest:
            change = f"({_short(known[0])} -> {_short(digest)})"
            yield f"application '{name}': component '{component}' exchanged {change}"
        elif known[1] != rest:
            yield f"application '{name}': component '{component}' configured anew"
    for asked, handle in new.handles.items():
        before = old.handles.get(asked)
        if before is not None and before.key != handle.key:
            kind, label = asked
            change = f"({before.key.type} -> {handle.key.type})"
            rest = (
                ""
                if asked in new.moving or kind == "interface"
                else "; data in the old one stays behind there"
            )
            yield f"application '{name}': {KINDS[kind].words} '{label}' exchanged {change}{rest}"
    if old.desired.application.http != new.desired.application.http:
        yield f"application '{name}': routes changed"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
