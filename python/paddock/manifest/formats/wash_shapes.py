"""The shape of a wash project's configuration, as pydantic models."""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

from paddock.manifest.fields import Length, Name, Table, Text
from paddock.manifest.formats.wash_sources import ConfigSource


class Build(Table):
    """`build`"""

    command: Name | None = None
    env: dict[Text, Text] = {}
    component_path: Name | None = None


class Environment(Table):
    """`environment` of a workload or component."""

    config: dict[Text, Text] = {}
    configFrom: list[Name] = []
    secretFrom: list[Name] = []


class Workload(Table):
    """`workload`: holds for every component; without `allowedHosts` every host is allowed."""

    environment: Environment = Environment()
    config: dict[Text, Text] = {}
    allowedHosts: list[Name] = ["*"]
    allowedIpNameLookups: list[Name] = []
    allowedHostLoopbackPorts: list[int | Name] = []


class Component(Table):
    """One of `dev.components`."""

    name: Name
    file: Name | None = None
    image: Name | None = None
    pullPolicy: Text | None = None
    environment: Environment = Environment()
    config: dict[Text, Text] = {}
    allowedHosts: list[Name] | None = None
    allowedIpNameLookups: list[Name] | None = None
    allowedHostLoopbackPorts: list[int | Name] | None = None
    poolSize: Length = 0
    maxInvocations: Length = 0
    maxConcurrency: Length = 0


class Volume(Table):
    """A directory of the host, seen by every component."""

    host_path: Name
    guest_path: Name


class Interface(Table):
    """One of `dev.host_interfaces`."""

    namespace: Name
    package: Name
    interfaces: list[Name] = []
    version: Text | None = None
    name: Name | None = None
    config: dict[Text, Text] = {}


class Dev(Table):
    """`dev`"""

    command: Text | None = None
    component_path: Name | None = None
    address: Text | None = None
    service: bool = False
    service_file: Name | None = None
    service_image: Name | None = None
    service_pull_policy: Text | None = None
    service_ports: list[dict[str, object]] = []
    allow_insecure_registries: bool = False
    components: list[Component] = []
    host_plugins: list[dict[str, object]] = []
    volumes: list[Volume] = []
    environment: dict[Text, Text] = {}
    host_interfaces: list[Interface] = []
    tls_cert_path: Text | None = None
    tls_key_path: Text | None = None
    tls_ca_path: Text | None = None
    http_client_ca_paths: list[Text] = []
    http_client_trust_roots: Text | None = None
    max_outbound_socket_connections_per_workload: int | None = None
    max_inbound_socket_connections_per_workload: int | None = None
    max_outbound_http_connections_per_workload: int | None = None
    max_connections: int | None = None
    http_connection_wait: Text | None = None
    wasi_webgpu: bool = False
    data_nats_url: Text | None = None
    wasi_keyvalue_redis_url: Text | None = None
    wasi_keyvalue_path: Name | None = None
    wasi_keyvalue_nats_url: Text | None = None
    wasi_blobstore_path: Name | None = None
    postgres_url: Text | None = None
    wasi_otel: bool = False
    wasm_proposals: list[Text] = []


class Config(Table):
    """The whole file; `host`, `new` and `wit` are for other commands of wash."""

    version: object = None
    build: Build = Build()
    dev: Dev = Dev()
    workload: Workload | None = None
    configs: dict[Text, ConfigSource] = {}
    secrets: dict[Text, ConfigSource] = {}
    host: dict[str, object] = {}
    new: dict[str, object] = {}
    wit: dict[str, object] = {}
