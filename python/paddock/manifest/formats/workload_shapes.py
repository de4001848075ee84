"""The shape of wasmCloud's workloads, as pydantic models."""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

from typing import Literal

from paddock.manifest.fields import Length, Name, Table, Text
from paddock.manifest.formats.wadm import Metadata, Open


class Reference(Table):
    """A name of another object."""

    name: Text = ""


class Environment(Table):
    """`environment` of `localResources`."""

    config: dict[Text, Text] = {}
    configFrom: list[Reference] = []
    secretFrom: list[Reference] = []


class Mount(Table):
    """Where a volume is seen."""

    name: Name
    mountPath: Name
    readOnly: bool = False


class Resources(Table):
    """`localResources`"""

    allowedHosts: list[Name] = []
    allowedIpNameLookups: list[Name] = []
    allowedHostLoopbackPorts: list[Name] = []
    config: dict[Text, Text] = {}
    environment: Environment = Environment()
    volumeMounts: list[Mount] = []


class Component(Table):
    """A component that is called."""

    name: Name
    image: Name
    imagePullPolicy: Text | None = None
    imagePullSecret: Reference | None = None
    localResources: Resources = Resources()
    poolSize: Length = 0
    maxInvocations: Length = 0
    maxConcurrency: Length = 0


class Service(Table):
    """The program that runs beside the components."""

    image: Name
    imagePullPolicy: Text | None = None
    imagePullSecret: Reference | None = None
    localResources: Resources = Resources()
    maxRestarts: Length = 0
    ports: list[dict[str, object]] = []


class Interface(Table):
    """What a workload wants of its host."""

    namespace: Name
    package: Name
    interfaces: list[Name]
    version: Text | None = None
    name: Name | None = None
    config: dict[Text, Text] = {}
    configFrom: list[Reference] = []
    secretFrom: list[Reference] = []


class HostPath(Table):
    """A directory of the host."""

    path: Name


class Volume(Table):
    """A directory: one of the host, or an empty one."""

    name: Name
    hostPath: HostPath | None = None
    ephemeral: dict[str, object] | None = None


class Workload(Table):
    """`spec` of a Workload."""

    components: list[Component] = []
    service: Service | None = None
    volumes: list[Volume] = []
    hostInterfaces: list[Interface] = []
    hostSelector: dict[str, str] = {}
    hostId: Text | None = None
    environment: Text | None = None
    kubernetes: dict[str, object] = {}


class Template(Open):
    """`template`"""

    spec: Workload


class Owner(Table):
    """`spec` of what makes Workloads."""

    template: Template
    replicas: Length = 1
    deployPolicy: Text | None = None
    artifacts: list[dict[str, object]] = []
    kubernetes: dict[str, object] = {}


class Single(Table):
    """A Workload."""

    apiVersion: Literal["runtime.wasmcloud.dev/v1alpha1"]
    kind: Literal["Workload"]
    metadata: Metadata
    spec: Workload
    status: dict[str, object] = {}


class Many(Table):
    """A WorkloadDeployment or WorkloadReplicaSet."""

    apiVersion: Literal["runtime.wasmcloud.dev/v1alpha1"]
    kind: Literal["WorkloadDeployment", "WorkloadReplicaSet"]
    metadata: Metadata
    spec: Owner
    status: dict[str, object] = {}
