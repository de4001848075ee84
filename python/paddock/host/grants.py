"""From what a manifest grants to what the core and the interface facades check."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from paddock.host.granted import SECRET, VARIABLE
from paddock.host.kinds import KINDS
from paddock.host.observed import ObservedAddresses, ObservedConfiguration, observed
from paddock.interfaces.catalogue import bind
from paddock.interfaces.grants import Grants
from paddock.manifest.model import Application, Component
from paddock.manifest.outbound import parse_grant
from paddock.manifest.templates import expand
from paddock.providers.configuration.component import ComponentValues
from paddock.providers.logging.log import LoggerSink

if TYPE_CHECKING:
    from paddock._options import ComponentSpec
    from paddock.capabilities.blob import BlobStore
    from paddock.capabilities.configuration import Configuration
    from paddock.capabilities.key_value import KeyValueStore
    from paddock.capabilities.messaging import MessageBroker
    from paddock.capabilities.sql import SqlDatabase
    from paddock.capabilities.telemetry import Telemetry, TelemetrySink
    from paddock.host.addresses import AddressPool
    from paddock.host.audit import ComponentAudit
    from paddock.host.handles import Handle

LOG = logging.getLogger("paddock.host")
GUEST_LOG = logging.getLogger("paddock.guest")

#: Among the handles, what `[telemetry]` names.
TELEMETRY = ("telemetry", "telemetry")


def outbound(
    component: Component, values: Mapping[str, str]
) -> list[tuple[str | None, str, int, int]]:
    """`(scheme or None for any, host, first port, last port)` for the core."""
    grants: list[tuple[str | None, str, int, int]] = []
    for text in component.allowed_outbound_hosts:
        grant = parse_grant(expand(text, values))
        host = {
            "any": "*",
            "self": "self",
            "subdomains": f"*.{grant.host}",
            "component": f"{grant.host}.spin.internal",
        }.get(grant.host_kind, grant.host)
        scheme = None if grant.scheme == "*" else grant.scheme
        grants.append((scheme, host, grant.first_port, min(grant.end_port, 65536) - 1))
    return grants


@dataclass(frozen=True, slots=True)
class Given:
    """What a plan found for one component.

    `handles` are the application's open providers by kind and name;
    `spec` has the grants for connections, and what no grant opens. `audit` is told
    what is used and what is denied.
    """

    application: Application
    component: Component
    handles: Mapping[tuple[str, str], Handle]
    configuration: Configuration
    spec: ComponentSpec
    audit: ComponentAudit | None = None


def bound_interfaces(
    imports: Mapping[str, str], given: Given, addresses: AddressPool
) -> dict[str, object]:
    """The object that answers each import of one component.

    `imports` has the interface of each import, whose name is the interface's own or
    a label of the component's.
    """
    if not imports:
        return {}
    application, component = given.application, given.component
    who = {"application": application.name, "component": component.id}

    def denied(capability: str, name: str, line: str) -> None:
        LOG.warning(
            "%s '%s' is not granted; to grant it, add to [component.%s]: %s",
            capability,
            name,
            component.id,
            line,
            extra=who,
        )
        if given.audit is not None:
            given.audit.deny(capability, name)

    opens = addresses.of(
        (application.name, component.id), given.spec.outbound, given.spec.blocked, denied
    )
    grants = Grants(
        application=application.name,
        component=component.id,
        key_value=cast("Mapping[str, KeyValueStore]", _opened(given, "key_value")),
        sqlite=cast("Mapping[str, SqlDatabase]", _opened(given, "sqlite")),
        sql=cast("Mapping[str, SqlDatabase]", _opened(given, "sql")),
        blob=cast("Mapping[str, BlobStore]", _opened(given, "blob")),
        messaging=cast("Mapping[str, MessageBroker]", _opened(given, "messaging")),
        configuration=_values(component.variables, VARIABLE, given),
        secrets=_values(component.secrets, SECRET, given),
        logging=LoggerSink(GUEST_LOG, application.name, component.id),
        telemetry=_telemetry(given),
        addresses=opens if given.audit is None else ObservedAddresses(opens, given.audit),
        denied=denied,
        used=given.audit.use if given.audit else _unseen,
    )
    return {name: _bound(given, grants, name, what) for name, what in imports.items()}


def _bound(given: Given, grants: Grants, name: str, interface: str) -> object:
    own = _own(given, interface)
    return own or bind(interface, grants if name == interface else grants.under(name))


def _telemetry(given: Given) -> TelemetrySink | None:
    handle = given.handles.get(TELEMETRY)
    if handle is None:
        return None
    telemetry = cast("Telemetry", handle.opened)
    return telemetry.sink(given.application.name, given.component.id)


def _own(given: Given, interface: str) -> object | None:
    """What answers a granted interface of a user's own; None for any other."""
    if interface not in given.component.interfaces:
        return None
    return _opened(given, "interface").get(interface)


def _values(templates: Mapping[str, str], what: str, given: Given) -> Configuration:
    values = ComponentValues(templates, given.configuration)
    return values if given.audit is None else ObservedConfiguration(values, what, given.audit)


def _unseen(what: str, name: str) -> None:
    del what, name


def _opened(given: Given, kind: str) -> dict[str, object]:
    """By the names that the component asks for, not those of its neighbours."""
    opened = {
        name: given.handles[kind, name].opened
        for name in KINDS[kind].names(given.component)
        if (kind, name) in given.handles
    }
    return opened if given.audit is None else observed(opened, KINDS[kind].words, given.audit)
