"""Spin's manifest, version 1 (`spin_manifest_version = "1"`, before that `spin_version`).

One trigger type for all components; a component's own settings of it stand in
`[component.trigger]`. The names that version 2 doesn't allow become those which
Spin's own conversion makes: lower case, with `-` in ids and `_` in variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from paddock.manifest.document import Located
from paddock.manifest.names import kebab
from paddock.manifest.positions import KeyPath
from paddock.manifest.translation import Translation

_TOP = (
    "spin_manifest_version", "spin_version", "name", "version", "description", "authors",
    "trigger", "namespace", "variables", "component",
)  # fmt: skip
_APPLICATION = {key: key for key in ("name", "version", "description", "authors")}
#: Keys of `[[component]]` and what version 2 calls them.
_COMPONENT = {
    "source": "source",
    "description": "description",
    "files": "files",
    "exclude_files": "exclude_files",
    "allowed_http_hosts": "allowed_http_hosts",
    "allowed_outbound_hosts": "allowed_outbound_hosts",
    "key_value_stores": "key_value_stores",
    "sqlite_databases": "sqlite_databases",
    "ai_models": "ai_models",
    "environment": "environment",
    "build": "build",
}


def translate(document: Located, path: Path) -> Translation:
    """The same as a manifest of version 2."""
    del path
    made = Translation(document)
    made.known_only((), _TOP)
    made.take((), _APPLICATION, ("application",))
    if "name" not in document.table:
        made.wrong(("name",), "is required but not set")
    _renamed(made, ("variables",), made.at_original(("variables",)), ("variables",))
    kind = _trigger_type(made)
    components = document.table.get("component", [])
    if not isinstance(components, list):
        made.wrong(("component",), "must be an array of tables", "write [[component]]")
        return made
    for index in range(len(components)):
        _component(made, index, kind)
    return made


def _trigger_type(made: Translation) -> str:
    settings = made.at_original(("trigger",))
    kind = settings.get("type")
    if not isinstance(kind, str) or not kind:
        reason = "is required but not set" if kind is None else "must be a string"
        made.wrong(("trigger", "type"), reason, 'write trigger = { type = "http" }')
        return "http"
    for key, value in settings.items():
        if key != "type":
            made.put(("application", "trigger", kind, key), value, ("trigger", key))
    return kind


def _component(made: Translation, index: int, kind: str) -> None:
    origin: KeyPath = ("component", index)
    table = made.at_original(origin)
    made.known_only(origin, (*_COMPONENT, "id", "config", "trigger"))
    name = table.get("id")
    if not isinstance(name, str):
        reason = "is required but not set" if name is None else "must be a string"
        made.wrong((*origin, "id"), reason)
        return
    name = made.component_id(name, (*origin, "id"))
    target: KeyPath = ("component", name)
    made.put(target, {}, origin)
    made.take(origin, _COMPONENT, target)
    config = table.get("config")
    if isinstance(config, Mapping):
        values = cast("Mapping[str, object]", config)
        _renamed(made, (*target, "variables"), values, (*origin, "config"))
    elif config is not None:
        made.wrong((*origin, "config"), "must be a table")
    _trigger(made, origin, name, kind)


def _trigger(made: Translation, origin: KeyPath, name: str, kind: str) -> None:
    place: KeyPath = ("trigger", kind, made.next("trigger", kind))
    where: KeyPath = (*origin, "trigger")
    if "trigger" not in made.at_original(origin):
        made.wrong(where, "is required but not set", "write [component.trigger]")
        return
    made.put(place, {}, where)
    # The id that Spin's own conversion gives it.
    made.put((*place, "id"), f"trigger-{name}", where)
    made.put((*place, "component"), name, (*origin, "id"))
    for key, value in made.at_original(where).items():
        made.put((*place, key), value, (*where, key))


def _renamed(
    made: Translation, target: KeyPath, values: Mapping[str, object], origin: KeyPath
) -> None:
    """Put `values` under names of version 2; two names that become one are a mistake."""
    taken: dict[str, str] = {}
    for key, value in values.items():
        name = _snake(key)
        other = taken.setdefault(name, key)
        if other == key:
            made.put((*target, name), value, (*origin, key))
        else:
            made.wrong((*origin, key), f"is the variable '{name}' here, as '{other}' is already")


def _snake(text: str) -> str:
    return kebab(text, "variable").replace("-", "_")
