"""Makes one component of a component and its dependencies, before anything is compiled.

Who is plugged where is decided here, by names; the core fits the types together. Rules
and order follow Spin: each dependency has an instance of its own, middleware stands before
the whole, and a capability that is not inherited traps when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from paddock import _core
from paddock.errors import PaddockError, PlanError
from paddock.host.inherit import denied
from paddock.manifest.dependency import Dependency, compatible, matches
from paddock.manifest.model import Application, Component, HttpTrigger, RegistrySource

#: What middleware stands before, and is itself.
_HANDLERS = ("wasi:http/handler@0.3.", "wasi:http/incoming-handler@0.2.")

_Plug = tuple[str, bytes, list[tuple[str, str]]]


class Misfit(PlanError):
    """A dependency that can't be plugged in; `where`, which begins the text, names both."""

    def __init__(self, where: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{where}: {message}", hint=hint)
        self.where = where


@dataclass(frozen=True, slots=True)
class Parts:
    """What is plugged into, and put before, the component `id`."""

    id: str
    dependencies: tuple[Dependency, ...]
    middleware: tuple[Dependency, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """One component. `carriers` has what only a dependency imports, by the import's name."""

    data: bytes
    carriers: Mapping[str, Dependency]


def read(path: Path) -> bytes:
    """The content of a component's file; PlanError if it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlanError(
            f"can't read {path}: {error.strerror}",
            hint="build the application first: paddock build",
        ) from error


def parts(component: Component) -> Parts | None:
    """What a component is composed of; None for one that is whole."""
    if component.dependencies or component.middleware:
        return Parts(component.id, component.dependencies, component.middleware)
    return None


def sources(application: Application) -> Iterator[Path]:
    """The files of an application's dependencies."""
    for one in dependencies(application):
        if isinstance(one.source, Path):
            yield one.source


def dependencies(application: Application) -> Iterator[Dependency]:
    """All of an application's, middleware too."""
    for component in application.components.values():
        yield from (*component.dependencies, *component.middleware)
    for trigger in application.http:
        yield from trigger.middleware


def parted(application: Application) -> Application:
    """The application as it runs: a component for each way of composing one.

    A component that only others depend on does not run by itself. A route with middleware
    gets a component of its own, named after both, unless it is the only one that starts it.
    """
    used = list(dependencies(application))
    if not used:
        return application
    starts = [trigger.component for trigger in application.http]
    starts += [trigger.component for trigger in application.triggers]
    inside = {one.component for one in used} - set(starts)
    components = {
        name: replace(component, dependencies=_sourced(application, component.dependencies))
        for name, component in application.components.items()
        if name not in inside
    }
    routes: list[HttpTrigger] = []
    for trigger in application.http:
        component = components.get(trigger.component or "")
        if not trigger.middleware or component is None:
            routes.append(trigger)
            continue
        name = component.id
        if starts.count(name) > 1:
            name = _unused(f"{name}-for-{trigger.id}", components)
        middleware = _sourced(application, trigger.middleware)
        components[name] = replace(component, id=name, middleware=middleware)
        routes.append(replace(trigger, component=name, middleware=()))
    return replace(application, components=components, http=tuple(routes))


def _sourced(
    application: Application, dependencies: Iterable[Dependency]
) -> tuple[Dependency, ...]:
    """The same with the source of the component that is named instead of one."""
    return tuple(
        replace(one, source=application.components[one.component].source, component=None)
        if one.component is not None
        else one
        for one in dependencies
    )


def _unused(name: str, taken: Mapping[str, object]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-n{number}"
    return found


def compose(parts: Parts, data: bytes) -> Composed:
    """The component of `data` with its parts. Blocks.

    Raises Misfit for a dependency at fault, ArtifactError where `data` is no component.
    """
    imports, _ = _core.interfaces(data)
    carriers: dict[str, Dependency] = {}
    plugs: list[_Plug] = []
    for one in parts.dependencies:
        with _blamed(parts, one):
            part, carried, exports = _part(parts, one)
            plugs.append((one.name, part, list(_wired(one, imports, exports))))
        for name in carried:
            carriers.setdefault(name, one)
    if plugs:
        data = _plugged(parts, data, plugs)
    for one in reversed(parts.middleware):
        with _blamed(parts, one):
            _, offered = _core.interfaces(data)
            part, carried, exports = _part(parts, one)
            wiring = [_handled(carried, exports, offered)]
            data = _core.compose(part, [("what it stands before", data, wiring)], [])
        for name in carried:
            carriers.setdefault(name, one)
    own = set(imports)
    return Composed(data, {name: one for name, one in carriers.items() if name not in own})


@contextmanager
def _blamed(parts: Parts, one: Dependency) -> Iterator[None]:
    """Names the dependency in whatever is wrong with it."""
    try:
        yield
    except PaddockError as error:
        where = f"{one.location}: component '{parts.id}': dependency '{one.name}'"
        raise Misfit(where, error.message, hint=error.hint) from None


def _part(parts: Parts, one: Dependency) -> tuple[bytes, list[str], list[str]]:
    """A dependency that can't use what it does not inherit; its imports and exports."""
    if isinstance(one.source, RegistrySource):
        raise PlanError(
            "comes from a registry, which is not supported yet",
            hint="download it and name the file: { path = … }",
        )
    if not isinstance(one.source, Path):
        raise PlanError("is fetched when the application starts, and not here")
    data = read(one.source)
    imports, exports = _core.interfaces(data)
    lacking = list(denied(parts.id, one, imports))
    if lacking:
        data = _core.compose(data, [], lacking)
        imports, _ = _core.interfaces(data)
    return data, imports, exports


def _wired(
    one: Dependency, imports: Sequence[str], exports: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Import and the export that answers it, for each import that the name stands for."""
    wanted = [name for name in imports if matches(one.name, name)]
    if not wanted:
        raise PlanError(f"answers no import; the component imports: {_list(imports)}")
    for name in wanted:
        export = _find(one.export or name, exports)
        if export is None:
            asked = f"'{one.export}' for '{name}'" if one.export else f"'{name}'"
            raise PlanError(f"does not export {asked}; it exports: {_list(exports)}")
        yield name, export


def _handled(
    imports: Sequence[str], exports: Sequence[str], offered: Sequence[str]
) -> tuple[str, str]:
    """The handler that middleware imports, and that of what it stands before."""
    own = next((name for name in imports if name.startswith(_HANDLERS)), None)
    if own is None or _find(own, exports) is None:
        raise PlanError(
            f"is no middleware: it has to import and export a handler; it imports "
            f"{_list(imports)} and exports {_list(exports)}",
            hint="middleware imports and exports wasi:http/handler@0.3.0",
        )
    answer = _find(own, offered)
    if answer is None:
        raise PlanError(f"stands before '{own}', but the component exports {_list(offered)}")
    return own, answer


def _find(name: str, exports: Sequence[str]) -> str | None:
    """The export of that name, or of a version that goes with it."""
    if name in exports:
        return name
    return next((each for each in exports if compatible(name, each)), None)


def _plugged(parts: Parts, data: bytes, plugs: Sequence[_Plug]) -> bytes:
    try:
        return _core.compose(data, plugs, [])
    except PlanError as error:
        named = (one for one in parts.dependencies if error.message.startswith(f"'{one.name}': "))
        one = next(named, parts.dependencies[0])
        where = f"{one.location}: component '{parts.id}': dependency"
        raise Misfit(where, error.message, hint=error.hint) from None


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
