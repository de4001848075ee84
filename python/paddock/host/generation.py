"""From prepared applications to the core's immutable generation."""

from __future__ import annotations

import json
from collections.abc import Sequence

from paddock import _core
from paddock.host.prepare import PreparedApplication
from paddock.manifest.hostconfig import HostConfig
from paddock.manifest.model import Application, HttpTrigger
from paddock.manifest.routes import based

#: Arguments of a CGI program unless the manifest says otherwise, as WAGI has them.
CGI_ARGUMENTS = "${SCRIPT_NAME} ${ARGS}"
#: Reserved: no manifest may have a route there.
INFO = "/.well-known/spin/info"


def build(
    number: int, prepared: Sequence[PreparedApplication], configuration: HostConfig
) -> _core.Generation:
    """Raises PlanError when two routes would answer the same request."""
    limits = configuration.limits
    applications: list[_core.ApplicationSpec] = []
    routes: list[_core.RouteSpec] = []
    for each in prepared:
        application = each.desired.application
        own = {
            component.id: component.limits.instances
            for component in application.components.values()
            if component.limits.instances is not None
        }
        applications.append(
            _core.ApplicationSpec(
                id=application.name,
                components=each.components,
                instances=limits.instances,
                component_instances=own,
                queue=limits.queue,
                queue_timeout=limits.queue_timeout,
                bare=each.desired.bare,
            )
        )
        routes += [_route(application, trigger) for trigger in application.http]
    if len(prepared) == 1 and not prepared[0].desired.bare:
        routes.append(_info(prepared[0].desired.application))
    return _core.Generation(number, applications, routes)


def _info(application: Application) -> _core.RouteSpec:
    """What Spin's hosts tell of an application at a path of their own."""
    facts = {"name": application.name, "version": application.version}
    body = json.dumps({key: value for key, value in facts.items() if value}).encode()
    return _core.RouteSpec(
        application=application.name,
        trigger=INFO,
        route=INFO,
        static=(200, [("content-type", "application/json")], body),
    )


def _route(application: Application, trigger: HttpTrigger) -> _core.RouteSpec:
    static = trigger.static_response
    return _core.RouteSpec(
        application=application.name,
        trigger=trigger.id,
        route=based(application, trigger),
        component=trigger.component,
        cgi=str(trigger.executor.options.get("argv", CGI_ARGUMENTS))
        if trigger.executor.type == "wagi"
        else None,
        static=(static.status_code, list(static.headers.items()), static.body.encode())
        if static
        else None,
        methods=list(trigger.methods),
        host=trigger.host,
    )


def server_options(configuration: HostConfig) -> _core.ServerOptions:
    """Limits of the server, from the operator's configuration."""
    limits = configuration.limits
    return _core.ServerOptions(
        header_timeout=limits.header_timeout,
        idle_timeout=limits.idle_timeout,
        body=limits.body,
        connections=limits.connections,
        outbound_pooling=configuration.outbound.pooling,
        outbound_connections=configuration.outbound.connections,
    )
