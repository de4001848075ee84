"""From what a manifest grants to what the core and the interface facades check."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from paddock.interfaces.catalogue import bind
from paddock.interfaces.grants import Grants
from paddock.manifest.model import Application, Component
from paddock.manifest.outbound import parse_grant
from paddock.manifest.templates import expand
from paddock.providers.configuration.component import ComponentValues
from paddock.providers.logging.log import LoggerSink

if TYPE_CHECKING:
    from paddock.capabilities.configuration import Configuration
    from paddock.host.handles import Handle

LOG = logging.getLogger("paddock.host")
GUEST_LOG = logging.getLogger("paddock.guest")


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


def bound_interfaces(
    names: Iterable[str],
    application: Application,
    component: Component,
    stores: Mapping[str, Handle],
    configuration: Configuration,
) -> dict[str, object]:
    """The object that answers each imported interface of one component."""
    names = tuple(names)
    if not names:
        return {}
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

    granted = {name: stores[name].store for name in component.key_value_stores if name in stores}
    grants = Grants(
        application=application.name,
        component=component.id,
        key_value=granted,
        configuration=ComponentValues(component.variables, configuration),
        logging=LoggerSink(GUEST_LOG, application.name, component.id),
        denied=denied,
    )
    return {name: bind(name, grants) for name in names}
