"""The tables of a manifest as another directory needs them: paths that start from there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import cast

from paddock.errors import UsageError

Table = dict[str, object]


def moved(table: Mapping[str, object], base: Path, target: Path) -> Mapping[str, object]:
    """The same tables, checked before, with paths from `target` in place of `base`.

    Both are absolute. UsageError where something can only be said in `base`.
    """
    made = deepcopy(dict(table))
    for where, component in _components(made):
        _component(component, where, base, target)
    for trigger in cast("dict[str, list[Table]]", made.get("trigger", {})).get("http", []):
        around = cast("dict[str, list[object]]", trigger.get("dependencies", {}))
        for needed in around.get("middleware", []):
            if isinstance(needed, dict):
                _rebased(cast("Table", needed), "path", base, target)
    return made


def relative(path: Path, target: Path) -> str:
    """How a manifest in `target` names `path`; both are absolute.

    Manifests take `..` as text. Where `target` goes through a symbolic link, such a
    path may be another file for who reads the manifest by its other name; then it is
    an absolute one.
    """
    text = os.path.relpath(path, target)
    real = os.path.normpath(os.path.join(os.path.realpath(target), text))
    return text if os.path.realpath(real) == os.path.realpath(path) else str(path)


def _components(table: Table) -> Iterator[tuple[str, Table]]:
    """Each component's table and what messages call it: those with an id, and inline ones."""
    for name, component in cast("dict[str, Table]", table.get("component", {})).items():
        yield f"component '{name}'", component
    for kind, triggers in cast("dict[str, list[Table]]", table.get("trigger", {})).items():
        for index, trigger in enumerate(triggers):
            inline = trigger.get("component")
            if isinstance(inline, dict):
                yield f"the component of trigger.{kind}[{index}]", cast("Table", inline)


def _component(component: Table, where: str, base: Path, target: Path) -> None:
    _build_of(component, base, target)
    profiles = cast("dict[str, Table]", component.get("profile", {}))
    for holder in (component, *profiles.values()):
        _rebased(holder, "source", base, target)
        for needed in cast("Table", holder.get("dependencies", {})).values():
            if isinstance(needed, dict):
                _rebased(cast("Table", needed), "path", base, target)
    if "build" not in component:
        for profile in profiles.values():
            _build_alone(profile, where, base)
    for entry in cast("list[object]", component.get("files", [])):
        if not isinstance(entry, dict):
            raise UsageError(
                f"{where} has patterns of files, which start from {base}",
                hint=f"write the file into that directory: -o {base / 'paddock.toml'}",
            )
        _rebased(cast("Table", entry), "source", base, target)


def _rebased(holder: Table, key: str, base: Path, target: Path) -> None:
    if isinstance(text := holder.get(key), str):
        holder[key] = relative(Path(os.path.normpath(base / text)), target)


def _build_of(component: Table, base: Path, target: Path) -> None:
    """Commands of a build without a directory run in that of the manifest."""
    if isinstance(build := component.get("build"), dict):
        table = cast("Table", build)
        table.setdefault("workdir", ".")
        _rebased(table, "workdir", base, target)


def _build_alone(profile: Table, where: str, base: Path) -> None:
    if "build" in profile:
        raise UsageError(
            f"{where} is built in a profile only, whose commands run in {base}",
            hint=f"write the file into that directory: -o {base / 'paddock.toml'}",
        )
