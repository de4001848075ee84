"""The telemetry capability: spans, metrics and log records that a guest emits itself.

The shapes are those of the OpenTelemetry protocol (OTLP 1.x). Times are in
nanoseconds since 1970, ids are lower-case hexadecimal text (32 digits of a
trace, 16 of a span; empty where there is none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from paddock.types import Reply

#: The value of an attribute, as OTLP's `AnyValue`.
Value: TypeAlias = "bool | int | float | str | bytes | Sequence[Value] | Mapping[str, Value] | None"
Attributes: TypeAlias = Mapping[str, Value]

Kind: TypeAlias = Literal["client", "server", "producer", "consumer", "internal"]
Temporality: TypeAlias = Literal["cumulative", "delta"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The library that produced something."""

    name: str = ""
    version: str = ""
    schema_url: str = ""
    attributes: Attributes = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True)
class Resource:
    """What a guest says of itself."""

    attributes: Attributes = field(default_factory=dict[str, Value])
    schema_url: str = ""


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Names a span; `state` is the header `tracestate` of W3C Trace Context."""

    trace_id: str
    span_id: str
    sampled: bool = False
    state: str = ""
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A moment within a span."""

    name: str
    time: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that one has to do with."""

    context: SpanContext
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Dropped:
    """How much of a span its producer left out."""

    attributes: int = 0
    events: int = 0
    links: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has ended. `ok` is None where the guest set no status; `error` says why."""

    context: SpanContext
    parent_id: str
    kind: Kind
    name: str
    start: int
    end: int
    attributes: Attributes = field(default_factory=dict[str, Value])
    events: Sequence[Event] = ()
    links: Sequence[Link] = ()
    ok: bool | None = None
    error: str = ""
    scope: Scope = field(default_factory=Scope)
    dropped: Dropped = field(default_factory=Dropped)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measurement of those that a point is made of."""

    time: int
    value: int | float
    trace_id: str
    span_id: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Buckets:
    """Of an exponential histogram: counts from the bucket `offset` on."""

    offset: int
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Exponential:
    """What an exponential histogram has in the place of bounds."""

    scale: int
    zero_count: int
    zero_threshold: float
    positive: Buckets
    negative: Buckets


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a gauge or a sum (`value`), or of a histogram (the rest)."""

    attributes: Attributes
    value: int | float | None = None
    exemplars: Sequence[Exemplar] = ()
    count: int = 0
    sum: int | float = 0
    least: int | float | None = None
    most: int | float | None = None
    bounds: Sequence[float] = ()
    counts: Sequence[int] = ()
    exponential: Exponential | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """Points of one instrument. `start` is 0 where it is not known.

    `temporality` and `monotonic` are those of a sum; a histogram has the former.
    """

    name: str
    description: str
    unit: str
    shape: Literal["gauge", "sum", "histogram", "exponential-histogram"]
    points: Sequence[Point]
    start: int
    time: int
    temporality: Temporality = "cumulative"
    monotonic: bool = False


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one export has: metrics by the scope that measured them."""

    resource: Resource
    scopes: Sequence[tuple[Scope, Sequence[Metric]]]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record; `severity` from 1 to 24, 0 where there is none, times 0 likewise."""

    time: int
    observed: int
    severity: int
    severity_text: str
    body: Value
    attributes: Attributes
    event_name: str = ""
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    context: SpanContext | None = None


class TelemetrySink(Protocol):
    """Where one component's telemetry goes.

    It must neither fail nor wait for anything: what can't be taken is dropped
    and counted, since a guest has no way to be told.
    """

    def span(self, span: Span, /) -> Reply[None]:
        """Take a span that has ended."""
        ...

    def metrics(self, metrics: Metrics, /) -> Reply[None]:
        """Take points of metrics."""
        ...

    def log(self, record: LogRecord, /) -> Reply[None]:
        """Take a log record."""
        ...


class Telemetry(Protocol):
    """What a provider opens; shared by all components of a host."""

    def sink(self, application: str, component: str, /) -> TelemetrySink:
        """Where a component's telemetry goes; what it sends bears both names.

        With empty names it is that of the host itself.
        """
        ...

    def close(self) -> Reply[None]:
        """Send what waits, within some seconds; may be repeated."""
        ...
