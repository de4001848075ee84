"""What has to be found out before a plan can be prepared.

Components and dependencies named by a URL are fetched; a CGI module is asked for the
routes that it declares itself. What comes of it is an application that names only files
and routes, with a component for each way of composing one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from paddock import _core
from paddock.errors import ManifestError, PaddockError, PlanError
from paddock.host import downloads
from paddock.host.compose import dependencies, parted
from paddock.host.desired import Desired, DesiredApplication
from paddock.manifest.dependency import Dependency
from paddock.manifest.hostconfig import HostLimits
from paddock.manifest.model import Application, Component, HttpTrigger, Source, UrlSource
from paddock.manifest.names import kebab
from paddock.manifest.routes import parse_route

LOG = logging.getLogger("paddock.host")

#: The export which prints a module's own routes, a line each: route and entry point.
ROUTES = "_routes"
#: Bytes that it may print, and routes that they may be: each entry point is compiled by itself.
MOST_PRINTED = 64 << 10
MOST_ROUTES = 200

Refuse = Callable[[object, PaddockError], None]


@dataclass(frozen=True, slots=True)
class Expander:
    """`refuse` is told what can't be had, with where the manifest asks for it."""

    engine: _core.Engine
    runtime: _core.Runtime
    state_dir: Path
    limits: HostLimits
    refuse: Refuse

    async def expanded(self, desired: Desired) -> Desired:
        """The same with everything found out; what was refused is left as it is."""
        whole = [replace(one, application=parted(one.application)) for one in desired.applications]
        applications = [
            await self._application(one) if _needed(one.application) else one for one in whole
        ]
        return replace(desired, applications=tuple(applications))

    async def _application(self, desired: DesiredApplication) -> DesiredApplication:
        application = desired.application
        components = {
            name: await self._fetched(component)
            for name, component in application.components.items()
        }
        application = replace(application, components=components)
        for trigger in application.http:
            component = components.get(trigger.component or "")
            if component is None or not _asks(trigger):
                continue
            try:
                lines = await self._declared(application, component)
                application = _with_routes(application, trigger, component, lines)
            except PaddockError as error:
                where = f"{trigger.location}: component '{component.id}': its {ROUTES}"
                self.refuse(where, error)
        return replace(desired, application=application)

    async def _fetched(self, component: Component) -> Component:
        where = f"component '{component.id}'"
        return replace(
            component,
            source=await self._file(component.source, f"{component.at('source')}: {where}"),
            dependencies=await self._files(component.dependencies, where),
            middleware=await self._files(component.middleware, where),
        )

    async def _files(
        self, dependencies: Iterable[Dependency], where: str
    ) -> tuple[Dependency, ...]:
        found: list[Dependency] = []
        for one in dependencies:
            place = f"{one.location}: {where}: dependency '{one.name}'"
            source = await self._file(one.source, place) if one.source else None
            found.append(replace(one, source=source))
        return tuple(found)

    async def _file(self, source: Source, where: str) -> Source:
        """Where it was fetched to; the same for what is a file, or can't be had."""
        if not isinstance(source, UrlSource):
            return source
        try:
            return await asyncio.to_thread(downloads.fetch, source, self.state_dir / "downloads")
        except PaddockError as error:
            self.refuse(where, error)
            return source

    async def _declared(self, application: Application, component: Component) -> list[str]:
        """The lines that a module prints from its `_routes`; none if it has no such export."""
        adapted = await asyncio.to_thread(_routes_program, component.source)
        if adapted is None:
            return []
        artifact = await asyncio.to_thread(self.engine.load, adapted)
        spec = _core.ComponentSpec(
            application=application.name,
            id=f"{component.id} {ROUTES}",
            environment=[*component.environment.items()],
            arguments=[],
            mounts=[],
            memory=self.limits.memory,
            table=self.limits.table,
            time=self.limits.time,
            stream=self.limits.stream,
            fuel=None,
            outbound=[],
            reuse=None,
        )
        program = _core.Component(self.engine, artifact, spec, {}, self.runtime)
        printed = await _core.printed(program, MOST_PRINTED)
        return printed.decode("utf-8", "replace").splitlines()


def _needed(application: Application) -> bool:
    places = [one.source for one in application.components.values()]
    places += [one.source for one in dependencies(application) if one.source]
    urls = any(isinstance(place, UrlSource) for place in places)
    return urls or any(_asks(trigger) for trigger in application.http)


def _asks(trigger: HttpTrigger) -> bool:
    return trigger.executor.type == "wagi" and bool(trigger.executor.options.get("routes"))


def _routes_program(source: object) -> bytes | None:
    """A module with `_routes` as the program that prints them; blocks."""
    if not isinstance(source, Path) or not source.is_file():
        # Loading it will say what is wrong.
        return None
    data = source.read_bytes()
    if ROUTES.encode() not in data:
        return None
    facts = cast("dict[str, object]", json.loads(_core.inspect(data)))
    exports = cast("list[dict[str, object]]", facts.get("exports") or [])
    if facts.get("kind") != "module" or all(one.get("name") != ROUTES for one in exports):
        return None
    return _core.componentize(data, ROUTES)


def _with_routes(
    application: Application, trigger: HttpTrigger, component: Component, lines: list[str]
) -> Application:
    """Each line `ROUTE ENTRYPOINT` is a route below the module's own."""
    components, triggers = {**application.components}, [*application.http]
    base = (trigger.route or "/").removesuffix("/...").rstrip("/")
    declared = [line.strip() for line in lines if line.strip()]
    if len(declared) > MOST_ROUTES:
        raise PlanError(
            f"it declares {len(declared)} routes, more than {MOST_ROUTES}",
            hint="let one route end with /... and look at PATH_INFO",
        )
    for number, line in enumerate(declared, 1):
        route, _, entrypoint = line.partition(" ")
        entrypoint = entrypoint.strip() or "_start"
        try:
            whole = parse_route(base + route).text
        except ManifestError as error:
            raise PlanError(f"line {number}: {error.message}", hint=error.hint) from None
        name = component.id if entrypoint == _entry(trigger) else _id(component.id, entrypoint)
        components.setdefault(name, replace(component, id=name))
        options = {**trigger.executor.options, "entrypoint": entrypoint, "routes": False}
        triggers.append(
            replace(
                trigger,
                id=f"{trigger.id}-{number}",
                route=whole,
                component=name,
                executor=replace(trigger.executor, options=options),
            )
        )
        LOG.info("%s: route %s runs %s", trigger.location, whole, json.dumps(entrypoint))
    return replace(application, components=components, http=tuple(triggers))


def _entry(trigger: HttpTrigger) -> str:
    return str(trigger.executor.options.get("entrypoint") or "_start")


def _id(component: str, entrypoint: str) -> str:
    return f"{component}-{kebab(entrypoint, 'start')}"
