"""What the operator chooses: providers, limits, directories (`host.toml`).

The shape is that of Spin's runtime configuration, so that one which uses only
what is supported here is read as it is. Messages and error type are those of
manifests. Importing this is cheap; only `load_host_config` imports pydantic.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.manifest.model import NOWHERE, Location
from paddock.manifest.model import ProviderConfig as ProviderConfig

if TYPE_CHECKING:
    from paddock.manifest.document import Document
    from paddock.manifest.hostshapes import HostLimitsTable, HostTable
    from paddock.manifest.problems import Problem


@dataclass(frozen=True, slots=True)
class HostLimits:
    """Limits of a host, and the defaults of what a component may set for itself.

    `memory` in bytes over all memories of an instance, `table` in elements over
    all its tables, `time` in seconds for each event; `stream` in seconds for a
    response that goes on after its head. `instances` alive at once for each
    application; beyond that up to `queue` requests wait `queue_timeout`
    seconds. `body` is the most bytes of a request's body. `header_timeout` and
    `idle_timeout` of a connection, and `drain` at the end, in seconds.
    """

    memory: int = 256 << 20
    time: float = 30.0
    table: int = 100_000
    instances: int = 1000
    queue: int = 1000
    queue_timeout: float = 10.0
    body: int = 64 << 20
    stream: float = 600.0
    connections: int = 10_000
    header_timeout: float = 10.0
    idle_timeout: float = 60.0
    drain: float = 10.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM (absolute): a certificate with its chain, and its key."""

    certificate: Path
    key: Path
    location: Location = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What holds for outgoing connections of every guest, whatever it is granted.

    `blocked` are networks in CIDR form that nobody may connect to; "private" stands for
    all that are not on the public internet. Without `pooling` no connection of outgoing HTTP is
    kept for a next request. `connections` bounds those open at once; None leaves
    it to the core.
    """

    blocked: tuple[str, ...] = ()
    pooling: bool = True
    connections: int | None = None


@dataclass(frozen=True, slots=True)
class HostConfig:
    """A host's configuration; without a file it is `HostConfig()`.

    `named` holds the tables `[TABLE.NAME]` of providers, by table and name (see
    `NAMED`). `variables_providers` are asked in order. `telemetry` is None where
    spans, metrics and logs of guests go nowhere, `metrics` where the host's own do
    (unless the environment says otherwise). Directories are absolute, None
    leaves the choice to the host. `notices` are warnings about keys without effect.
    """

    named: Mapping[str, Mapping[str, ProviderConfig]] = field(
        default_factory=dict[str, "Mapping[str, ProviderConfig]"]
    )
    variables_providers: tuple[ProviderConfig, ...] = ()
    telemetry: ProviderConfig | None = None
    metrics: ProviderConfig | None = None
    limits: HostLimits = HostLimits()
    outbound: OutboundPolicy = OutboundPolicy()
    state_dir: Path | None = None
    log_dir: Path | None = None
    tls: Tls | None = None
    admin_listen: str | None = None
    source: Path | None = None
    notices: tuple[str, ...] = ()

    def providers(self, table: str) -> Mapping[str, ProviderConfig]:
        """The providers of one table, such as `key_value_store`, by name."""
        return self.named.get(table, {})


#: The tables of providers that a manifest asks for by name.
NAMED = (
    "key_value_store",
    "sqlite_database",
    "sql_database",
    "blob_store",
    "message_broker",
    "provider",
)

#: Keys of Spin's runtime configuration that have no effect here yet.
NOT_YET = {
    "client_tls": "client certificates are not supported yet",
    "outbound_networking.max_socket_connections": "a limit for sockets is not supported yet",
    "outbound_networking.max_total_connections": "a limit for all connections of a host is not "
    "supported yet; outbound_http.max_connections is",
    "outbound_http.max_concurrent_requests": "this key of old versions is not read; use "
    "max_connections",
    "config_provider": "this key of old versions is not read; use [[variables_provider]]",
}
_NO_MODELS = "[llm_compute] has no effect: this host offers no language models"


def load_host_config(path: Path | str) -> HostConfig:
    """Read a `host.toml`; ManifestError with all its mistakes."""
    from paddock.manifest.document import read_bytes

    path = Path(path)
    return read_host_config(read_bytes(path), path)


def read_host_config(data: bytes, path: Path | str) -> HostConfig:
    """Read the content of a `host.toml`; relative paths start from the directory of `path`.

    Raises ManifestError (`problems.ManifestMistakes`) with all its mistakes.
    """
    from paddock.manifest.document import Document
    from paddock.manifest.hostshapes import HostTable
    from paddock.manifest.problems import ManifestMistakes
    from paddock.manifest.shape_errors import validate

    document = Document(data, str(path))
    table, problems = validate(HostTable, document)
    problems = [_by_name(problem, document) for problem in problems]
    problems += _exclusive(document)
    if problems or table is None:
        raise ManifestMistakes(problems)
    return _assemble(table, document, Path(os.path.abspath(path)))


def _by_name(problem: Problem, document: Document) -> Problem:
    """Says of a key that Spin knows what it is, in place of "unknown key"."""
    if problem.key not in NOT_YET:
        return problem
    path = tuple(problem.key.split("."))
    return document.problem(path, NOT_YET[problem.key], "leave it out to run without it")


def _exclusive(document: Document) -> list[Problem]:
    limits = document.table.get("limits")
    if "max_instance_memory" not in document.table or not isinstance(limits, Mapping):
        return []
    if "memory" not in limits:
        return []
    return [
        document.problem(
            ("max_instance_memory",),
            "the limit is set twice, here and as limits.memory",
            "leave one of the two out",
        )
    ]


def _assemble(table: HostTable, document: Document, source: Path) -> HostConfig:
    def path(text: str) -> Path:
        return Path(os.path.normpath(source.parent / text))

    return HostConfig(
        named={
            key: {
                name: _provider(options, document.at((key, name)))
                for name, options in getattr(table, key).items()
            }
            for key in NAMED
            if getattr(table, key)
        },
        variables_providers=tuple(
            _provider(options, document.at(("variables_provider", index)))
            for index, options in enumerate(table.variables_provider)
        ),
        telemetry=_provider(table.telemetry, document.at(("telemetry",)))
        if table.telemetry
        else None,
        metrics=_provider(table.metrics, document.at(("metrics",))) if table.metrics else None,
        limits=_limits(table.limits, table.max_instance_memory),
        outbound=OutboundPolicy(
            tuple(table.outbound_networking.block_networks),
            table.outbound_http.connection_pooling,
            table.outbound_http.max_connections,
        ),
        state_dir=path(table.state_dir) if table.state_dir else None,
        log_dir=path(table.log_dir) if table.log_dir else None,
        admin_listen=table.admin_listen,
        tls=Tls(path(table.tls.certificate), path(table.tls.key), document.at(("tls",)))
        if table.tls
        else None,
        source=source,
        notices=(f"{document.at(('llm_compute',))}: {_NO_MODELS}",)
        if table.llm_compute is not None
        else (),
    )


def _provider(options: Mapping[str, object], location: Location) -> ProviderConfig:
    from paddock.manifest.document import frozen

    rest = {key: value for key, value in options.items() if key != "type"}
    return ProviderConfig(str(options["type"]), frozen(rest), location)


def _limits(table: HostLimitsTable, memory: int | None) -> HostLimits:
    usual = HostLimits()
    chosen = {name: getattr(table, name) for name in table.model_fields_set}
    if memory is not None:
        chosen["memory"] = memory
    return HostLimits(**{name: chosen.get(name, getattr(usual, name)) for name in usual.__slots__})
