"""A wash project of wasmCloud 2: `.wash/config.yaml` (or .yml, .json, .toml).

What `wash dev` would run: the component that the project builds, others beside it, a
service, and what stands behind their interfaces. Keys as wash 2.7 has them. Values of
`configs` come from the places that it names; secrets are not put into environments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from paddock.manifest.document import Located
from paddock.manifest.formats import wasmcloud
from paddock.manifest.formats.wash_shapes import (
    Component,
    Config,
    Environment,
    Interface,
    Workload,
)
from paddock.manifest.formats.wash_sources import values_of
from paddock.manifest.formats.wasmcloud import Use
from paddock.manifest.names import did_you_mean, kebab
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.shape_errors import validate
from paddock.manifest.translation import Translation

#: Keys of `dev` that have no effect here, and what to do.
_DEV = {
    "address": "where the host listens is said with --listen",
    "tls_cert_path": "say --tls-cert and --tls-key",
    "tls_key_path": "say --tls-cert and --tls-key",
    "tls_ca_path": "certificates of clients are not asked for",
    "http_client_ca_paths": "outgoing HTTPS trusts what the platform trusts",
    "http_client_trust_roots": "outgoing HTTPS trusts what the platform trusts",
    "allow_insecure_registries": "nothing is fetched from registries",
    "wasi_otel": "set [telemetry] in the host's configuration",
    "max_outbound_socket_connections_per_workload": "is no limit of this host",
    "max_inbound_socket_connections_per_workload": "is no limit of this host",
    "max_outbound_http_connections_per_workload": "is no limit of this host",
    "max_connections": "is no limit of this host",
    "http_connection_wait": "is no limit of this host",
    "command": "what `paddock up` serves it does not build anew; use --build",
    "wasm_proposals": "what the engine can do is always on",
}
_REFUSED = {
    "host_plugins": "plugins of a wasmCloud host don't run here; write a provider",
    "wasi_webgpu": "this host offers no graphics",
    "service_ports": "a service can't take connections",
}
#: Keys of `dev` that name what stands behind a package.
_BEHIND = {
    "wasi_keyvalue_redis_url": ("keyvalue", "redis", "url"),
    "wasi_keyvalue_nats_url": ("keyvalue", "nats", "url"),
    "wasi_keyvalue_path": ("keyvalue", "filesystem", "path"),
    "wasi_blobstore_path": ("blobstore", "filesystem", "path"),
    "data_nats_url": ("messaging", "nats", "url"),
    "postgres_url": ("postgres", "postgres", "url"),
}


#: POSIX, Shell Command Language, 2.10.2: a name in an assignment.
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def translate(document: Located, path: Path) -> Translation:
    """What `wash dev` would run."""
    config, problems = validate(Config, document)
    if config is None:
        raise ManifestMistakes(problems)
    project = path.parent.parent
    return _Reading(Translation(document, project), config, project).done()


class _Reading:
    def __init__(self, made: Translation, config: Config, project: Path) -> None:
        self._made = made
        self._config = config
        self._dev = config.dev
        self._project = project
        self._ids: list[str] = []

    def done(self) -> Translation:
        made = self._made
        made.put(("application", "name"), self._project.name or "wash", ())
        for keys, refuse in ((_DEV, False), (_REFUSED, True)):
            for key, reason in keys.items():
                if key in made.at_original(("dev",)):
                    made.note(("dev", key), reason, refuse=refuse)
        main = self._main()
        for index, one in enumerate(self._dev.components):
            self._beside(one, ("dev", "components", index))
        self._service()
        for name in self._ids:
            self._volumes(name)
            self._behind(name)
        answered = False
        for index, item in enumerate(self._dev.host_interfaces):
            answered = self._interface(main, item, ("dev", "host_interfaces", index)) or answered
        if not answered and not self._dev.service:
            # wash sends every request to what the project builds.
            wasmcloud.add_route(made, main, "/...", ("build",))
        return made

    def _main(self) -> str:
        made, build, dev = self._made, self._config.build, self._dev
        origin: KeyPath = ("build", "component_path")
        path = dev.component_path or build.component_path or f"{self._project.name}.wasm"
        name = kebab(self._project.name)
        made.put(("component", name), {}, ("build",))
        made.put(("component", name, "source"), path, origin)
        self._ids.append(name)
        if build.command:
            made.put(("component", name, "build"), {}, ("build",))
            for key in build.env:
                if not _ASSIGNED.fullmatch(key):
                    made.wrong(("build", "env", key), "is not a name that a shell can set")
            settings = " ".join(f"{key}={_quoted(value)}" for key, value in build.env.items())
            command = f"{settings} {build.command}".strip()
            made.put(("component", name, "build", "command"), command, ("build", "command"))
        self._workload(name, None, ("workload",))
        if dev.service:
            wasmcloud.service(made, name, ("dev", "service"))
        return name

    def _beside(self, one: Component, origin: KeyPath) -> None:
        made = self._made
        name = made.component_id(one.name, (*origin, "name"))
        made.put(("component", name), {}, origin)
        if (one.file is None) == (one.image is None):
            made.wrong(origin, "needs one of 'file' and 'image'")
        source = one.file or wasmcloud.source(made, one.image or "none", origin)
        made.put(("component", name, "source"), source, (*origin, "file"))
        self._ids.append(name)
        self._workload(name, one, origin)
        if one.poolSize:
            reuse = {"concurrency": one.maxConcurrency or 1}
            reuse |= {"requests": one.maxInvocations} if one.maxInvocations else {}
            made.put(("component", name, "reuse"), reuse, (*origin, "poolSize"))

    def _service(self) -> None:
        dev, made = self._dev, self._made
        if not dev.service_file and not dev.service_image:
            return
        origin: KeyPath = ("dev", "service_file" if dev.service_file else "service_image")
        name = made.component_id("service", origin)
        source = dev.service_file or wasmcloud.source(made, dev.service_image or "", origin)
        made.put(("component", name), {}, origin)
        made.put(("component", name, "source"), source, origin)
        self._ids.append(name)
        self._workload(name, None, ("workload",))
        wasmcloud.service(made, name, origin)

    def _workload(self, name: str, own: Component | None, origin: KeyPath) -> None:
        """What holds for every component, and what `own` says beside it."""
        made = self._made
        all_of = self._config.workload or Workload(allowedHosts=[])
        hosts = own.allowedHosts if own and own.allowedHosts is not None else all_of.allowedHosts
        wasmcloud.allow(made, name, hosts, (*origin, "allowedHosts"))
        ports = own.allowedHostLoopbackPorts if own else None
        for entry in all_of.allowedHostLoopbackPorts if ports is None else ports:
            port, _, protocol = str(entry).partition("/")
            grant = f"{protocol or 'tcp'}://127.0.0.1:{port}"
            wasmcloud.append(made, name, "allowed_outbound_hosts", grant, origin)
        config = {**all_of.config, **(own.config if own else {})}
        wasmcloud.configure(made, name, config, (*origin, "config"))
        environment = {**self._dev.environment}
        layers: list[tuple[Environment, KeyPath]] = [
            (all_of.environment, ("workload", "environment"))
        ]
        layers += [(own.environment, (*origin, "environment"))] if own else []
        for layer, place in layers:
            environment |= self._layer(layer, place)
        made.put(("component", name, "environment"), environment, (*origin, "environment"))

    def _layer(self, layer: Environment, origin: KeyPath) -> Mapping[str, str]:
        made, known = self._made, self._config.configs
        values = {**layer.config}
        for index, name in enumerate(layer.configFrom):
            place: KeyPath = (*origin, "configFrom", index)
            if name not in known:
                made.wrong(place, f"no '{name}'", did_you_mean(name, known, what="configs"))
                continue
            values |= values_of(made, known[name], self._project, ("configs", name))
        for index, name in enumerate(layer.secretFrom):
            made.note(
                (*origin, "secretFrom", index),
                f"the secrets of '{name}' are not put into the environment; give them with --env",
            )
        return values

    def _volumes(self, name: str) -> None:
        for index, volume in enumerate(self._dev.volumes):
            entry = {
                "source": volume.host_path,
                "destination": volume.guest_path,
                "writable": True,
            }
            self._made.put(("component", name, "files", index), entry, ("dev", "volumes", index))

    def _behind(self, name: str) -> None:
        given = {key: getattr(self._dev, key) for key in _BEHIND}
        for key, (package, backend, option) in _BEHIND.items():
            if given[key] is not None:
                use = Use("wasi", package, (), ("dev", key), "default", {option: given[key]})
                wasmcloud.grant(self._made, name, _backed(use, backend))
        # Without a setting wash keeps both in memory.
        for package in ("keyvalue", "blobstore"):
            kept = [
                key for key, row in _BEHIND.items() if row[0] == package and given[key] is not None
            ]
            if not kept:
                use = Use("wasi", package, (), ("dev",))
                wasmcloud.grant(self._made, name, _backed(use, "in-memory"))

    def _interface(self, main: str, item: Interface, origin: KeyPath) -> bool:
        made, interfaces = self._made, tuple(item.interfaces)
        use = Use(
            item.namespace, item.package, interfaces, origin, item.name or "default", item.config
        )
        answered = [one for one in interfaces if "handler" in one and "outgoing" not in one]
        if answered:
            wasmcloud.answer(made, main, use)
        if len(answered) < len(interfaces) and item.package != "http":
            for name in self._ids:
                wasmcloud.grant(made, name, use)
        return bool(answered) and item.package == "http"


def _backed(use: Use, backend: str) -> Use:
    return Use(
        use.namespace, use.package, use.interfaces, use.origin, use.name, use.config, backend
    )


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)
