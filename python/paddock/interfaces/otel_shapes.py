"""The records of `wasi:otel@0.2.0-rc.2`, as the bridge makes them of a guest's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.capabilities.telemetry import Kind
    from paddock.types import Variant


class Datetime(Protocol):
    """`wasi:clocks/wall-clock`'s."""

    seconds: int
    nanoseconds: int


class KeyValue(Protocol):
    """The record `key-value`."""

    key: str
    value: str


class ResourceRecord(Protocol):
    """The record `resource`."""

    attributes: Sequence[KeyValue]
    schema_url: str | None


class ScopeRecord(Protocol):
    """The record `instrumentation-scope`."""

    name: str
    version: str | None
    schema_url: str | None
    attributes: Sequence[KeyValue]


class SpanContextRecord(Protocol):
    """The record `span-context`, from a guest."""

    trace_id: str
    span_id: str
    trace_flags: frozenset[str]
    is_remote: bool
    trace_state: Sequence[tuple[str, str]]


class EventRecord(Protocol):
    """The record `event`."""

    name: str
    time: Datetime
    attributes: Sequence[KeyValue]


class LinkRecord(Protocol):
    """The record `link`."""

    span_context: SpanContextRecord
    attributes: Sequence[KeyValue]


class SpanData(Protocol):
    """The record `span-data`."""

    span_context: SpanContextRecord
    parent_span_id: str
    span_kind: Kind
    name: str
    start_time: Datetime
    end_time: Datetime
    attributes: Sequence[KeyValue]
    events: Sequence[EventRecord]
    links: Sequence[LinkRecord]
    status: Variant
    instrumentation_scope: ScopeRecord
    dropped_attributes: int
    dropped_events: int
    dropped_links: int


class LogRecordData(Protocol):
    """The record `log-record`."""

    timestamp: Datetime | None
    observed_timestamp: Datetime | None
    severity_text: str | None
    severity_number: int | None
    body: str | None
    attributes: Sequence[KeyValue] | None
    event_name: str | None
    resource: ResourceRecord | None
    instrumentation_scope: ScopeRecord | None
    trace_id: str | None
    span_id: str | None
    trace_flags: frozenset[str] | None


class ExemplarRecord(Protocol):
    """The record `exemplar`."""

    filtered_attributes: Sequence[KeyValue]
    time: Datetime
    value: Variant
    span_id: str
    trace_id: str


class BucketRecord(Protocol):
    """The record `exponential-bucket`."""

    offset: int
    counts: Sequence[int]


class PointRecord(Protocol):
    """The records of data points: each kind has some of these fields."""

    attributes: Sequence[KeyValue]
    value: Variant
    exemplars: Sequence[ExemplarRecord]
    count: int
    bounds: Sequence[float]
    bucket_counts: Sequence[int]
    min: Variant | None
    max: Variant | None
    sum: Variant
    scale: int
    zero_count: int
    zero_threshold: float
    positive_bucket: BucketRecord
    negative_bucket: BucketRecord


class SeriesRecord(Protocol):
    """The records `gauge`, `sum`, `histogram`: each has some of these fields."""

    data_points: Sequence[PointRecord]
    start_time: Datetime | None
    time: Datetime
    temporality: str
    is_monotonic: bool


class MetricRecord(Protocol):
    """The record `metric`."""

    name: str
    description: str
    unit: str
    data: Variant


class ScopeMetrics(Protocol):
    """The record `scope-metrics`."""

    scope: ScopeRecord
    metrics: Sequence[MetricRecord]


class ResourceMetrics(Protocol):
    """The record `resource-metrics`."""

    resource: ResourceRecord
    scope_metrics: Sequence[ScopeMetrics]
