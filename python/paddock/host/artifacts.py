"""Compiles what a plan needs, each content once and off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from paddock import _core
from paddock.errors import ArtifactError, PaddockError, PlanError
from paddock.host.compose import Misfit, Parts, compose, parts, read
from paddock.host.desired import Desired
from paddock.manifest.dependency import Dependency
from paddock.manifest.model import Application, Component, UrlSource

LOG = logging.getLogger("paddock.host")

#: Seconds of compiling after which a user is told why nothing happens.
PATIENCE = 1.0

BINARY = b"\0asm"
#: Version and layer of a component's header (Component Model, binary format).
COMPONENT = b"\x0d\x00\x01\x00"

Refuse: TypeAlias = Callable[[object, PaddockError], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A file, the export that starts it where that is not `_start`, and what is plugged in."""

    path: Path
    entrypoint: str | None = None
    parts: Parts | None = None


def source_of(application: Application, component: Component) -> Source | None:
    """Where a component's machine code comes from; None if that is no file.

    Raises PlanError where its CGI routes name different entry points.
    """
    if not isinstance(component.source, Path):
        return None
    starts = {
        str(trigger.executor.options.get("entrypoint", "_start"))
        for trigger in application.http
        if trigger.component == component.id and trigger.executor.type == "wagi"
    }
    if len(starts) > 1:
        raise PlanError(
            f"its routes start it at different entry points: {', '.join(sorted(starts))}",
            hint="make a component for each of them, of the same source",
        )
    entrypoint = next(iter(starts - {"_start"}), None)
    return Source(component.source, entrypoint, parts(component))


class Loader:
    """Loads the artefacts of one plan; what can't be loaded is told to `refuse`."""

    def __init__(self, engine: _core.Engine, refuse: Refuse, *, allow_precompiled: bool) -> None:
        self._engine = engine
        self._refuse = refuse
        self._allow_precompiled = allow_precompiled
        #: Which dependency imports what the component itself does not, by import.
        self.carriers: dict[Source, Mapping[str, Dependency]] = {}

    async def load(self, desired: Desired) -> Mapping[Source, _core.Artifact]:
        """The artefacts of all components that come from files."""
        wanted: dict[Source, Component] = {}
        for each in desired.applications:
            for component in each.application.components.values():
                self._want(each.application, component, wanted)
        loaded = await asyncio.gather(
            *(self._loaded(source, component) for source, component in wanted.items()),
            return_exceptions=True,
        )
        artifacts: dict[Source, _core.Artifact] = {}
        for (source, component), result in zip(wanted.items(), loaded, strict=True):
            where = f"{component.at('source')}: component '{component.id}'"
            if isinstance(result, Misfit):
                self._refuse(result.where, result)
            elif isinstance(result, ArtifactError):
                self._refuse(f"{where}: {source.path}", result)
            elif isinstance(result, PaddockError):
                self._refuse(where, result)
            elif isinstance(result, BaseException):
                raise result
            else:
                artifacts[source] = result
        return artifacts

    def _want(
        self, application: Application, component: Component, wanted: dict[Source, Component]
    ) -> None:
        where = f"{component.at('source')}: component '{component.id}'"
        try:
            source = source_of(application, component)
        except PlanError as error:
            self._refuse(where, error)
            return
        if isinstance(component.source, UrlSource) or (source and unfetched(source)):
            # That it can't be fetched was told before.
            return
        if source is not None:
            wanted.setdefault(source, component)
            return
        reason = "comes from a registry, which is not supported yet"
        self._refuse(
            component.at("source"),
            PlanError(f"component '{component.id}' {reason}; download it and name the file"),
        )

    async def _loaded(self, source: Source, component: Component) -> _core.Artifact:
        loading = asyncio.create_task(asyncio.to_thread(self._artifact, source))
        done, _ = await asyncio.wait((loading,), timeout=PATIENCE)
        if not done:
            size = source.path.stat().st_size / 1e6
            LOG.info(
                "compiling %s (%.1f MB): needed once, then it comes from the cache",
                source.path.name,
                size,
                extra={"component": component.id},
            )
        return await loading

    def _artifact(self, source: Source) -> _core.Artifact:
        data = read(source.path)
        if source.parts is not None:
            whole = compose(source.parts, as_component(data, source.entrypoint))
            self.carriers[source] = whole.carriers
            return self._engine.load(whole.data)
        if source.path.suffix.lower() == ".cwasm" and self._allow_precompiled:
            return self._engine.load_precompiled(data)
        artifact = self._engine.load(as_component(data, source.entrypoint))
        if artifact.kind == "module":
            # A text says only when it is read what it is; texts are small.
            return self._engine.load(_core.componentize(data, source.entrypoint))
        return artifact


def unfetched(source: Source) -> list[UrlSource]:
    """The URLs of those parts that no file holds yet."""
    parts = source.parts
    dependencies = (*parts.dependencies, *parts.middleware) if parts else ()
    return [one.source for one in dependencies if isinstance(one.source, UrlSource)]


def as_component(data: bytes, entrypoint: str | None) -> bytes:
    """The same, of a binary core module the component that it makes."""
    if data.startswith(BINARY) and not data.startswith(BINARY + COMPONENT):
        return _core.componentize(data, entrypoint)
    return data
