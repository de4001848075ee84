"""Dependencies and middleware of a manifest's checked tables, and mistakes about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from os.path import normpath
from pathlib import Path
from typing import cast

from paddock.manifest import dependency_shapes as of
from paddock.manifest import shapes
from paddock.manifest.dependency import Dependency, is_package, overlap
from paddock.manifest.document import Located
from paddock.manifest.model import RegistrySource, UrlSource
from paddock.manifest.names import did_you_mean
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import Problem, key_text

#: What a component can't have that another one depends on: nothing of it would count there.
_OWN = ("ai_models", "allowed_http_hosts", "allowed_outbound_hosts", "blob_containers",
        "dependencies", "environment", "files", "interfaces", "key_value_stores",
        "message_brokers", "secrets", "sql_databases", "sqlite_databases",
        "variables")  # fmt: skip

_Middleware = of.PathMiddleware | of.UrlMiddleware | of.ComponentMiddleware | of.RegistryMiddleware
_Table = Mapping[str, object]


class Composition:
    """Reads the dependencies of one document; relative paths start from `base`."""

    def __init__(self, document: Located, base: Path) -> None:
        self._document = document
        self._base = base

    def dependencies(
        self, table: shapes.ComponentTable, profile: str | None, path: KeyPath
    ) -> tuple[Dependency, ...]:
        """Those of a component, in the build `profile` if it has that."""
        found = {name: ((*path, "dependencies", name), one)
                 for name, one in table.dependencies.items()}  # fmt: skip
        chosen = table.profile.get(profile or "")
        for name, one in chosen.dependencies.items() if chosen else ():
            found[name] = ((*path, "profile", profile or "", "dependencies", name), one)
        every = table.dependencies_inherit_configuration is True
        return tuple(
            self._dependency(name, one, place, every=every) for name, (place, one) in found.items()
        )

    def middleware(self, table: shapes.HttpTable, path: KeyPath) -> tuple[Dependency, ...]:
        """That of a route, outermost first."""
        place = (*path, "dependencies", "middleware")
        return tuple(
            self._dependency(f"middleware {number}", one, (*place, number - 1))
            for number, one in enumerate(table.dependencies.middleware, 1)
        )

    def _dependency(
        self, name: str, table: str | _Middleware, path: KeyPath, *, every: bool = False
    ) -> Dependency:
        inherit: tuple[str, ...] | None = None if every else ()
        key, location = key_text(path), self._document.at(path)
        if isinstance(table, str):
            source = RegistrySource(name, table)
            return Dependency(name, source, inherit=inherit, key=key, location=location)
        if table.inherit_configuration is not None:
            asked = table.inherit_configuration
            inherit = (None if asked else ()) if isinstance(asked, bool) else tuple(asked)
        return Dependency(
            name,
            _source(table, name, self._base),
            table.component if isinstance(table, of.ComponentMiddleware) else None,
            export=cast("str | None", getattr(table, "export", None)),
            inherit=inherit,
            key=key,
            location=location,
        )


def _source(table: _Middleware, name: str, base: Path) -> Path | UrlSource | RegistrySource | None:
    if isinstance(table, of.PathMiddleware):
        return Path(normpath(base / table.path))
    if isinstance(table, of.UrlMiddleware):
        return UrlSource(table.url, table.digest)
    if isinstance(table, of.RegistryMiddleware):
        return RegistrySource(table.package or name, table.version, table.registry)
    return None


def mistakes(document: Located, components: Iterable[tuple[KeyPath, _Table]]) -> Iterator[Problem]:
    """What the dependencies of components exclude of each other, and whom they name."""
    known = _mapping(document.table.get("component"))
    for path, component in components:
        lists = [(path, component)]
        for name, profile in _mapping(component.get("profile")).items():
            lists.append(((*path, "profile", name), _mapping(profile)))
        for place, holder in lists:
            table = _mapping(holder.get("dependencies"))
            yield from _overlapping(document, (*place, "dependencies"), table)
            for name, one in table.items():
                entry = _mapping(one)
                where = (*place, "dependencies", name)
                yield from _named(document, where, entry, known, str(path[-1]))
                if is_package(name) and "export" in entry:
                    yield document.problem(
                        (*where, "export"),
                        "one export can't answer every import of a package",
                        "name the interface: 'namespace:package/interface'",
                    )
                if "inherit_configuration" in entry and (
                    "dependencies_inherit_configuration" in component
                ):
                    yield document.problem(
                        (*where, "inherit_configuration"),
                        "the component has 'dependencies_inherit_configuration' too",
                        "leave one of the two out",
                    )


def middleware_mistakes(
    document: Located, triggers: Iterable[tuple[KeyPath, _Table]]
) -> Iterator[Problem]:
    """Whom the middleware of triggers names, and where there is nothing to stand before."""
    known = _mapping(document.table.get("component"))
    for path, trigger in triggers:
        entries = _mapping(trigger.get("dependencies")).get("middleware")
        if not isinstance(entries, list) or path[1] != "http":
            continue
        place = (*path, "dependencies", "middleware")
        if entries and "static_response" in trigger:
            yield document.problem(place, "a static response has no middleware")
        for index, one in enumerate(cast("list[object]", entries)):
            yield from _named(document, (*place, index), _mapping(one), known, None)


def _overlapping(document: Located, path: KeyPath, table: _Table) -> Iterator[Problem]:
    for one, other in combinations(table, 2):
        if overlap(one, other):
            yield document.problem(
                (*path, other), f"could answer the same imports as '{one}'", "keep one of the two"
            )


def _named(
    document: Located, path: KeyPath, entry: _Table, known: _Table, depender: str | None
) -> Iterator[Problem]:
    name = entry.get("component")
    if not isinstance(name, str):
        return
    if name == depender:
        yield document.problem((*path, "component"), "the component depends on itself")
    elif name not in known:
        hint = did_you_mean(name, known, what="components")
        yield document.problem((*path, "component"), f"no component '{name}'", hint)
    elif own := [key for key in _OWN if _mapping(known[name]).get(key)]:
        yield document.problem(
            (*path, "component"),
            f"component '{name}' has {', '.join(own)} of its own, which don't count in another one",
            "grant it to the component that has the dependency, and let it inherit that: "
            "inherit_configuration",
        )


def _mapping(value: object) -> _Table:
    return cast("_Table", value) if isinstance(value, Mapping) else {}
