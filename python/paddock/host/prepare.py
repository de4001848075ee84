"""The first step of an apply: everything that can fail, without touching what runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paddock import _core
from paddock.errors import PaddockError, PlanError
from paddock.host import assets, triggers, variables
from paddock.host.addresses import AddressPool
from paddock.host.artifacts import Loader, Source, source_of
from paddock.host.desired import Desired, DesiredApplication
from paddock.host.expand import Expander
from paddock.host.grants import TELEMETRY, Given, bound_interfaces, outbound
from paddock.host.handles import Handle, Handles, unknown_name
from paddock.host.imports import HANDLERS, Checked, check, handler_missing, useless
from paddock.host.kinds import KINDS, Kind
from paddock.host.migrate import Wanted, wanted
from paddock.host.own import unfit
from paddock.host.triggers import PreparedTrigger
from paddock.host.unsupported import notes, unsupported
from paddock.manifest.dependency import Dependency
from paddock.manifest.model import Component

if TYPE_CHECKING:
    from paddock.capabilities.configuration import Configuration
    from paddock.host.audit import Audit


@dataclass(slots=True)
class PreparedApplication:
    """One application, ready to be committed."""

    desired: DesiredApplication
    components: dict[str, _core.Component] = field(default_factory=dict[str, "_core.Component"])
    #: What each component is, comparable between generations; see `plan`.
    facts: dict[str, tuple[str, object]] = field(default_factory=dict[str, tuple[str, object]])
    exports: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    triggers: list[PreparedTrigger] = field(default_factory=list[PreparedTrigger])
    #: Open providers by kind and by the name that the manifest has.
    handles: dict[tuple[str, str], Handle] = field(default_factory=dict[tuple[str, str], Handle])
    #: Those of `handles` that get the data of what stood there before.
    moving: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    warnings: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Tools:
    """What preparing needs of its host."""

    engine: _core.Engine
    runtime: _core.Runtime
    handles: Handles
    addresses: AddressPool
    state_dir: Path
    allow_precompiled: bool
    fuel: int | None
    audit: Audit | None = None


class Preparation:
    """Prepares all applications of one `Desired`; collects every reason against it."""

    def __init__(self, tools: Tools, desired: Desired) -> None:
        self._tools = tools
        self._desired = desired
        self._problems: list[str] = []
        self._hints: list[str] = []
        self._carriers: Mapping[Source, Mapping[str, Dependency]] = {}
        self.acquired: list[Handle] = []
        self.migrations: list[Wanted] = []
        self.applications: list[PreparedApplication] = []

    async def run(self) -> list[PreparedApplication]:
        """All applications prepared, or PlanError with all reasons and nothing kept."""
        try:
            names = [each.application.name for each in self._desired.applications]
            for name in sorted({name for name in names if names.count(name) > 1}):
                self._problems.append(f"two applications are named '{name}'")
            tools, limits = self._tools, self._desired.configuration.limits
            expander = Expander(tools.engine, tools.runtime, tools.state_dir, limits, self._refuse)
            self._desired = await expander.expanded(self._desired)
            loader = Loader(
                self._tools.engine,
                self._refuse,
                allow_precompiled=self._tools.allow_precompiled,
            )
            artifacts = await loader.load(self._desired)
            self._carriers = loader.carriers
            for each in self._desired.applications:
                prepared = await self._application(each, artifacts)
                if prepared is not None:
                    self.applications.append(prepared)
            if self._problems:
                raise PlanError("\n".join(dict.fromkeys(self._problems)), hint=self._hint())
        except BaseException:
            await self.undo()
            raise
        return self.applications

    async def undo(self) -> None:
        """Give back what was opened for a plan that is not carried out."""
        await self._tools.handles.release(self.acquired)
        self.acquired = []

    def _hint(self) -> str | None:
        return "\n".join(dict.fromkeys(self._hints)) or None

    def _refuse(self, where: object, error: PaddockError) -> None:
        message = error.message.removeprefix(f"{where}: ")
        self._problems.append(f"{where}: {message}")
        if error.hint:
            self._hints.append(error.hint)

    async def _application(
        self, desired: DesiredApplication, artifacts: Mapping[Source, _core.Artifact]
    ) -> PreparedApplication | None:
        application = desired.application
        before = len(self._problems)
        self._problems += unsupported(application)
        try:
            source = variables.layers(desired, self._desired.configuration, self._tools.state_dir)
            values, missing = await variables.known_values(desired, source)
        except PaddockError as error:
            where = application.location
            if isinstance(error, variables.SourceRefused):
                where = error.where
            self._refuse(where, error)
            return None
        self._problems += missing
        self._problems += variables.unresolved(application, values)
        if missing:
            return None
        prepared = PreparedApplication(desired)
        prepared.warnings += notes(application)
        await self._providers(prepared)
        for component in application.components.values():
            try:
                place = source_of(application, component)
                artifact = artifacts.get(place) if place else None
                if artifact is not None:
                    carriers = self._carriers.get(place, {}) if place else {}
                    checked = check(
                        component, artifact.imports, _core.built_in, artifact.labels, carriers
                    )
                    await self._component(prepared, component, artifact, checked, values, source)
            except PaddockError as error:
                self._refuse(f"{component.location}: component '{component.id}'", error)
        if len(self._problems) == before:
            await self._triggers(prepared, values)
        return prepared if len(self._problems) == before else None

    async def _triggers(self, prepared: PreparedApplication, values: Mapping[str, str]) -> None:
        application = prepared.desired.application
        making = triggers.Making(
            application,
            self._desired.configuration,
            self._tools.handles,
            values,
            self._tools.state_dir,
        )
        for trigger in application.triggers:
            exports = prepared.exports.get(trigger.component or "", ())
            try:
                prepared.triggers.append(
                    await triggers.prepare(trigger, exports, making, self.acquired)
                )
            except PaddockError as error:
                self._refuse(f"{trigger.location}: trigger '{trigger.id}'", error)

    async def _providers(self, prepared: PreparedApplication) -> None:
        for component in prepared.desired.application.components.values():
            for kind, row in KINDS.items():
                for name in row.names(component):
                    if (kind, name) not in prepared.handles:
                        await self._provider(prepared, component, kind, name)
        await self._telemetry(prepared)

    async def _telemetry(self, prepared: PreparedApplication) -> None:
        chosen, handles = self._desired.configuration.telemetry, self._tools.handles
        if chosen is None:
            return
        try:
            key = handles.key_of("", *TELEMETRY, chosen, self._desired.configuration)
            handle = await handles.acquire(key)
            self.acquired.append(handle)
            prepared.handles[TELEMETRY] = handle
        except PaddockError as error:
            self._refuse(chosen.location, error)

    async def _provider(
        self, prepared: PreparedApplication, component: Component, kind: str, name: str
    ) -> None:
        application = prepared.desired.application.name
        configuration, handles = self._desired.configuration, self._tools.handles
        row: Kind = KINDS[kind]
        where = component.at(row.asked)
        try:
            key = handles.key(application, kind, name, configuration)
            if key is None:
                known = configuration.providers(row.table)
                raise unknown_name(row, component.id, name, where, known)
            handle = await handles.acquire(key)
            self.acquired.append(handle)
            prepared.handles[kind, name] = handle
            migration = wanted(application, handle, handles, configuration)
            if migration is not None:
                prepared.moving.add((kind, name))
                if migration not in self.migrations:
                    self.migrations.append(migration)
        except PaddockError as error:
            provider = configuration.providers(row.table).get(name)
            self._refuse(provider.location if provider else where, error)

    async def _component(
        self,
        prepared: PreparedApplication,
        component: Component,
        artifact: _core.Artifact,
        checked: Checked,
        values: Mapping[str, str],
        source: Configuration,
    ) -> None:
        self._problems += checked.problems
        prepared.warnings += checked.warnings
        prepared.warnings += useless(component, artifact.exports)
        if checked.problems:
            return
        application = prepared.desired.application
        if missing := handler_missing(application, component, artifact.exports):
            self._problems.append(missing)
            self._hints.append(HANDLERS)
        mounts = await asyncio.to_thread(
            assets.mounts, application, component, self._tools.state_dir
        )
        mounted = [(str(host), guest, writable) for host, guest, writable in mounts]
        spec = self._spec(prepared, component, mounted, values)
        audit = self._tools.audit.of(application.name, component) if self._tools.audit else None
        given = Given(application, component, prepared.handles, source, spec, audit)
        imports = {name: artifact.labels.get(name, name) for name in checked.bound}
        bound = bound_interfaces(imports, given, self._tools.addresses)
        self._problems += await asyncio.to_thread(unfit, component, bound)
        prepared.exports[component.id] = tuple(artifact.exports)
        prepared.components[component.id] = _core.Component(
            self._tools.engine, artifact, spec, bound, self._tools.runtime
        )
        known, stores = tuple(sorted(values.items())), _stores(prepared, component)
        prepared.facts[component.id] = (
            artifact.digest,
            (component, known, stores, mounted, prepared.desired.overrides),
        )

    def _spec(
        self,
        prepared: PreparedApplication,
        component: Component,
        mounts: list[tuple[str, str, bool]],
        values: Mapping[str, str],
    ) -> _core.ComponentSpec:
        """What the core has to know of a component, limits of the host filled in."""
        limits = self._desired.configuration.limits
        reuse = component.reuse
        return _core.ComponentSpec(
            application=prepared.desired.application.name,
            id=component.id,
            environment=list(
                {**component.environment, **prepared.desired.overrides.environment}.items()
            ),
            arguments=[],
            mounts=mounts,
            memory=component.limits.memory or limits.memory,
            table=component.limits.table or limits.table,
            time=component.limits.time if component.limits.time is not None else limits.time,
            stream=limits.stream,
            fuel=self._tools.fuel,
            outbound=outbound(component, values),
            blocked=self._desired.configuration.outbound.blocked,
            audit=self._tools.audit is not None,
            reuse=(reuse.requests, reuse.concurrency, reuse.idle) if reuse else None,
        )


def _stores(prepared: PreparedApplication, component: Component) -> tuple[object, ...]:
    """What stands behind the names that a component is granted."""
    return tuple(
        prepared.handles[kind, name].key
        for kind, row in KINDS.items()
        for name in row.names(component)
        if (kind, name) in prepared.handles
    )
