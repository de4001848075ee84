"""What would and would not work here of an application, found out without starting it.

Nothing is compiled, opened or connected to; the checks are those which a plan makes,
where they need no running host.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, cast

from paddock import _core
from paddock.errors import ArtifactError, PaddockError, PlanError
from paddock.host import assets, downloads, granted, triggers, variables
from paddock.host.artifacts import Source, as_component, source_of, unfetched
from paddock.host.compose import compose, parted
from paddock.host.desired import DesiredApplication
from paddock.host.handles import Handles, unknown_name
from paddock.host.imports import HANDLERS, check, handler_missing, useless
from paddock.host.kinds import KINDS
from paddock.host.unsupported import notes, unsupported
from paddock.manifest.dependency import Dependency
from paddock.manifest.hostconfig import HostConfig
from paddock.manifest.model import Application, Component, FilePattern, Trigger, UrlSource
from paddock.manifest.routes import based
from paddock.triggers.registry import find

PRECOMPILED = (
    "if you made it yourself and trust it, add --allow-precompiled, here and for paddock up"
)
COMPILED_MODULE = (
    "compile what it was made of again, as a component: wasm-tools component new --adapt"
)

#: "ok" works, "warning" works but for what it says, "refused" refuses the plan.
Level = Literal["ok", "warning", "refused"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about `what`: an application, component, route, trigger or variable."""

    level: Level
    what: str
    text: str
    hint: str | None = None


class _Linked(NamedTuple):
    """Of a component; see `imports.check` for labels and carriers."""

    imports: list[str]
    exports: tuple[str, ...]
    labels: Mapping[str, str]
    carriers: Mapping[str, Dependency] | None = None


