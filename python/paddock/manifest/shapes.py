"""The shape of a manifest's TOML tables, as pydantic models.

Keys and meanings follow the Spin manifest, version 2; `PADDOCK_ONLY` lists the
others. The same models make the JSON schema.
"""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field

from paddock.manifest.dependency_shapes import DependencyName, DependencyShape, TriggerDependencies
from paddock.manifest.fields import (
    ComponentId,
    Count,
    Destination,
    Digest,
    Duration,
    EnvironmentName,
    HeaderName,
    HeaderValue,
    HostName,
    HttpHost,
    Method,
    Name,
    Outbound,
    Pattern,
    RouteText,
    Size,
    Status,
    Table,
    Template,
    Text,
    Url,
    VariableName,
    tag,
    tag_by_type,
)

#: Keys of a component that Spin does not have.
_COMPONENT_ONLY = ("limits", "reuse", "sql_databases", "blob_containers", "message_brokers",
                   "secrets", "interfaces")  # fmt: skip
#: The same of all tables: path ("*" is any key or index), key.
PADDOCK_ONLY: tuple[tuple[tuple[str, ...], str], ...] = (
    ((), "paddock_manifest_version"),
    (("trigger", "http", "*"), "methods"),
    (("trigger", "http", "*"), "host"),
    (("trigger", "http", "*", "executor"), "routes"),
    (("component", "*", "files", "*"), "writable"),
    (("trigger", "http", "*", "component", "files", "*"), "writable"),
    *((("component", "*"), key) for key in _COMPONENT_ONLY),
    *((("trigger", "http", "*", "component"), key) for key in _COMPONENT_ONLY),
)


class VariableTable(Table):
    """`[variables.NAME]`"""

    default: str | None = None
    required: bool = False
    secret: bool = False
    description: str = ""


class UrlTable(Table):
    """`source = { url, digest }`"""

    url: Url
    digest: Digest


class RegistryTable(Table):
    """`source = { registry, package, version }`"""

    registry: Name | None = None
    package: Name
    version: Name


def _source_kind(value: object) -> str | None:
    if isinstance(value, dict):
        return "\0url" if "url" in value else "\0registry"
    return "\0path" if isinstance(value, str) else None


SourceShape = Annotated[
    Annotated[Name, tag("path")]
    | Annotated[UrlTable, tag("url")]
    | Annotated[RegistryTable, tag("registry")],
    Discriminator(
        _source_kind,
        custom_error_type="manifest",
        custom_error_message="must be a path, { url, digest } or { package, version }",
    ),
]


class MountTable(Table):
    """`files = [{ source, destination, writable }]`"""

    source: Name
    destination: Destination
    writable: bool = False


FileShape = Annotated[
    Annotated[Pattern, tag("pattern")] | Annotated[MountTable, tag("mount")],
    Discriminator(
        tag_by_type(pattern=str, mount=dict),
        custom_error_type="manifest",
        custom_error_message="must be a glob pattern or { source, destination }",
    ),
]

CommandShape = Annotated[
    Annotated[Name, tag("one")] | Annotated[list[Name], tag("many")],
    Discriminator(
        tag_by_type(one=str, many=list),
        custom_error_type="manifest",
        custom_error_message="must be a command or an array of commands",
    ),
]


class BuildTable(Table):
    """`[component.ID.build]`"""

    command: CommandShape
    workdir: Name | None = None
    watch: list[Name] = []


class LimitsTable(Table):
    """`limits = { memory, time, instances, table }`"""

    memory: Size | None = None
    time: Duration | None = None
    instances: Count | None = None
    table: Count | None = None


class ReuseTable(Table):
    """`reuse = { requests, concurrency, idle }`"""

    requests: Count | None = None
    concurrency: Count | None = None
    idle: Duration | None = None


class ProfileBuildTable(Table):
    """`[component.ID.profile.NAME.build]`"""

    command: CommandShape


