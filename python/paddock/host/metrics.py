"""What a host counts, as Prometheus text exposition (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from paddock.host.host import Host

#: Of a trigger: key of its status, name of the metric, kind, help.
_TRIGGER = (
    ("received", "paddock_trigger_events_total", "counter", "Events that a trigger received."),
    ("handled", "paddock_trigger_handled_total", "counter", "Events handled with success."),
    ("failed", "paddock_trigger_failures_total", "counter", "Attempts that failed."),
    ("retried", "paddock_trigger_retries_total", "counter", "Attempts put off for later."),
    (
        "redelivered",
        "paddock_trigger_redeliveries_total",
        "counter",
        "Events that had been handed out before.",
    ),
    ("dead", "paddock_trigger_dead_letters_total", "counter", "Events given up."),
    ("seconds", "paddock_trigger_handling_seconds_total", "counter", "Time spent in handlers."),
    ("running", "paddock_trigger_running", "gauge", "Events being handled."),
    ("waiting", "paddock_trigger_lag", "gauge", "Events that wait at the source."),
    ("connected", "paddock_trigger_connected", "gauge", "Whether the source is reached."),
)
_SERVER = (
    ("connections", "paddock_http_connections", "Open HTTP connections."),
    ("active", "paddock_http_active_connections", "Connections with a request under way."),
    ("tasks", "paddock_host_calls", "Calls of guests that the host is answering."),
)


def exposition(host: Host) -> str:
    """All metrics of a host."""
    status = host.status()
    lines = _one("paddock_generation", "gauge", "Number of the generation that serves.", [])
    lines.append(f"paddock_generation {status['generation']}")
    for key, name, words in _SERVER:
        value = cast("Mapping[str, object]", status["server"]).get(key, 0)
        lines += [*_one(name, "gauge", words, []), f"{name} {value}"]
    triggers = [
        (application, trigger)
        for application in cast("list[Mapping[str, object]]", status["applications"])
        for trigger in cast("list[Mapping[str, object]]", application["triggers"])
    ]
    for key, name, kind, words in _TRIGGER:
        samples = [
            (application, trigger, trigger[key])
            for application, trigger in triggers
            if trigger.get(key) is not None
        ]
        lines += _one(name, kind, words, samples)
    return "\n".join(lines) + "\n"


def _one(
    name: str,
    kind: str,
    words: str,
    samples: Iterable[tuple[Mapping[str, object], Mapping[str, object], object]],
) -> list[str]:
    lines = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    for application, trigger, value in samples:
        labels = {
            "application": application["name"],
            "trigger": trigger["id"],
            "type": trigger["type"],
            "component": trigger["component"],
        }
        text = ",".join(f'{label}="{_escaped(str(each))}"' for label, each in labels.items())
        lines.append(f"{name}{{{text}}} {float(cast('float', value)):g}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
