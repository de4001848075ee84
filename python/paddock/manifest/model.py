"""What an application is, once its manifest was read and found free of mistakes.

Everything here is data: frozen, comparable, without behaviour that touches the
outside. Two values are equal when they mean the same to a host: where an item
stood in its file (`location`) never counts, so that a comment added above a
component does not make it a changed one.

Meaning and names follow the Spin manifest, version 2, where they are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date, datetime, time

    from paddock.manifest.dependency import Dependency

#: A value as TOML has it, of tables which a plugin and not this package reads.
RawValue: TypeAlias = """(
    str | int | float | bool | date | datetime | time
    | Sequence[RawValue] | Mapping[str, RawValue]
)"""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; `line` and `column` count from 1, 0 is "somewhere in it"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


#: For items that no file holds: a bare component, a model built by hand.
NOWHERE = Location("(not from a file)")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A key that is valid but has no effect yet.

    With `refuse`, running without it would change what the application does,
    so a plan has to be refused; otherwise a warning is enough. `key` is the
    full path as the file has it, `reason` a sentence for the user.
    """

    key: str
    reason: str
    refuse: bool = True
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the application; without `default` it is `required`."""

    name: str
    default: str | None = None
    required: bool = False
    secret: bool = False
    description: str = ""
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A component to download; `digest` is `sha256:` and 64 hex digits."""

    url: str
    digest: str


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """A component from a package registry; `registry` None is the default one."""

    package: str
    version: str
    registry: str | None = None


#: Where a component's bytes come from; a path is absolute.
Source: TypeAlias = Path | UrlSource | RegistrySource


@dataclass(frozen=True, slots=True)
class FilePattern:
    """A glob below the application's directory; files keep their relative path."""

    pattern: str
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FileMount:
    """A file or directory (`source`, absolute) seen by the guest at `destination`.

    `destination` is an absolute path of the guest without `..`. Only a directory can
    be `writable`.
    """

    source: Path
    destination: str
    location: Location = field(default=NOWHERE, compare=False)
    writable: bool = False


FileEntry: TypeAlias = FilePattern | FileMount


@dataclass(frozen=True, slots=True)
class Build:
    """How a component is built: shell commands in order, in `workdir` (absolute).

    `watch` are globs below `workdir` whose change asks for a new build.
    """

    command: tuple[str, ...]
    workdir: Path
    watch: tuple[str, ...] = ()
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one component; None leaves it to the host's own.

    `memory` in bytes over all memories of an instance, `time` in seconds of
    wall clock for each event, `instances` alive at once, `table` in elements.
    """

    memory: int | None = None
    time: float | None = None
    instances: int | None = None
    table: int | None = None
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Reuse:
    """An instance serves up to `requests`, `concurrency` of them at once.

    It is dropped after `idle` seconds without work.
    """

    requests: int = 128
    concurrency: int = 1
    idle: float = 30.0
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Component:
    """A component and everything that it is granted.

    `variables` and `secrets` are templates over the application's variables
    (see `templates`), as may be items of `allowed_outbound_hosts`, which are
    checked but kept as text: `outbound.parse_grant` reads one after expansion.
    `blob_containers` are names of containers; `*` alone is any name. `interfaces`
    are full names of interfaces that are neither Paddock's nor WASI's.
    `dependencies` answer imports of the component; `middleware` is that of the routes,
    where a host has made a component of its own for them.
    """

    id: str
    source: Source
    description: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    files: tuple[FileEntry, ...] = ()
    exclude_files: tuple[str, ...] = ()
    allowed_outbound_hosts: tuple[str, ...] = ()
    key_value_stores: tuple[str, ...] = ()
    sqlite_databases: tuple[str, ...] = ()
    sql_databases: tuple[str, ...] = ()
    blob_containers: tuple[str, ...] = ()
    message_brokers: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    interfaces: tuple[str, ...] = ()
    ai_models: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    middleware: tuple[Dependency, ...] = ()
    build: Build | None = None
    limits: Limits = Limits()
    reuse: Reuse | None = None
    unsupported: tuple[Unsupported, ...] = ()
    location: Location = field(default=NOWHERE, compare=False)
    #: Where single keys stand, by name: "source", "key_value_stores", ….
    locations: Mapping[str, Location] = field(default_factory=dict[str, Location], compare=False)

    def at(self, key: str) -> Location:
        """Where `key` stands in the file; the component itself where it is not set."""
        return self.locations.get(key, self.location)


@dataclass(frozen=True, slots=True)
class StaticResponse:
    """An answer without a component; `body` is UTF-8 text."""

    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A provider by its type; `options` are read by the provider itself."""

    type: str
    options: Mapping[str, RawValue] = field(default_factory=dict[str, RawValue], repr=False)
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Executor:
    """How a component is called: "http" (any HTTP interface) or "wagi" (CGI).

    Options of "wagi" are `entrypoint`, `argv`, and `routes`: whether a module's own
    `_routes` is asked for more routes below this one.
    """

    type: str = "http"
    options: Mapping[str, RawValue] = field(default_factory=dict[str, RawValue])


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """A route and what answers it: exactly one of `component` and `static_response`.

    `route` None is private: reached by chaining only. No `methods` means every
    method; `host` None means every host, else a lower-case name, `*.` in front
    for all its subdomains. `middleware` stands before the component, outermost first.
    """

    id: str
    route: str | None
    component: str | None = None
    static_response: StaticResponse | None = None
    methods: tuple[str, ...] = ()
    host: str | None = None
    executor: Executor = Executor()
    middleware: tuple[Dependency, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of any other type; `options` is read by the plugin of that type."""

    type: str
    id: str
    component: str | None
    options: Mapping[str, RawValue] = field(default_factory=dict[str, RawValue])
    unsupported: tuple[Unsupported, ...] = ()
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Application:
    """A whole application. `base` is the directory that relative paths start from.

    `source` is the file that was read, None for a model built by hand.
    `trigger_settings` has one table for each trigger type
    (`[application.trigger.TYPE]`). `providers` are what a file of a format which
    mixes both says of what stands behind names, by table of the host's configuration
    and name; that configuration wins.
    """

    name: str
    version: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict[str, Variable])
    components: Mapping[str, Component] = field(default_factory=dict[str, Component])
    http: tuple[HttpTrigger, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    trigger_settings: Mapping[str, Mapping[str, RawValue]] = field(
        default_factory=dict[str, Mapping[str, RawValue]]
    )
    unsupported: tuple[Unsupported, ...] = ()
    providers: Mapping[str, Mapping[str, ProviderConfig]] = field(
        default_factory=dict[str, "Mapping[str, ProviderConfig]"]
    )
    base: Path = Path()
    source: Path | None = None
    location: Location = field(default=NOWHERE, compare=False)
