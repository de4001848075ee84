"""`wasi:otel@0.2.0-rc.2`: tracing, metrics, logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paddock.capabilities.telemetry import SpanContext, TelemetrySink
from paddock.interfaces import otel_records as records
from paddock.types import CallContext, Reply

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants
    from paddock.interfaces.otel_shapes import (
        LogRecordData,
        ResourceMetrics,
        SpanContextRecord,
        SpanData,
    )

#: W3C Trace Context, level 1: version, trace, parent, flags.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")

#: For a request without a trace: the ids that name nothing.
NOWHERE = SpanContext("0" * 32, "0" * 16)


class Tracing:
    """`wasi:otel/tracing`."""

    __slots__ = ("_sink",)

    def __init__(self, grants: Grants) -> None:
        self._sink: TelemetrySink | None = grants.telemetry

    def on_start(self, context: SpanContextRecord) -> None:
        """Only spans that ended are reported."""
        del context

    def on_end(self, span: SpanData) -> Reply[None]:
        """Report a span; one that is not sampled or has no valid ids is left out."""
        if self._sink is None:
            return None
        found = records.span(span)
        return None if found is None else self._sink.span(found)

    def outer_span_context(self, *, ctx: CallContext) -> records.SpanContextAnswer:
        """The span that the request named which this instance answers."""
        return records.answer(outer(ctx.trace))


class Metrics:
    """`wasi:otel/metrics`."""

    __slots__ = ("_sink",)

    def __init__(self, grants: Grants) -> None:
        self._sink: TelemetrySink | None = grants.telemetry

    def export(self, metrics: ResourceMetrics) -> Reply[None]:
        """Report points; they are sent later, so nothing of that can be told here."""
        return None if self._sink is None else self._sink.metrics(records.metrics(metrics))

    def __paddock_error__(self, exc: Exception) -> object:
        del exc
        return "the metrics can't be taken; the host's log has the reason"


class Logs:
    """`wasi:otel/logs`."""

    __slots__ = ("_sink",)

    def __init__(self, grants: Grants) -> None:
        self._sink: TelemetrySink | None = grants.telemetry

    def on_emit(self, data: LogRecordData) -> Reply[None]:
        """Report a record."""
        return None if self._sink is None else self._sink.log(records.log(data))


def outer(traceparent: str | None) -> SpanContext:
    """The span that a header `traceparent` names."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return NOWHERE
    return SpanContext(found[1], found[2], sampled=bool(int(found[3], 16) & 1), remote=True)
