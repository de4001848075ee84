"""The capability's records as messages of the OpenTelemetry protocol (OTLP 1.x, protobuf)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1 import logs_pb2 as logs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

from paddock.capabilities import telemetry as t

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
TEMPORALITIES = {"delta": 1, "cumulative": 2}

#: Of the flags of a span: whether it is known to be remote, and whether it is.
KNOWN, REMOTE = 0x100, 0x200

SMALLEST, LARGEST = -(2**63), 2**63 - 1


def resource(attributes: t.Attributes) -> Resource:
    """What sent something."""
    return Resource(attributes=pairs(attributes))


def scope(found: t.Scope) -> InstrumentationScope:
    """What produced something."""
    return InstrumentationScope(
        name=found.name, version=found.version, attributes=pairs(found.attributes)
    )


def span(found: t.Span) -> trace.Span:
    """A span."""
    code = {None: 0, True: 1, False: 2}[found.ok]
    return trace.Span(
        trace_id=bytes.fromhex(found.context.trace_id),
        span_id=bytes.fromhex(found.context.span_id),
        trace_state=found.context.state,
        parent_span_id=bytes.fromhex(found.parent_id),
        flags=int(found.context.sampled),
        name=found.name,
        kind=KINDS[found.kind],  # type: ignore[arg-type]
        start_time_unix_nano=found.start,
        end_time_unix_nano=found.end,
        attributes=pairs(found.attributes),
        dropped_attributes_count=found.dropped.attributes,
        events=[
            trace.Span.Event(
                time_unix_nano=event.time, name=event.name, attributes=pairs(event.attributes)
            )
            for event in found.events
        ],
        dropped_events_count=found.dropped.events,
        links=[
            trace.Span.Link(
                trace_id=bytes.fromhex(link.context.trace_id),
                span_id=bytes.fromhex(link.context.span_id),
                trace_state=link.context.state,
                attributes=pairs(link.attributes),
                flags=int(link.context.sampled) | KNOWN | (REMOTE if link.context.remote else 0),
            )
            for link in found.links
        ],
        dropped_links_count=found.dropped.links,
        status=trace.Status(message=found.error, code=code),  # type: ignore[arg-type]
    )


def log(found: t.LogRecord) -> logs.LogRecord:
    """A log record."""
    place = found.context
    return logs.LogRecord(
        time_unix_nano=found.time,
        observed_time_unix_nano=found.observed,
        severity_number=found.severity,  # type: ignore[arg-type]
        severity_text=found.severity_text,
        body=None if found.body is None else value(found.body),
        attributes=pairs(found.attributes),
        flags=int(place.sampled) if place else 0,
        trace_id=bytes.fromhex(place.trace_id) if place else b"",
        span_id=bytes.fromhex(place.span_id) if place else b"",
        event_name=found.event_name,
    )


def metric(found: t.Metric) -> metrics.Metric:
    """A metric with its points."""
    message = metrics.Metric(name=found.name, description=found.description, unit=found.unit)
    temporality = TEMPORALITIES[found.temporality]
    match found.shape:
        case "gauge":
            message.gauge.data_points.extend(_number(found, point) for point in found.points)
        case "sum":
            message.sum.data_points.extend(_number(found, point) for point in found.points)
            message.sum.aggregation_temporality = temporality  # type: ignore[assignment]
            message.sum.is_monotonic = found.monotonic
        case "histogram":
            message.histogram.data_points.extend(_bounded(found, point) for point in found.points)
            message.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
        case _:
            points = (_exponential(found, point) for point in found.points)
            message.exponential_histogram.data_points.extend(points)
            message.exponential_histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    return message


def _number(found: t.Metric, point: t.Point) -> metrics.NumberDataPoint:
    message = metrics.NumberDataPoint(
        attributes=pairs(point.attributes),
        start_time_unix_nano=found.start,
        time_unix_nano=found.time,
        exemplars=[_exemplar(each) for each in point.exemplars],
    )
    number = point.value
    if isinstance(number, int) and SMALLEST <= number <= LARGEST:
        message.as_int = number
    elif number is not None:
        # OTLP has no unsigned numbers of 64 bits.
        message.as_double = float(number)
    return message


def _bounded(found: t.Metric, point: t.Point) -> metrics.HistogramDataPoint:
    message = metrics.HistogramDataPoint(
        attributes=pairs(point.attributes),
        start_time_unix_nano=found.start,
        time_unix_nano=found.time,
        count=point.count,
        sum=float(point.sum),
        bucket_counts=point.counts,
        explicit_bounds=point.bounds,
        exemplars=[_exemplar(each) for each in point.exemplars],
    )
    _extremes(message, point)
    return message


def _exponential(found: t.Metric, point: t.Point) -> metrics.ExponentialHistogramDataPoint:
    shape = point.exponential
    message = metrics.ExponentialHistogramDataPoint(
        attributes=pairs(point.attributes),
        start_time_unix_nano=found.start,
        time_unix_nano=found.time,
        count=point.count,
        sum=float(point.sum),
        exemplars=[_exemplar(each) for each in point.exemplars],
    )
    if shape is not None:
        message.scale = shape.scale
        message.zero_count = shape.zero_count
        message.zero_threshold = shape.zero_threshold
        for part, buckets in (
            (message.positive, shape.positive),
            (message.negative, shape.negative),
        ):
            part.offset = buckets.offset
            part.bucket_counts.extend(buckets.counts)
    _extremes(message, point)
    return message


def _extremes(
    message: metrics.HistogramDataPoint | metrics.ExponentialHistogramDataPoint, point: t.Point
) -> None:
    if point.least is not None:
        message.min = float(point.least)
    if point.most is not None:
        message.max = float(point.most)


def _exemplar(found: t.Exemplar) -> metrics.Exemplar:
    message = metrics.Exemplar(
        filtered_attributes=pairs(found.attributes),
        time_unix_nano=found.time,
        trace_id=bytes.fromhex(found.trace_id),
        span_id=bytes.fromhex(found.span_id),
    )
    if isinstance(found.value, int) and SMALLEST <= found.value <= LARGEST:
        message.as_int = found.value
    else:
        message.as_double = float(found.value)
    return message


def pairs(attributes: t.Attributes) -> Iterable[KeyValue]:
    """Attributes."""
    return [KeyValue(key=key, value=value(each)) for key, each in attributes.items()]


def value(found: t.Value) -> AnyValue:
    """Any value; what a number can't hold is text."""
    make = _VALUES.get(type(found))
    if make is not None:
        return AnyValue(**cast("dict[str, Any]", {make: found}))
    if isinstance(found, int):
        fits = SMALLEST <= found <= LARGEST
        return AnyValue(int_value=found) if fits else AnyValue(string_value=str(found))
    if isinstance(found, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(found)))
    items = cast("Sequence[t.Value]", found or ())
    # A list, or nothing at all, which is a value without any of its kinds.
    array = ArrayValue(values=[value(each) for each in items])
    return AnyValue() if found is None else AnyValue(array_value=array)


#: The field of a value for each type that needs nothing more.
_VALUES: Mapping[type, str] = {
    bool: "bool_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}
