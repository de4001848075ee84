"""Workloads of wasmCloud 2 (`runtime.wasmcloud.dev/v1alpha1`), as input for one host.

A Workload, or one within a WorkloadDeployment or WorkloadReplicaSet: its components,
its service, its volumes, and the interfaces that it wants of a host. Shapes as the
operator's custom resource definitions of wasmCloud 2.7 have them.
"""

from __future__ import annotations

from pathlib import Path

from paddock.manifest.document import Located
from paddock.manifest.formats import wasmcloud
from paddock.manifest.formats.wasmcloud import Use
from paddock.manifest.formats.workload_shapes import (
    Component,
    Interface,
    Many,
    Mount,
    Resources,
    Service,
    Single,
    Workload,
)
from paddock.manifest.names import did_you_mean
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.shape_errors import validate
from paddock.manifest.translation import Translation

#: Keys of a Workload's and its owner's spec that a cluster reads and one host does not.
_CLUSTER = {
    "hostSelector": "there is one host to choose from",
    "hostId": "there is one host to choose from",
    "environment": "there is one host to choose from",
    "kubernetes": "there is no cluster here",
    "replicas": "one host takes all requests",
    "deployPolicy": "every apply exchanges what runs without a failed request",
    "artifacts": "what artifacts stand for is not looked up",
}
_FROM = "the values of {} are kept in a cluster, not in this file"


def translate(document: Located, path: Path) -> Translation:
    """Components, routes, grants and what the interfaces' configuration says."""
    made = Translation(document, path.parent)
    manifest: Single | Many | None
    if document.table.get("kind") == "Workload":
        manifest, problems = validate(Single, document)
    else:
        manifest, problems = validate(Many, document)
    if manifest is None:
        raise ManifestMistakes(problems)
    made.put(("application", "name"), manifest.metadata.name, ("metadata", "name"))
    if isinstance(manifest, Single):
        return _Reading(made, manifest.spec, ("spec",)).done()
    _cluster(made, ("spec",))
    return _Reading(made, manifest.spec.template.spec, ("spec", "template", "spec")).done()


def _cluster(made: Translation, origin: KeyPath) -> None:
    for key, reason in _CLUSTER.items():
        if key in made.at_original(origin):
            made.note((*origin, key), reason)


class _Reading:
    def __init__(self, made: Translation, spec: Workload, origin: KeyPath) -> None:
        self._made = made
        self._spec = spec
        self._origin = origin
        self._ids: list[str] = []

    def done(self) -> Translation:
        made = self._made
        _cluster(made, self._origin)
        for index, component in enumerate(self._spec.components):
            origin: KeyPath = (*self._origin, "components", index)
            self._ids.append(self._component(component.name, component, origin))
            self._reuse(self._ids[-1], component, origin)
        programs = self._service()
        if not self._ids and not programs:
            made.wrong(self._origin, "has neither components nor a service")
        for index, wanted in enumerate(self._spec.hostInterfaces):
            self._interface(wanted, (*self._origin, "hostInterfaces", index), programs)
        return made

    def _component(self, name: str, item: Component | Service, origin: KeyPath) -> str:
        made = self._made
        name = made.component_id(name, (*origin, "name"))
        made.put(("component", name), {}, origin)
        source = wasmcloud.source(made, item.image, origin)
        made.put(("component", name, "source"), source, (*origin, "image"))
        self._resources(name, item.localResources, (*origin, "localResources"))
        return name

    def _service(self) -> list[str]:
        item = self._spec.service
        if item is None:
            return []
        origin: KeyPath = (*self._origin, "service")
        name = self._component("service", item, origin)
        restart = "on-failure" if item.maxRestarts else "always"
        wasmcloud.service(self._made, name, origin, restart)
        if item.maxRestarts:
            place: KeyPath = ("trigger", "command", 0, "attempts")
            self._made.put(place, item.maxRestarts + 1, (*origin, "maxRestarts"))
        if item.ports:
            self._made.note((*origin, "ports"), "a service can't take connections", refuse=True)
        return [name]

    def _reuse(self, name: str, item: Component, origin: KeyPath) -> None:
        if not item.poolSize:
            return
        reuse: dict[str, object] = {"concurrency": item.maxConcurrency or 1}
        if item.maxInvocations:
            reuse["requests"] = item.maxInvocations
        self._made.put(("component", name, "reuse"), reuse, (*origin, "poolSize"))

    def _resources(self, name: str, item: Resources, origin: KeyPath) -> None:
        made = self._made
        wasmcloud.allow(made, name, item.allowedHosts, (*origin, "allowedHosts"))
        wasmcloud.configure(made, name, item.config, (*origin, "config"))
        for key, value in item.environment.config.items():
            where: KeyPath = (*origin, "environment", "config", key)
            made.put(("component", name, "environment", key), value, where)
        for key in ("configFrom", "secretFrom"):
            for index, other in enumerate(getattr(item.environment, key)):
                where = (*origin, "environment", key, index)
                made.note(where, _FROM.format(f"'{other.name}'") + "; give them with --env")
        for index, entry in enumerate(item.allowedHostLoopbackPorts):
            port, _, protocol = entry.partition("/")
            grant = f"{protocol.lower() or 'tcp'}://127.0.0.1:{port}"
            where = (*origin, "allowedHostLoopbackPorts", index)
            wasmcloud.append(made, name, "allowed_outbound_hosts", grant, where)
        if item.allowedIpNameLookups:
            reason = "a name may be looked up where connections to it are allowed"
            made.note((*origin, "allowedIpNameLookups"), reason)
        self._mounts(name, item.volumeMounts, (*origin, "volumeMounts"))

    def _mounts(self, name: str, mounts: list[Mount], origin: KeyPath) -> None:
        made, known = self._made, {volume.name: volume for volume in self._spec.volumes}
        number = 0
        for index, mount in enumerate(mounts):
            where: KeyPath = (*origin, index)
            volume = known.get(mount.name)
            if volume is None:
                hint = did_you_mean(mount.name, known, what="volumes")
                made.wrong((*where, "name"), f"no volume '{mount.name}'", hint)
            elif volume.hostPath is None:
                reason = "an empty volume is not made here; name a directory with hostPath"
                made.note(where, reason, refuse=True)
            else:
                entry = {
                    "source": volume.hostPath.path,
                    "destination": mount.mountPath,
                    "writable": not mount.readOnly,
                }
                made.put(("component", name, "files", number), entry, where)
                number += 1

    def _interface(self, item: Interface, origin: KeyPath, programs: list[str]) -> None:
        made, name = self._made, item.name or "default"
        for key in ("configFrom", "secretFrom"):
            for index, other in enumerate(getattr(item, key)):
                made.note((*origin, key, index), _FROM.format(f"'{other.name}'"))
        interfaces = tuple(item.interfaces)
        use = Use(item.namespace, item.package, interfaces, origin, name, item.config)
        answered = [one for one in item.interfaces if "handler" in one and "outgoing" not in one]
        if answered and self._ids:
            if len(self._ids) > 1:
                made.note(origin, f"is answered by the first component, '{self._ids[0]}'")
            wasmcloud.answer(made, self._ids[0], use)
        # Outgoing HTTP is granted by allowedHosts.
        if len(answered) < len(item.interfaces) and item.package != "http":
            for component in (*self._ids, *programs):
                wasmcloud.grant(made, component, use)
