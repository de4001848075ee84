"""What of a running application is shown by `paddock status`; never a configuration's value."""

from __future__ import annotations

from paddock.host.prepare import PreparedApplication


def application_status(prepared: PreparedApplication, triggers: object) -> dict[str, object]:
    """Components with their digests, routes, `triggers`, and the code behind each capability."""
    running = prepared.desired.application
    return {
        "name": running.name,
        "version": running.version,
        "source": str(running.source) if running.source else None,
        "components": [{"id": id, "digest": digest} for id, (digest, _) in prepared.facts.items()],
        "routes": [
            {
                "route": trigger.route,
                "host": trigger.host,
                "methods": list(trigger.methods),
                "component": trigger.component,
            }
            for trigger in running.http
        ],
        "triggers": triggers,
        "stores": {
            name: handle.key.type
            for (kind, name), handle in prepared.handles.items()
            if kind == "key_value"
        },
        "providers": [
            {
                "kind": kind,
                "name": name,
                "type": handle.key.type,
                "package": handle.package,
                "version": handle.version,
            }
            for (kind, name), handle in prepared.handles.items()
        ],
    }
