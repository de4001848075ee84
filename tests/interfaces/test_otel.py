"""The facade `wasi:otel`, called with records as the bridge makes them."""

from __future__ import annotations

from types import SimpleNamespace as Record
from typing import Any, cast

import pytest

from paddock.capabilities import telemetry as t
from paddock.interfaces import Grants, bind
from paddock.interfaces.otel_records import value
from paddock.types import CallContext, Variant

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Sink:
    def __init__(self) -> None:
        self.spans: list[t.Span] = []
        self.exported: list[t.Metrics] = []
        self.records: list[t.LogRecord] = []
        self.span = self.spans.append
        self.metrics = self.exported.append
        self.log = self.records.append


def bound(name: str, sink: Sink | None) -> Any:
    grants = Grants("app", "api", telemetry=cast("t.TelemetrySink | None", sink))
    return bind(f"wasi:otel/{name}@0.2.0-rc.2", grants)


def call(trace: str | None) -> CallContext:
    return CallContext("app", "api", 1, 1, 1, None, trace, "wasi:otel/tracing", "f")


def context(**fields: Any) -> Record:
    usual = {
        "trace_id": TRACE, "span_id": SPAN, "trace_flags": frozenset({"sampled"}),
        "is_remote": False, "trace_state": [("a", "b"), ("c", "d")],
    }  # fmt: skip
    return Record(**{**usual, **fields})


def at(seconds: int) -> Record:
    return Record(seconds=seconds, nanoseconds=5)


def pair(key: str, text: str) -> Record:
    return Record(key=key, value=text)


SCOPE = Record(name="lib", version=None, schema_url="https://s", attributes=[pair("x", "1")])
RESOURCE = Record(attributes=[pair("service.name", '"guest"')], schema_url=None)


def span(**fields: Any) -> Record:
    usual = {
        "span_context": context(), "parent_span_id": "", "span_kind": "client", "name": "work",
        "start_time": at(1), "end_time": at(2), "attributes": [pair("a", "[1,null]")],
        "events": [Record(name="e", time=at(3), attributes=[])],
        "links": [
            Record(span_context=context(), attributes=[pair("b", "true")]),
            Record(span_context=context(trace_id="x"), attributes=[]),
        ],
        "status": Variant("unset"), "instrumentation_scope": SCOPE,
        "dropped_attributes": 1, "dropped_events": 2, "dropped_links": 3,
    }  # fmt: skip
    return Record(**{**usual, **fields})


def test_a_span_goes_to_the_sink() -> None:
    sink = Sink()
    tracing = bound("tracing", sink)
    assert tracing.on_start(context()) is None
    assert tracing.on_end(span()) is None
    own = t.SpanContext(TRACE, SPAN, sampled=True, state="a=b,c=d")
    assert sink.spans == [
        t.Span(
            own, "", "client", "work", 1_000_000_005, 2_000_000_005, {"a": [1, None]},
            [t.Event("e", 3_000_000_005, {})], [t.Link(own, {"b": True})],
            None, "", t.Scope("lib", "", "https://s", {"x": 1}), t.Dropped(1, 2, 3),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "ok", "error"),
    [
        (Variant("ok"), True, ""),
        (Variant("error", "why"), False, "why"),
        (Variant("unset"), None, ""),
    ],
)
def test_a_status_is_kept(status: Variant, ok: bool | None, error: str) -> None:
    sink = Sink()
    bound("tracing", sink).on_end(span(status=status, parent_span_id="B" * 16))
    assert (sink.spans[0].ok, sink.spans[0].error) == (ok, error)
    assert sink.spans[0].parent_id == "b" * 16


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_flags": frozenset()},
        {"trace_id": "0" * 32},
        {"trace_id": TRACE[:-1]},
        {"span_id": "0" * 16},
        {"span_id": "not hexadecimal!"},
    ],
)
def test_a_span_that_is_not_sampled_or_has_no_ids_is_left_out(fields: dict[str, Any]) -> None:
    sink = Sink()
    bound("tracing", sink).on_end(span(span_context=context(**fields)))
    assert sink.spans == []


def test_the_outer_span_is_the_one_of_the_request() -> None:
    tracing = bound("tracing", None)
    found = tracing.outer_span_context(ctx=call(f"00-{TRACE}-{SPAN}-01"))
    assert (found.trace_id, found.span_id, found.is_remote) == (TRACE, SPAN, True)
    assert found.trace_flags == frozenset({"sampled"})
    assert [*found.trace_state] == []
    assert not tracing.outer_span_context(ctx=call(f"00-{TRACE}-{SPAN}-00")).trace_flags
    for nothing in (None, "", "nonsense", f"00-{TRACE}"):
        found = tracing.outer_span_context(ctx=call(nothing))
        assert (found.trace_id, found.span_id, found.is_remote) == ("0" * 32, "0" * 16, False)


