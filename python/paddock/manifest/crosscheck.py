"""Mistakes that no single key shows: what refers to what, and what excludes what.

It works on the raw tables, which may be wrong in other ways at the same time,
so that one reading reports everything; a value of a wrong type is passed over
here and reported by its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import cast

from paddock.errors import ManifestError
from paddock.manifest import composition, outbound, routes
from paddock.manifest.document import Located
from paddock.manifest.names import check_variable_name, did_you_mean
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import MOST_SOUGHT, Problem, key_text
from paddock.manifest.shapes import PADDOCK_ONLY
from paddock.manifest.templates import variables_of

_Table = Mapping[str, object]
_Item = tuple[KeyPath, _Table]


def cross_check(document: Located, *, spin_only: bool) -> list[Problem]:
    """All mistakes between keys; `spin_only` where keys of Paddock are unknown."""
    checks: tuple[Callable[[Located], Iterator[Problem]], ...] = (
        _variables,
        _references,
        _answers,
        _identifiers,
        _templates,
        _chained,
        _collisions,
        lambda document: composition.mistakes(document, _components(document)),
        lambda document: composition.middleware_mistakes(document, _triggers(document)),
    )
    problems = [one for check in checks for one in islice(check(document), MOST_SOUGHT)]
    if spin_only:
        problems.extend(_paddock_keys(document))
    return problems


def _variables(document: Located) -> Iterator[Problem]:
    for name, variable in _tables(document.table.get("variables")):
        path = ("variables", name)
        required = variable.get("required", False)
        if required is True and "default" in variable:
            yield document.problem(
                path, "has a default and is required", "leave one of the two out"
            )
        elif required is False and "default" not in variable:
            yield document.problem(
                path,
                "has neither a default nor 'required = true'",
                "a required variable gets its value from --variable or a provider",
            )


def _references(document: Located) -> Iterator[Problem]:
    known = list(_table(document.table.get("component")))
    for path, trigger in _triggers(document):
        name = trigger.get("component")
        if isinstance(name, str) and name not in known:
            hint = did_you_mean(name, known, what="components")
            yield document.problem((*path, "component"), f"no component '{name}'", hint)


def _answers(document: Located) -> Iterator[Problem]:
    for path, trigger in _triggers(document):
        if path[1] != "http" or "components" in trigger:
            continue
        if "component" in trigger and "static_response" in trigger:
            yield document.problem(
                (*path, "static_response"),
                "the trigger has a component and a static response",
                "leave one of the two out",
            )
        elif "component" not in trigger and "static_response" not in trigger:
            yield document.problem(path, "nothing answers", "set 'component' or 'static_response'")


def _identifiers(document: Located) -> Iterator[Problem]:
    seen: dict[str, KeyPath] = {}
    for path, trigger in _triggers(document):
        name = trigger.get("id")
        if not isinstance(name, str):
            continue
        if first := seen.get(name):
            yield document.problem(
                (*path, "id"),
                f"id '{name}' is taken by {key_text(first)} in line {document.at(first).line}",
                "give each trigger its own id, or leave it out",
            )
        seen.setdefault(name, path)


def _templates(document: Located) -> Iterator[Problem]:
    declared = list(_table(document.table.get("variables")))
    for path, component in _components(document):
        texts: list[tuple[KeyPath, object]] = [
            ((*path, table, key), text)
            for table in ("variables", "secrets")
            for key, text in _table(component.get(table)).items()
        ]
        for key in ("allowed_outbound_hosts", "allowed_http_hosts"):
            items = enumerate(_list(component.get(key)))
            texts.extend(((*path, key, index), text) for index, text in items)
        for place, text in texts:
            for name in _names(text):
                if name not in declared:
                    hint = (
                        did_you_mean(name, declared, what="variables")
                        if declared
                        else f"declare it: [variables.{name}]"
                    )
                    yield document.problem(place, f"no variable '{name}' is declared", hint)


def _chained(document: Located) -> Iterator[Problem]:
    components = list(_components(document))
    if any(path[0] == "trigger" for path, _ in components):
        # A component inside a trigger gets its id later, and a grant may name that one.
        return
    known = [str(path[1]) for path, _ in components]
    for path, component in components:
        for index, text in enumerate(_list(component.get("allowed_outbound_hosts"))):
            name = _chained_to(text)
            if name and name not in known:
                hint = did_you_mean(name, known, what="components")
                place = (*path, "allowed_outbound_hosts", index)
                yield document.problem(place, f"no component '{name}'", hint)


def _collisions(document: Located) -> Iterator[Problem]:
    claims: list[routes.Claim] = []
    paths: list[KeyPath] = []
    for path, trigger in _triggers(document):
        claim = _claim(trigger) if path[1] == "http" else None
        if claim:
            claims.append(claim)
            paths.append(path)
    for first, second in routes.collisions(claims):
        # As the file calls it, which may be one of another format.
        one = document.problem((*paths[first], "route"), "")
        yield document.problem(
            (*paths[second], "route"),
            f"answers the same requests as {one.key.removesuffix('.route')} "
            f"in line {one.location.line}",
            "change one of the routes, or give them different methods or hosts",
        )


def _paddock_keys(document: Located) -> Iterator[Problem]:
    for table, key in PADDOCK_ONLY:
        for path, found in _matching((), document.table, table):
            if key in found:
                yield document.problem(
                    (*path, key),
                    "unknown key in a spin.toml",
                    "Spin does not have it; rename the file to paddock.toml to use it",
                )
    for path, component in _components(document):
        for name in _table(component.get("variables")):
            try:
                check_variable_name(name)
            except ManifestError as error:
                place = (*path, "variables", name)
                yield document.problem(place, error.message, error.hint)


def _matching(path: KeyPath, value: object, pattern: Sequence[str]) -> Iterator[_Item]:
    if not pattern:
        if isinstance(value, Mapping):
            yield path, _table(cast("object", value))
        return
    items: list[tuple[str | int, object]] = [
        *_table(value).items(),
        *enumerate(_list(value)),
    ]
    for key, inner in items:
        if pattern[0] in ("*", key):
            yield from _matching((*path, key), inner, pattern[1:])


def _claim(trigger: _Table) -> routes.Claim | None:
    text, host = trigger.get("route"), trigger.get("host")
    if not isinstance(text, str):
        return None
    try:
        shape = routes.parse_route(text).shape
    except ManifestError:
        return None
    methods = tuple(item.upper() for item in _list(trigger.get("methods")) if isinstance(item, str))
    return routes.Claim(shape, methods, host.lower() if isinstance(host, str) else None)


def _chained_to(text: object) -> str | None:
    """The component that a grant names, None for any other grant."""
    if not isinstance(text, str) or "{{" in text:
        return None
    try:
        grant = outbound.parse_grant(text)
    except ManifestError:
        return None
    return grant.host if grant.host_kind == "component" and grant.host != "*" else None


def _names(text: object) -> tuple[str, ...]:
    try:
        return variables_of(text) if isinstance(text, str) else ()
    except ManifestError:
        return ()


def _triggers(document: Located) -> Iterator[_Item]:
    for kind, triggers in _table(document.table.get("trigger")).items():
        for index, trigger in enumerate(_list(triggers)):
            if isinstance(trigger, Mapping):
                yield ("trigger", kind, index), _table(cast("object", trigger))


def _components(document: Located) -> Iterator[_Item]:
    """Every component, those written inside a trigger included."""
    for name, component in _tables(document.table.get("component")):
        yield ("component", name), component
    for path, trigger in _triggers(document):
        if isinstance(trigger.get("component"), Mapping):
            yield (*path, "component"), _table(trigger["component"])


def _tables(value: object) -> Iterator[tuple[str, _Table]]:
    for name, item in _table(value).items():
        if isinstance(item, Mapping):
            yield name, _table(cast("object", item))


def _table(value: object) -> _Table:
    return cast("_Table", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()