@dataclass(slots=True)
class Checkup:
    """Looks at one application with a host's configuration; `findings` in their order.

    `tools` are programs that `paddock build` brings itself. With `machine_code`
    precompiled files are allowed, if they were made for an engine of these options.
    """

    desired: DesiredApplication
    configuration: HostConfig
    state_dir: Path
    tools: Iterable[str] = ()
    machine_code: _core.EngineOptions | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    _running: Application = field(init=False)
    _exports: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def __post_init__(self) -> None:
        self._running = parted(self.desired.application)

    async def run(self) -> list[Finding]:
        """All findings."""
        application = self.desired.application
        what = f"application '{application.name}'"
        for line in unsupported(application):
            self._add("refused", what, line)
        for line in notes(application):
            self._add("warning", what, line)
        values = await self._variables()
        for component in self._running.components.values():
            self._component(component)
        for name in application.components.keys() - self._running.components.keys():
            self._add("ok", f"component '{name}'", "runs inside of those that depend on it")
            self._build(application.components[name], f"component '{name}'")
        self._routes()
        for trigger in application.triggers:
            self._guarded(f"trigger '{trigger.id}'", partial(self._trigger, trigger, values))
        return self.findings

    def _add(self, level: Level, what: str, text: str, hint: str | None = None) -> None:
        self.findings.append(Finding(level, what, text, hint))

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        """A PaddockError of `work` is a reason against the plan."""
        try:
            work()
        except PaddockError as error:
            self._add("refused", what, error.message, error.hint)

    async def _variables(self) -> Mapping[str, str]:
        application = self.desired.application
        try:
            source = variables.layers(self.desired, self.configuration, self.state_dir)
            values, missing = await variables.known_values(self.desired, source)
        except PaddockError as error:
            self._add("refused", "variables", error.message, error.hint)
            return {}
        for line in (*missing, *variables.unresolved(application, values)):
            self._add("refused", "variables", line)
        if values and not missing:
            self._add("ok", "variables", f"every value is there: {', '.join(sorted(values))}")
        return values

    def _component(self, component: Component) -> None:
        what = f"component '{component.id}'"
        self._guarded(what, lambda: self._providers(component, what))
        self._guarded(what, lambda: self._files(component))
        self._build(component, what)
        self._guarded(what, lambda: self._source(component, what))

    def _source(self, component: Component, what: str) -> None:
        place = source_of(self._running, component)
        source = component.source
        if isinstance(source, UrlSource):
            if not downloads.allowed(source.url):
                raise downloads.refusal(source.url)
            self._add("ok", what, f"is fetched from {downloads.shown(source.url)} at the start")
            return
        if not isinstance(source, Path):
            self._add(
                "refused",
                what,
                f"{component.at('source')}: comes from a registry, which is not supported yet",
                "download it and name the file",
            )
            return
        if not source.is_file():
            hint = "build the application first: paddock build" if component.build else None
            self._add("refused", what, f"{component.at('source')}: {source} does not exist", hint)
            return
        assert place is not None
        urls = unfetched(place)
        for url in urls:
            shown = downloads.shown(url.url)
            self._add("ok", what, f"a dependency is fetched from {shown} at the start")
        if not urls:
            self._interfaces(component, place, what)

    def _interfaces(self, component: Component, place: Source, what: str) -> None:
        source = place.path
        try:
            linked = self._linked(place, what)
        except OSError as error:
            raise PlanError(f"can't read {source}: {error.strerror}") from error
        except ArtifactError as error:
            raise ArtifactError(f"{source}: {error.message}", hint=error.hint) from error
        imports, exports = linked.imports, linked.exports
        self._exports[component.id] = exports
        checked = check(component, imports, _core.built_in, linked.labels, linked.carriers)
        for line in checked.problems:
            self._add("refused", what, line)
        for line in (*checked.warnings, *useless(component, exports)):
            self._add("warning", what, line)
        if missing := handler_missing(self._running, component, exports):
            self._add("refused", what, missing, HANDLERS)
        if not checked.problems:
            said = f"{source.name}: all of its {len(imports)} imports are offered"
            self._add("ok", what, said)

    def _linked(self, place: Source, what: str) -> _Linked:
        """What a file imports and exports, as the component that it is or is made."""
        data = place.path.read_bytes()
        if (
            place.path.suffix.lower() == ".cwasm"
            and self.machine_code is not None
            and place.parts is None
        ):
            # Nothing of it runs: what it was made for is compared.
            artifact = _core.Engine(self.machine_code).load_precompiled(data)
            if artifact.kind == "module":
                raise ArtifactError("this is a core module, not a component", hint=COMPILED_MODULE)
            return _Linked(artifact.imports, tuple(artifact.exports), artifact.labels)
        carriers: Mapping[str, Dependency] = {}
        if place.parts is not None:
            whole = compose(place.parts, as_component(data, place.entrypoint))
            data, carriers = whole.data, whole.carriers
            inside = (*place.parts.dependencies, *place.parts.middleware)
            names = ", ".join(f"'{one.name}'" for one in inside)
            self._add("ok", what, f"{place.path.name} is composed with {names}")
        kind = (facts := _facts(data)).get("kind")
        if kind == "precompiled":
            raise ArtifactError(
                "this is precompiled machine code, which can do anything", hint=PRECOMPILED
            )
        if kind == "module":
            facts = _facts(_core.componentize(data, place.entrypoint))
        exports = tuple(_names(facts, "exports"))
        return _Linked(_names(facts, "imports"), exports, _labels(facts), carriers)

    def _providers(self, component: Component, what: str) -> None:
        handles, application = Handles(self.state_dir), self.desired.application
        for kind, row in KINDS.items():
            for name in row.names(component):
                key = handles.key(application.name, kind, name, self.configuration)
                if key is None:
                    known = self.configuration.providers(row.table)
                    raise unknown_name(row, component.id, name, component.at(row.asked), known)
                self._add("ok", what, f"{row.words} '{name}' is of type {key.type}")
        for grant in granted.granted(component):
            if grant.what in (granted.OUTBOUND, granted.FILES):
                self._add("ok", what, f"{grant.what} {grant.name} is granted")

    def _files(self, component: Component) -> None:
        assets.check(self.desired.application, component)
        for entry in component.files:
            if not isinstance(entry, FilePattern) and entry.writable:
                what = f"component '{component.id}'"
                self._add("ok", what, f"may write to {entry.source} as {entry.destination}")

    def _build(self, component: Component, what: str) -> None:
        for command in component.build.command if component.build else ():
            program = _program(command)
            if program and program not in self.tools and shutil.which(program) is None:
                text = f"the program '{program}' of its build command is not on the PATH"
                self._add("warning", what, text, "install it before: paddock build")

    def _routes(self) -> None:
        application = self.desired.application
        for trigger in application.http:
            route = based(application, trigger) or "(private)"
            target = f"component '{trigger.component}'" if trigger.component else "a fixed response"
            host = f" of {trigger.host}" if trigger.host else ""
            self._add("ok", f"route {route}{host}", f"is answered by {target}")
            if trigger.executor.options.get("routes"):
                text = "may get more routes from the module's _routes, which is asked at the start"
                self._add("ok", f"route {route}{host}", text)

    def _trigger(self, trigger: Trigger, values: Mapping[str, str]) -> None:
        exports = self._exports.get(trigger.component or "")
        if exports is None and trigger.component is not None:
            # What is wrong with the component was told; its exports are not known.
            find(trigger.type)
            return
        handles = Handles(self.state_dir)
        making = triggers.Making(
            self.desired.application, self.configuration, handles, values, self.state_dir
        )
        triggers.check(trigger, exports or (), making)
        text = f"type {trigger.type}: starts component '{trigger.component}'"
        self._add("ok", f"trigger '{trigger.id}'", text)


def _facts(data: bytes) -> Mapping[str, object]:
    return cast("Mapping[str, object]", json.loads(_core.inspect(data)))


def _names(facts: Mapping[str, object], key: str) -> list[str]:
    return [
        f"{item['module']}.{item['name']}" if "module" in item else str(item["name"])
        for item in cast("list[Mapping[str, object]]", facts.get(key) or [])
    ]


def _program(command: str) -> str | None:
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    # Settings such as A=b may stand in front of the program; a shell's own words are no programs.
    word = next((word for word in words if "=" not in word), None)
    return word if word not in ("cd", "export", "set", "test", "[") else None


def _labels(facts: Mapping[str, object]) -> dict[str, str]:
    """The interface of each import under a label of the component's own."""
    items = cast("list[Mapping[str, str]]", facts.get("imports") or [])
    return {item["name"]: item["implements"] for item in items if "implements" in item}
