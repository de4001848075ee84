"""Makes an `Application` of a manifest's checked tables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import cast

from paddock.manifest import composition, shapes
from paddock.manifest.document import Located, frozen
from paddock.manifest.model import (
    Application,
    Build,
    Component,
    Executor,
    FileEntry,
    FileMount,
    FilePattern,
    HttpTrigger,
    Limits,
    RegistrySource,
    Reuse,
    Source,
    StaticResponse,
    Trigger,
    Unsupported,
    UrlSource,
    Variable,
)
from paddock.manifest.names import kebab
from paddock.manifest.outbound import grants_of_http_host
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import key_text


def assemble(
    table: shapes.ManifestTable,
    document: Located,
    source: Path,
    *,
    base: Path | None = None,
    profile: str | None = None,
) -> Application:
    """The application that `table` describes; `source` is the absolute path of its file.

    Relative paths start from `base`, by default the file's directory. Components that
    have the build `profile` are those of that profile.
    """
    return _Assembly(table, document, source, base or source.parent, profile).application()


class _Assembly:
    def __init__(
        self,
        table: shapes.ManifestTable,
        document: Located,
        source: Path,
        base: Path,
        profile: str | None,
    ) -> None:
        self._table = table
        self._document = document
        self._source = source
        self._base = base
        self._profile = profile
        self._composition = composition.Composition(document, base)
        self._components: dict[str, Component] = {}
        self._trigger_ids: set[str] = set()

    def application(self) -> Application:
        table = self._table.application
        for name, component in self._table.component.items():
            self._components[name] = self._component(name, component, ("component", name))
        others = cast("dict[str, list[shapes.OtherTable]]", self._table.trigger.model_extra or {})
        self._trigger_ids.update(one.id for one in self._table.trigger.http if one.id)
        self._trigger_ids.update(one.id for group in others.values() for one in group if one.id)
        http = tuple(self._http(i, trigger) for i, trigger in enumerate(self._table.trigger.http))
        triggers = tuple(
            self._other(kind, i, trigger)
            for kind, group in others.items()
            for i, trigger in enumerate(group)
        )
        return Application(
            name=table.name,
            version=table.version,
            description=table.description,
            authors=tuple(table.authors),
            variables={
                name: self._variable(name, one) for name, one in self._table.variables.items()
            },
            components=self._components,
            http=http,
            triggers=triggers,
            trigger_settings={kind: frozen(options) for kind, options in table.trigger.items()},
            unsupported=tuple(self._application_unsupported(table)),
            base=self._base,
            source=self._source,
            location=self._document.at(("application",)),
        )

    def _variable(self, name: str, table: shapes.VariableTable) -> Variable:
        return Variable(
            name,
            default=table.default,
            required=table.required,
            secret=table.secret,
            description=table.description,
            location=self._document.at(("variables", name)),
        )

    def _component(self, name: str, table: shapes.ComponentTable, path: KeyPath) -> Component:
        chosen = table.profile.get(self._profile or "")
        source, build = table.source, self._build(table.build, (*path, "build"))
        environment = table.environment
        if chosen is not None:
            source = chosen.source or source
            environment = {**environment, **chosen.environment}
            build = self._profile_build(build, chosen.build, (*path, "profile"))
        hosts = [*table.allowed_outbound_hosts]
        for item in table.allowed_http_hosts:
            hosts.extend(grants_of_http_host(item))
        return Component(
            id=name,
            source=self._component_source(source),
            description=table.description,
            environment=environment,
            variables=table.variables,
            files=tuple(
                self._file(item, (*path, "files", index)) for index, item in enumerate(table.files)
            ),
            exclude_files=tuple(table.exclude_files),
            allowed_outbound_hosts=tuple(dict.fromkeys(hosts)),
            key_value_stores=tuple(dict.fromkeys(table.key_value_stores)),
            sqlite_databases=tuple(dict.fromkeys(table.sqlite_databases)),
            sql_databases=tuple(dict.fromkeys(table.sql_databases)),
            blob_containers=tuple(dict.fromkeys(table.blob_containers)),
            message_brokers=tuple(dict.fromkeys(table.message_brokers)),
            secrets=table.secrets,
            interfaces=tuple(dict.fromkeys(table.interfaces)),
            ai_models=tuple(dict.fromkeys(table.ai_models)),
            dependencies=self._composition.dependencies(table, self._profile, path),
            build=build,
            limits=self._limits(table.limits, (*path, "limits")),
            reuse=self._reuse(table.reuse, (*path, "reuse")),
            unsupported=tuple(self._component_unsupported(table, path)),
            location=self._document.at(path),
            locations={key: self._document.at((*path, key)) for key in table.model_fields_set},
        )

    def _component_source(self, source: str | shapes.UrlTable | shapes.RegistryTable) -> Source:
        if isinstance(source, str):
            return self._path(source)
        if isinstance(source, shapes.UrlTable):
            return UrlSource(source.url, source.digest)
        return RegistrySource(source.package, source.version, source.registry)

    def _file(self, item: str | shapes.MountTable, path: KeyPath) -> FileEntry:
        location = self._document.at(path)
        if isinstance(item, str):
            return FilePattern(item, location)
        source = self._path(item.source)
        return FileMount(source, item.destination, location, item.writable)

    def _build(self, table: shapes.BuildTable | None, path: KeyPath) -> Build | None:
        if table is None:
            return None
        command = (table.command,) if isinstance(table.command, str) else tuple(table.command)
        workdir = self._path(table.workdir) if table.workdir else self._base
        return Build(command, workdir, tuple(table.watch), self._document.at(path))

    def _profile_build(
        self, build: Build | None, table: shapes.ProfileBuildTable | None, path: KeyPath
    ) -> Build | None:
        if table is None:
            return build
        whole = shapes.BuildTable(command=table.command)
        made = self._build(whole, path)
        return replace(build, command=made.command) if build and made else made

    def _limits(self, table: shapes.LimitsTable | None, path: KeyPath) -> Limits:
        if table is None:
            return Limits()
        location = self._document.at(path)
        return Limits(table.memory, table.time, table.instances, table.table, location)

    def _reuse(self, table: shapes.ReuseTable | None, path: KeyPath) -> Reuse | None:
        if table is None:
            return None
        usual = Reuse()
        return Reuse(
            table.requests or usual.requests,
            table.concurrency or usual.concurrency,
            table.idle or usual.idle,
            self._document.at(path),
        )

    def _http(self, index: int, table: shapes.HttpTable) -> HttpTrigger:
        path: KeyPath = ("trigger", "http", index)
        name = self._trigger_id("http", table)
        options = {
            "entrypoint": table.executor.entrypoint,
            "argv": table.executor.argv,
            "routes": table.executor.routes,
        }
        return HttpTrigger(
            id=name,
            route=table.route if isinstance(table.route, str) else None,
            component=self._trigger_component(name, table.component, path),
            static_response=self._static(table.static_response),
            methods=tuple(dict.fromkeys(table.methods or ())),
            host=table.host,
            executor=Executor(
                "wagi" if table.executor.type == "wagi" else "http",
                {key: value for key, value in options.items() if value is not None},
            ),
            middleware=self._composition.middleware(table, path),
            unsupported=tuple(self._trigger_unsupported(table, path)),
            location=self._document.at(path),
        )

    def _static(self, table: shapes.StaticTable | None) -> StaticResponse | None:
        if table is None:
            return None
        return StaticResponse(table.status_code, table.headers, table.body)

    def _other(self, kind: str, index: int, table: shapes.OtherTable) -> Trigger:
        path: KeyPath = ("trigger", kind, index)
        name = self._trigger_id(kind, table)
        return Trigger(
            type=kind,
            id=name,
            component=self._trigger_component(name, table.component, path),
            options=frozen(cast("dict[str, object]", table.model_extra or {})),
            unsupported=tuple(self._trigger_unsupported(table, path)),
            location=self._document.at(path),
        )

    def _trigger_id(self, kind: str, table: shapes.HttpTable | shapes.OtherTable) -> str:
        """The trigger's own id, or one made as Spin makes it."""
        if table.id:
            return table.id
        usual = f"{table.component}-{kind}-trigger" if isinstance(table.component, str) else None
        counted = (f"{kind}-trigger{number}" for number in count(1))
        name = usual if usual and usual not in self._trigger_ids else None
        name = name or next(one for one in counted if one not in self._trigger_ids)
        self._trigger_ids.add(name)
        return name

    def _trigger_component(
        self, trigger: str, component: str | shapes.ComponentTable | None, path: KeyPath
    ) -> str | None:
        if component is None or isinstance(component, str):
            return component
        usual = f"{trigger}-component"
        counted = (f"inline-component{number}" for number in count(1))
        name = usual if kebab(usual) == usual and usual not in self._components else None
        name = name or next(one for one in counted if one not in self._components)
        self._components[name] = self._component(name, component, (*path, "component"))
        return name

    def _application_unsupported(self, table: shapes.ApplicationTable) -> Iterable[Unsupported]:
        path: KeyPath = ("application",)
        if table.targets:
            yield self._unsupported((*path, "targets"), "targets are not checked", refuse=False)

    def _component_unsupported(
        self, table: shapes.ComponentTable, path: KeyPath
    ) -> Iterable[Unsupported]:
        if table.targets:
            yield self._unsupported((*path, "targets"), "targets are not checked", refuse=False)
        if table.ai_models:
            reason = "this host offers no language models; a component that imports them is refused"
            yield self._unsupported((*path, "ai_models"), reason, refuse=False)

    def _trigger_unsupported(
        self, table: shapes.HttpTable | shapes.OtherTable, path: KeyPath
    ) -> Iterable[Unsupported]:
        if table.components:
            where = (*path, "components")
            yield self._unsupported(where, "has no meaning for a trigger of this type")
        if isinstance(table, shapes.OtherTable) and table.dependencies:
            where = (*path, "dependencies")
            yield self._unsupported(where, "only routes (trigger.http) have middleware")

    def _unsupported(self, path: KeyPath, reason: str, *, refuse: bool = True) -> Unsupported:
        return Unsupported(key_text(path), reason, refuse, self._document.at(path))

    def _path(self, text: str) -> Path:
        return Path(os.path.normpath(self._base / text))