def test_a_log_record_goes_to_the_sink() -> None:
    sink = Sink()
    logs = bound("logs", sink)
    full = Record(
        timestamp=at(1), observed_timestamp=at(2), severity_text="WARN", severity_number=13,
        body='{"a": 1}', attributes=[pair("b", "2")], event_name="event", resource=RESOURCE,
        instrumentation_scope=SCOPE, trace_id=TRACE, span_id=SPAN,
        trace_flags=frozenset({"sampled"}),
    )  # fmt: skip
    logs.on_emit(full)
    logs.on_emit(Record(**dict.fromkeys(vars(full))))
    logs.on_emit(Record(**{**vars(full), "severity_number": 99, "body": "plain"}))
    first, empty, odd = sink.records
    assert first == t.LogRecord(
        1_000_000_005, 2_000_000_005, 13, "WARN", {"a": 1}, {"b": 2}, "event",
        t.Resource({"service.name": "guest"}), t.Scope("lib", "", "https://s", {"x": 1}),
        t.SpanContext(TRACE, SPAN, sampled=True),
    )  # fmt: skip
    assert empty == t.LogRecord(0, 0, 0, "", None, {})
    assert (odd.severity, odd.body) == (0, "plain")


def exported(data: Variant) -> t.Metric:
    sink = Sink()
    metric = Record(name="m", description="d", unit="1", data=data)
    scope = Record(scope=SCOPE, metrics=[metric])
    bound("metrics", sink).export(Record(resource=RESOURCE, scope_metrics=[scope]))
    ((_, (found,)),) = sink.exported[0].scopes
    assert sink.exported[0].resource == t.Resource({"service.name": "guest"})
    return found


EXEMPLAR = Record(
    filtered_attributes=[], time=at(9), value=Variant("u64", 3), span_id="", trace_id=TRACE
)


def test_numbers_go_to_the_sink() -> None:
    point = Record(attributes=[pair("a", "1")], value=Variant("u64", 7), exemplars=[EXEMPLAR])
    gauge = exported(Variant("u64-gauge", Record(data_points=[point], start_time=None, time=at(4))))
    assert (gauge.shape, gauge.start, gauge.time) == ("gauge", 0, 4_000_000_005)
    assert gauge.points == [
        t.Point({"a": 1}, 7, [t.Exemplar(9_000_000_005, 3, TRACE, "", {})]),
    ]
    series = Record(
        data_points=[point], start_time=at(1), time=at(4), temporality="delta", is_monotonic=True
    )
    total = exported(Variant("f64-sum", series))
    assert (total.shape, total.temporality, total.monotonic) == ("sum", "delta", True)
    series.temporality = "low-memory"
    assert exported(Variant("s64-sum", series)).temporality == "cumulative"


def test_histograms_go_to_the_sink() -> None:
    shared = {"attributes": [], "count": 3, "sum": Variant("f64", 5.5), "exemplars": []}
    point = Record(**shared, bounds=[1.0], bucket_counts=[1, 2], min=Variant("f64", 0.5), max=None)
    series = Record(data_points=[point], start_time=at(1), time=at(4), temporality="cumulative")
    found = exported(Variant("f64-histogram", series))
    assert found.shape == "histogram"
    assert found.points == [
        t.Point({}, exemplars=[], count=3, sum=5.5, least=0.5, bounds=[1.0], counts=[1, 2]),
    ]
    series.data_points = [
        Record(
            **shared, min=None, max=Variant("f64", 4.0), scale=2, zero_count=1, zero_threshold=0.5,
            positive_bucket=Record(offset=-1, counts=[1]),
            negative_bucket=Record(offset=0, counts=[]),
        )
    ]  # fmt: skip
    found = exported(Variant("f64-exponential-histogram", series))
    assert found.points == [
        t.Point(
            {}, exemplars=[], count=3, sum=5.5, most=4.0,
            exponential=t.Exponential(2, 1, 0.5, t.Buckets(-1, [1]), t.Buckets(0, [])),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"text"', "text"),
        ("5", 5),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ('["a", {"b": null}]', ["a", {"b": None}]),
        ('"data:application/octet-stream;base64,AP8="', b"\x00\xff"),
        ('["data:application/octet-stream;base64,AP8="]', [b"\x00\xff"]),
        ('"data:application/octet-stream;base64,?"', "data:application/octet-stream;base64,?"),
        ("not json", "not json"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ("[" * 40 + "]" * 40, "[" * 40 + "]" * 40),
    ],
)
def test_values_are_decoded(text: str, found: object) -> None:
    assert value(text) == found


def test_nothing_is_done_where_there_is_no_telemetry() -> None:
    assert bound("tracing", None).on_end(span()) is None
    assert bound("logs", None).on_emit(Record()) is None
    assert bound("metrics", None).export(Record()) is None
