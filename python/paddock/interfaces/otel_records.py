"""From the records of `wasi:otel@0.2.0-rc.2` to those of the capability.

Values of attributes are JSON text there, bytes in it are written as
`data:application/octet-stream;base64,…`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from paddock.capabilities import telemetry as t
from paddock.types import Variant

if TYPE_CHECKING:
    from paddock.interfaces.otel_shapes import (
        Datetime,
        KeyValue,
        LogRecordData,
        MetricRecord,
        PointRecord,
        ResourceMetrics,
        ResourceRecord,
        ScopeRecord,
        SeriesRecord,
        SpanContextRecord,
        SpanData,
    )

BYTES = "data:application/octet-stream;base64,"

#: Levels of lists and tables in a value. Protobuf reads 100 levels of messages, of which
#: each takes up to three: one value beyond that would cost the batch that it is in.
LEVELS = 24

_TRACE, _SPAN = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SpanContextAnswer:
    """The record `span-context`, to a guest."""

    trace_id: str
    span_id: str
    trace_flags: frozenset[str]
    is_remote: bool
    trace_state: Sequence[tuple[str, str]] = ()


def answer(context: t.SpanContext) -> SpanContextAnswer:
    """A span of the host's for a guest."""
    flags = frozenset({"sampled"} if context.sampled else ())
    return SpanContextAnswer(context.trace_id, context.span_id, flags, context.remote, [])


def span(data: SpanData) -> t.Span | None:
    """A span; None if it is not to be reported."""
    own = context(data.span_context)
    if own is None or not own.sampled:
        return None
    links = ((context(link.span_context), link) for link in data.links)
    return t.Span(
        context=own,
        parent_id=_id(data.parent_span_id, _SPAN),
        kind=data.span_kind,
        name=data.name,
        start=_time(data.start_time),
        end=_time(data.end_time),
        attributes=attributes(data.attributes),
        events=[
            t.Event(event.name, _time(event.time), attributes(event.attributes))
            for event in data.events
        ],
        links=[
            t.Link(found, attributes(link.attributes)) for found, link in links if found is not None
        ],
        ok={"unset": None, "ok": True}.get(data.status.case, False),
        error=str(data.status.payload or ""),
        scope=_scope(data.instrumentation_scope),
        dropped=t.Dropped(data.dropped_attributes, data.dropped_events, data.dropped_links),
    )


def context(record: SpanContextRecord) -> t.SpanContext | None:
    """A context; None if its ids are none."""
    trace, own = _id(record.trace_id, _TRACE), _id(record.span_id, _SPAN)
    if not trace or not own:
        return None
    state = ",".join(f"{key}={text}" for key, text in record.trace_state)
    sampled = "sampled" in record.trace_flags
    return t.SpanContext(trace, own, sampled=sampled, state=state, remote=record.is_remote)


def log(data: LogRecordData) -> t.LogRecord:
    """A log record."""
    place = None
    if trace := _id(data.trace_id or "", _TRACE):
        sampled = "sampled" in (data.trace_flags or ())
        place = t.SpanContext(trace, _id(data.span_id or "", _SPAN), sampled=sampled)
    severity = data.severity_number or 0
    return t.LogRecord(
        time=_time(data.timestamp),
        observed=_time(data.observed_timestamp),
        severity=severity if severity <= 24 else 0,
        severity_text=data.severity_text or "",
        body=None if data.body is None else value(data.body),
        attributes=attributes(data.attributes or ()),
        event_name=data.event_name or "",
        resource=_resource(data.resource) if data.resource else t.Resource(),
        scope=_scope(data.instrumentation_scope) if data.instrumentation_scope else t.Scope(),
        context=place,
    )


def metrics(data: ResourceMetrics) -> t.Metrics:
    """Metrics by scope."""
    return t.Metrics(
        _resource(data.resource),
        [
            (_scope(each.scope), [_metric(metric) for metric in each.metrics])
            for each in data.scope_metrics
        ],
    )


