"""What a manifest or a host's configuration may say and this host can't do."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.manifest.hostconfig import HostConfig, OutboundPolicy
from paddock.manifest.model import Application, Unsupported


def unsupported(application: Application) -> Iterator[str]:
    """A sentence for each thing without which the application would be another one."""
    for entry in _entries(application):
        if entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"


def notes(application: Application) -> Iterator[str]:
    """A sentence for each thing that has no effect, where that changes little."""
    for entry in _entries(application):
        if not entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"


def _entries(application: Application) -> Iterator[Unsupported]:
    yield from application.unsupported
    for component in application.components.values():
        yield from component.unsupported
    for route in application.http:
        yield from route.unsupported
    for trigger in application.triggers:
        yield from trigger.unsupported


def unsupported_settings(configuration: HostConfig) -> Iterator[str]:
    """A sentence for each setting of the host that nothing would hold to."""
    usual, chosen = OutboundPolicy(), configuration.outbound
    where = configuration.source or "the host's configuration"
    if chosen.blocked:
        yield f"{where}: outbound_networking.block_networks is not supported yet"
    if chosen.pooling != usual.pooling:
        yield f"{where}: outbound_http.connection_pooling can't be switched off yet"
    if chosen.connections != usual.connections:
        yield f"{where}: outbound_http.max_connections is not supported yet"