class ProfileTable(Table):
    """`[component.ID.profile.NAME]`: another build of the same component."""

    source: SourceShape | None = None
    environment: dict[EnvironmentName, Text] = {}
    dependencies: dict[DependencyName, DependencyShape] = {}
    build: ProfileBuildTable | None = None


class ComponentTable(Table):
    """`[component.ID]`"""

    source: SourceShape
    description: str = ""
    variables: dict[Name, Template] = {}
    environment: dict[EnvironmentName, Text] = {}
    files: list[FileShape] = []
    exclude_files: list[Pattern] = []
    allowed_outbound_hosts: list[Outbound] = []
    allowed_http_hosts: list[HttpHost] = []
    key_value_stores: list[Name] = []
    sqlite_databases: list[Name] = []
    sql_databases: list[Name] = []
    blob_containers: list[Name] = []
    message_brokers: list[Name] = []
    secrets: dict[Name, Template] = {}
    interfaces: list[Name] = []
    ai_models: list[Name] = []
    targets: list[object] = []
    build: BuildTable | None = None
    limits: LimitsTable | None = None
    reuse: ReuseTable | None = None
    dependencies: dict[DependencyName, DependencyShape] = {}
    dependencies_inherit_configuration: bool | None = None
    tool: dict[str, object] = {}
    profile: dict[str, ProfileTable] = {}


TriggerComponent = Annotated[
    Annotated[ComponentId, tag("id")] | Annotated[ComponentTable, tag("inline")],
    Discriminator(
        tag_by_type(id=str, inline=dict),
        custom_error_type="manifest",
        custom_error_message="must be the id of a component or the table of one",
    ),
]


class PrivateTable(Table):
    """`route = { private = true }`"""

    private: Literal[True]


RouteShape = Annotated[
    Annotated[RouteText, tag("route")] | Annotated[PrivateTable, tag("private")],
    Discriminator(
        tag_by_type(route=str, private=dict),
        custom_error_type="manifest",
        custom_error_message="must be a route or { private = true }",
    ),
]


class StaticTable(Table):
    """`static_response = { status_code, headers, body }`"""

    status_code: Status = 200
    headers: dict[HeaderName, HeaderValue] = {}
    body: str = ""


class ExecutorTable(Table):
    """`executor = { type }`; more keys for "wagi"."""

    type: Literal["http", "spin", "wagi"] = "http"
    entrypoint: Name | None = None
    argv: str | None = None
    routes: bool | None = None


class HttpTable(Table):
    """`[[trigger.http]]`"""

    id: Name | None = None
    route: RouteShape
    component: TriggerComponent | None = None
    static_response: StaticTable | None = None
    methods: Annotated[list[Method], Field(min_length=1)] | None = None
    host: HostName | None = None
    executor: ExecutorTable = ExecutorTable()
    components: dict[str, object] = {}
    dependencies: TriggerDependencies = TriggerDependencies()


class OtherTable(Table):
    """`[[trigger.TYPE]]` of any other type: further keys belong to its plugin."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    id: Name | None = None
    component: TriggerComponent | None = None
    components: dict[str, object] = {}
    dependencies: dict[str, object] = {}


class TriggersTable(Table):
    """`[[trigger.TYPE]]` by type."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    # This is how pydantic is told the type of further keys; its own stub is wider.
    __pydantic_extra__: dict[str, list[OtherTable]] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )
    #: The same, where mistakes look for the known keys of a table.
    other_keys: ClassVar[object] = list[OtherTable]

    http: list[HttpTable] = []


class ApplicationTable(Table):
    """`[application]`"""

    name: Name
    version: str = ""
    description: str = ""
    authors: list[str] = []
    targets: list[object] = []
    trigger: dict[str, dict[str, object]] = {}
    tool: dict[str, object] = {}


class ManifestTable(Table):
    """A whole `paddock.toml` or `spin.toml`."""

    spin_manifest_version: Literal[2] | None = None
    paddock_manifest_version: Literal[1] | None = None
    application: ApplicationTable
    variables: dict[VariableName, VariableTable] = {}
    trigger: TriggersTable = TriggersTable()
    component: dict[ComponentId, ComponentTable] = {}