def _metric(record: MetricRecord) -> t.Metric:
    # The case is the type of the numbers and the shape: `f64-exponential-histogram`.
    shape = record.data.case.partition("-")[2]
    series = cast("SeriesRecord", record.data.payload)
    make = {"histogram": _histogram, "exponential-histogram": _exponential}.get(shape, _number)
    delta = shape != "gauge" and series.temporality == "delta"
    return t.Metric(
        name=record.name,
        description=record.description,
        unit=record.unit,
        shape=cast("Literal['gauge', 'sum', 'histogram', 'exponential-histogram']", shape),
        points=[make(point) for point in series.data_points],
        start=_time(series.start_time),
        time=_time(series.time),
        temporality="delta" if delta else "cumulative",
        monotonic=shape == "sum" and series.is_monotonic,
    )


def _number(point: PointRecord) -> t.Point:
    return t.Point(attributes(point.attributes), _plain(point.value), _exemplars(point))


def _histogram(point: PointRecord) -> t.Point:
    return t.Point(
        attributes(point.attributes),
        exemplars=_exemplars(point),
        count=point.count,
        sum=_plain(point.sum),
        least=_plain(point.min) if point.min is not None else None,
        most=_plain(point.max) if point.max is not None else None,
        bounds=point.bounds,
        counts=point.bucket_counts,
    )


def _exponential(point: PointRecord) -> t.Point:
    positive, negative = point.positive_bucket, point.negative_bucket
    return t.Point(
        attributes(point.attributes),
        exemplars=_exemplars(point),
        count=point.count,
        sum=_plain(point.sum),
        least=_plain(point.min) if point.min is not None else None,
        most=_plain(point.max) if point.max is not None else None,
        exponential=t.Exponential(
            point.scale,
            point.zero_count,
            point.zero_threshold,
            t.Buckets(positive.offset, positive.counts),
            t.Buckets(negative.offset, negative.counts),
        ),
    )


def _exemplars(point: PointRecord) -> list[t.Exemplar]:
    return [
        t.Exemplar(
            _time(each.time),
            _plain(each.value),
            _id(each.trace_id, _TRACE),
            _id(each.span_id, _SPAN),
            attributes(each.filtered_attributes),
        )
        for each in point.exemplars
    ]


def attributes(pairs: Iterable[KeyValue]) -> t.Attributes:
    """Attributes by key; of a key that comes twice, the last."""
    return {pair.key: value(pair.value) for pair in pairs}


def value(text: str) -> t.Value:
    """A value out of its JSON; what is none, or is nested more deeply, stays text."""
    try:
        return _decoded(json.loads(text), LEVELS)
    except (ValueError, RecursionError):
        return text


def _decoded(found: object, levels: int) -> t.Value:
    if isinstance(found, str) and found.startswith(BYTES):
        try:
            return base64.b64decode(found[len(BYTES) :], validate=True)
        except binascii.Error:
            return found
    if isinstance(found, (list, dict)) and not levels:
        raise ValueError("nested too deeply")
    if isinstance(found, list):
        return [_decoded(each, levels - 1) for each in cast("list[object]", found)]
    if isinstance(found, dict):
        pairs = cast("Mapping[str, object]", found)
        return {key: _decoded(each, levels - 1) for key, each in pairs.items()}
    return cast("t.Value", found)


def _resource(record: ResourceRecord) -> t.Resource:
    return t.Resource(attributes(record.attributes), record.schema_url or "")


def _scope(record: ScopeRecord) -> t.Scope:
    return t.Scope(
        record.name,
        record.version or "",
        record.schema_url or "",
        attributes(record.attributes),
    )


def _plain(number: Variant) -> int | float:
    return cast("int | float", number.payload)


def _time(moment: Datetime | None) -> int:
    return 0 if moment is None else moment.seconds * 10**9 + moment.nanoseconds


def _id(text: str, form: re.Pattern[str]) -> str:
    """An id as it is written; empty if it is none, as the one of zeros."""
    text = text.lower()
    return text if form.fullmatch(text) and text.strip("0") else ""
