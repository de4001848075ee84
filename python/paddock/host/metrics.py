"""What a host counts: gathered once, for Prometheus and for OTLP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from paddock.capabilities.telemetry import Metrics
    from paddock.host.host import Host


@dataclass(frozen=True, slots=True)
class Instrument:
    """`name` as OpenTelemetry spells it, `unit` in UCUM ("" for a plain number)."""

    name: str
    kind: Literal["counter", "gauge"]
    words: str
    unit: str = ""

    @property
    def prometheus(self) -> str:
        """The name in Prometheus, by OpenTelemetry's rules for that (1.x)."""
        unit = {"s": "_seconds"}.get(self.unit, "")
        return self.name.replace(".", "_") + unit + ("_total" if self.kind == "counter" else "")


@dataclass(frozen=True, slots=True)
class Series:
    """What an instrument shows now, by its labels."""

    instrument: Instrument
    samples: Sequence[tuple[Mapping[str, str], int | float]]


#: Of the host's own status: the instrument, and where its value stands.
_HOST = (
    (
        Instrument("paddock.generation", "gauge", "Number of the generation that serves."),
        ("generation",),
    ),
    (
        Instrument("paddock.http.connections", "gauge", "Open HTTP connections."),
        ("server", "connections"),
    ),
    (
        Instrument(
            "paddock.http.active_connections", "gauge", "Connections with a request under way."
        ),
        ("server", "active"),
    ),
    (
        Instrument("paddock.host.calls", "gauge", "Calls of guests that the host is answering."),
        ("server", "tasks"),
    ),
)
#: Of a trigger, by the key of its status.
_TRIGGER = {
    "received": Instrument("paddock.trigger.events", "counter", "Events that a trigger received."),
    "handled": Instrument("paddock.trigger.handled", "counter", "Events handled with success."),
    "failed": Instrument("paddock.trigger.failures", "counter", "Attempts that failed."),
    "retried": Instrument("paddock.trigger.retries", "counter", "Attempts put off for later."),
    "redelivered": Instrument(
        "paddock.trigger.redeliveries", "counter", "Events that had been handed out before."
    ),
    "dead": Instrument("paddock.trigger.dead_letters", "counter", "Events given up."),
    "seconds": Instrument(
        "paddock.trigger.handling", "counter", "Time spent in handlers.", unit="s"
    ),
    "running": Instrument("paddock.trigger.running", "gauge", "Events being handled."),
    "waiting": Instrument("paddock.trigger.lag", "gauge", "Events that wait at the source."),
    "connected": Instrument("paddock.trigger.connected", "gauge", "Whether the source is reached."),
}


def gathered(host: Host) -> list[Series]:
    """All that a host counts, at this moment."""
    status = host.status()
    series = [Series(instrument, [({}, _found(status, path))]) for instrument, path in _HOST]
    triggers = [
        ({"application": str(application["name"]), **_labels(trigger)}, trigger)
        for application in cast("list[Mapping[str, object]]", status["applications"])
        for trigger in cast("list[Mapping[str, object]]", application["triggers"])
    ]
    for key, instrument in _TRIGGER.items():
        samples = [
            (labels, _number(trigger[key]))
            for labels, trigger in triggers
            if trigger.get(key) is not None
        ]
        series.append(Series(instrument, samples))
    return series


def _found(status: Mapping[str, object], path: Sequence[str]) -> int | float:
    value: object = status
    for key in path:
        value = cast("Mapping[str, object]", value).get(key, 0)
    return _number(value)


def _labels(trigger: Mapping[str, object]) -> dict[str, str]:
    names = {"trigger": "id", "type": "type", "component": "component"}
    return {label: str(trigger[key]) for label, key in names.items()}


def _number(value: object) -> int | float:
    # What is true or false counts as 1 or 0 in both formats.
    return value if isinstance(value, float) else int(cast("int", value))


def exposition(series: Sequence[Series]) -> str:
    """As Prometheus' text exposition (version 0.0.4)."""
    return "".join(f"{line}\n" for each in series for line in _lines(each))


def _lines(series: Series) -> Iterator[str]:
    name = series.instrument.prometheus
    yield f"# HELP {name} {series.instrument.words}"
    yield f"# TYPE {name} {series.instrument.kind}"
    for labels, value in series.samples:
        text = ",".join(f'{label}="{_escaped(each)}"' for label, each in labels.items())
        yield f"{name}{{{text}}} {value}" if text else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def exported(series: Sequence[Series], start: float, now: float) -> Metrics:
    """As OpenTelemetry has them; counters since `start`, both in seconds since 1970."""
    from paddock.capabilities.telemetry import Metric, Metrics, Point, Resource, Scope

    found = [
        Metric(
            name=each.instrument.name,
            description=each.instrument.words,
            unit=each.instrument.unit or "1",
            shape="sum" if each.instrument.kind == "counter" else "gauge",
            points=[Point(labels, value) for labels, value in each.samples],
            start=round(start * 1e9),
            time=round(now * 1e9),
            monotonic=each.instrument.kind == "counter",
        )
        for each in series
        if each.samples
    ]
    return Metrics(Resource(), ((Scope("paddock.host"), found),))
