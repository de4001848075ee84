"""The shape of the host's configuration, as pydantic models.

Keys and meanings follow Spin's runtime configuration; `[limits]`, `[tls]`,
`[telemetry]`, `[metrics]`, `[sql_database.X]`, `[blob_store.X]`, `[message_broker.X]` and
`[provider.X]` are Paddock's own.
"""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator

from paddock.errors import ManifestError
from paddock.manifest.fields import Count, Duration, Length, Name, Size, Table, Text, checked


def _has_type(value: dict[str, object]) -> dict[str, object]:
    if isinstance(value.get("type"), str) and value["type"]:
        return value
    raise ManifestError("has no 'type'", hint='name a provider: type = "memory"')


#: A provider's own keys are read by the provider; only `type` is known here.
ProviderTable = Annotated[dict[Text, object], AfterValidator(checked(_has_type))]


class HostLimitsTable(Table):
    """`[limits]`"""

    memory: Size | None = None
    time: Duration | None = None
    table: Count | None = None
    instances: Count | None = None
    queue: Length | None = None
    queue_timeout: Duration | None = None
    body: Size | None = None
    stream: Duration | None = None
    connections: Count | None = None
    header_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    drain: Duration | None = None


class TlsTable(Table):
    """`[tls]`"""

    certificate: Name
    key: Name


def _network(value: str) -> str:
    if value == "private":
        return value
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ManifestError(
            f"{value[:80]!r} is neither a network nor 'private'",
            hint="write a network as '10.0.0.0/8' or 'fd00::/8', an address, or 'private'",
        ) from None


class OutboundNetworkingTable(Table):
    """`[outbound_networking]`"""

    block_networks: list[Annotated[Text, AfterValidator(checked(_network))]] = []


class OutboundHttpTable(Table):
    """`[outbound_http]`"""

    connection_pooling: bool = True
    max_connections: Count | None = None


class HostTable(Table):
    """A whole `host.toml`."""

    state_dir: Name | None = None
    log_dir: Name | None = None
    max_instance_memory: Count | None = None
    limits: HostLimitsTable = HostLimitsTable()
    tls: TlsTable | None = None
    admin_listen: Name | None = None
    key_value_store: dict[Name, ProviderTable] = {}
    sqlite_database: dict[Name, ProviderTable] = {}
    sql_database: dict[Name, ProviderTable] = {}
    blob_store: dict[Name, ProviderTable] = {}
    message_broker: dict[Name, ProviderTable] = {}
    provider: dict[Name, ProviderTable] = {}
    outbound_networking: OutboundNetworkingTable = OutboundNetworkingTable()
    outbound_http: OutboundHttpTable = OutboundHttpTable()
    #: Of Spin: language models, which nothing here uses.
    llm_compute: dict[str, object] | None = None
    telemetry: ProviderTable | None = None
    metrics: ProviderTable | None = None
    variables_provider: list[ProviderTable] = []
