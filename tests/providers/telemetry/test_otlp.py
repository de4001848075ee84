"""Telemetry goes to a real collector's protocol: what it gets, and what happens when it is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.services.collector import Collector

from paddock.capabilities import telemetry as t
from paddock.interfaces.otel_records import LEVELS, value
from paddock.providers.options import OptionError
from paddock.providers.telemetry.otlp import OtlpSink, OtlpTelemetry
from paddock.providers.telemetry.otlp_config import OtlpConfig

TRACE, SPAN = "0123456789abcdef" * 2, "00f067aa0ba902b7"
CONTEXT = t.SpanContext(TRACE, SPAN, sampled=True, state="a=b,c=d", remote=True)
SCOPE = t.Scope("library", "1.2", "https://schema", {"beta": True})


pytestmark = pytest.mark.usefixtures("no_otel_variables")


class Running:
    """Open telemetry, closed at the end."""

    def __init__(self, collector: Collector, **options: object) -> None:
        table = {"endpoint": collector.url, "delay": "20ms", "timeout": "5s", **options}
        config = OtlpConfig.from_table(table)
        self.telemetry = OtlpTelemetry.open(
            config, application="", name="telemetry", state_dir=Path()
        )

    def __enter__(self) -> OtlpSink:
        return self.telemetry.sink("shop", "api")

    def __exit__(self, *_: object) -> None:
        self.telemetry.close()()


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def span(name: str = "work", **fields: Any) -> t.Span:
    return t.Span(CONTEXT, "f" * 16, "server", name, 1, 2, **fields)


def plain(attributes: Any) -> dict[str, Any]:
    def value(found: Any) -> Any:
        match found.WhichOneof("value"):
            case None:
                return None
            case "array_value":
                return [value(each) for each in found.array_value.values]
            case "kvlist_value":
                return plain(found.kvlist_value.values)
            case kind:
                return getattr(found, kind)

    return {pair.key: value(pair.value) for pair in attributes}


def test_a_span_arrives_whole(collector: Collector) -> None:
    sent = span(
        attributes={
            "text": "grün", "true": True, "int": -5, "float": 1.5, "bytes": b"\x00\xff",
            "list": ["a", 1, None], "map": {"a": {"b": 2}}, "huge": 2**70, "none": None,
        },
        events=[t.Event("moment", 7, {"a": 1})],
        links=[t.Link(CONTEXT, {"why": "because"})],
        ok=False,
        error="it broke",
        scope=SCOPE,
        dropped=t.Dropped(1, 2, 3),
    )  # fmt: skip
    with Running(collector) as sink:
        sink.span(sent)
    (request,) = collector.traces
    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    (found,) = scope.spans
    assert plain(resource.resource.attributes) == {
        "service.name": "shop", "paddock.application": "shop", "paddock.component": "api",
    }  # fmt: skip
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == (
        "library", "1.2", "https://schema",
    )  # fmt: skip
    assert plain(scope.scope.attributes) == {"beta": True}
    assert plain(found.attributes) == {**sent.attributes, "huge": str(2**70)}
    assert found.trace_id.hex() == TRACE
    assert found.span_id.hex() == SPAN
    assert found.parent_span_id.hex() == "f" * 16
    assert (found.trace_state, found.name, found.kind) == ("a=b,c=d", "work", 2)
    assert (found.start_time_unix_nano, found.end_time_unix_nano, found.flags) == (1, 2, 1)
    assert [(event.name, event.time_unix_nano) for event in found.events] == [("moment", 7)]
    assert plain(found.events[0].attributes) == {"a": 1}
    assert found.links[0].trace_id.hex() == TRACE
    assert found.links[0].flags == 0x301
    assert (found.status.code, found.status.message) == (2, "it broke")
    assert (
        found.dropped_attributes_count, found.dropped_events_count, found.dropped_links_count,
    ) == (1, 2, 3)  # fmt: skip


def test_a_log_record_arrives_whole(collector: Collector) -> None:
    with Running(collector, resource={"region": "north"}) as sink:
        sink.log(
            t.LogRecord(
                5,
                6,
                17,
                "ERROR",
                {"what": ["happened"]},
                {"a": 1},
                "event",
                t.Resource({"service.name": "mine", "paddock.component": "forged"}, "https://r"),
                SCOPE,
                CONTEXT,
            )
        )
        sink.log(t.LogRecord(0, 0, 0, "", None, {}))
    (request,) = collector.logs
    own, usual = request.resource_logs
    assert plain(own.resource.attributes) == {
        "service.name": "mine", "paddock.application": "shop", "paddock.component": "api",
        "region": "north",
    }  # fmt: skip
    assert own.schema_url == "https://r"
    (found,) = own.scope_logs[0].log_records
    assert (found.time_unix_nano, found.observed_time_unix_nano) == (5, 6)
    assert (found.severity_number, found.severity_text, found.event_name) == (17, "ERROR", "event")
    assert plain(found.body.kvlist_value.values) == {"what": ["happened"]}
    assert (found.trace_id.hex(), found.span_id.hex(), found.flags) == (TRACE, SPAN, 1)
    (empty,) = usual.scope_logs[0].log_records
    assert not empty.HasField("body")
    assert (empty.trace_id, empty.severity_number) == (b"", 0)


def metric(shape: Any, point: t.Point, **fields: Any) -> t.Metric:
    return t.Metric("m", "what it is", "By", shape, [point], 3, 4, **fields)


def test_metrics_of_every_shape_arrive(collector: Collector) -> None:
    exemplar = t.Exemplar(9, 2, TRACE, SPAN, {"left": "out"})
    histogram = t.Point(
        {}, count=3, sum=5.5, least=1, most=3, bounds=[1.0, 2.0], counts=[1, 1, 1],
        exemplars=[exemplar],
    )  # fmt: skip
    exponential = t.Point(
        {}, count=2, sum=3,
        exponential=t.Exponential(2, 1, 0.5, t.Buckets(-1, [1]), t.Buckets(0, [])),
    )  # fmt: skip
    found = t.Metrics(
        t.Resource({}),
        [
            (
                SCOPE,
                [
                    metric("gauge", t.Point({"a": 1}, 1.5)),
                    metric("sum", t.Point({}, 7), monotonic=True, temporality="delta"),
                    metric("sum", t.Point({}, 2**64 - 1)),
                    metric("histogram", histogram),
                    metric("exponential-histogram", exponential),
                ],
            )
        ],
    )
    with Running(collector) as sink:
        sink.metrics(found)
    (request,) = collector.metrics
    (scope,) = request.resource_metrics[0].scope_metrics
    gauge, total, huge, bounded, scaled = scope.metrics
    assert (gauge.name, gauge.description, gauge.unit) == ("m", "what it is", "By")
    (point,) = gauge.gauge.data_points
    assert (point.as_double, point.start_time_unix_nano, point.time_unix_nano) == (1.5, 3, 4)
    assert plain(point.attributes) == {"a": 1}
    assert (total.sum.is_monotonic, total.sum.aggregation_temporality) == (True, 1)
    assert total.sum.data_points[0].as_int == 7
    assert huge.sum.data_points[0].as_double == float(2**64 - 1)
    assert huge.sum.aggregation_temporality == 2
    (point,) = bounded.histogram.data_points
    assert (point.count, point.sum, point.min, point.max) == (3, 5.5, 1, 3)
    assert ([*point.bucket_counts], [*point.explicit_bounds]) == ([1, 1, 1], [1.0, 2.0])
    assert (point.exemplars[0].as_int, point.exemplars[0].trace_id.hex()) == (2, TRACE)
    (point,) = scaled.exponential_histogram.data_points
    assert (point.scale, point.zero_count, point.zero_threshold) == (2, 1, 0.5)
    assert (point.positive.offset, [*point.positive.bucket_counts]) == (-1, [1])
    assert not point.HasField("min")


def test_the_most_nested_value_does_not_cost_the_others_their_batch(collector: Collector) -> None:
    deepest = value('{"a":' * LEVELS + "1" + "}" * LEVELS)
    assert isinstance(deepest, dict)
    nested = t.Resource({"deep": deepest})
    with Running(collector, delay="10s") as sink:
        sink.log(t.LogRecord(1, 2, 9, "INFO", "deep", {}, "", nested, SCOPE, CONTEXT))
        sink.log(t.LogRecord(1, 2, 9, "INFO", "flat", {}, "", t.Resource(), SCOPE, CONTEXT))
    (request,) = collector.logs
    bodies = [
        record.body.string_value
        for place in request.resource_logs
        for record in place.scope_logs[0].log_records
    ]
    assert sorted(bodies) == ["deep", "flat"]


def test_many_spans_go_in_few_requests(collector: Collector) -> None:
    with Running(collector, delay="10s", batch=100) as sink:
        for number in range(250):
            sink.span(span(f"{number}"))
        until(lambda: len(collector.spans) >= 200)
    assert len(collector.spans) == 250
    assert len(collector.traces) == 3


def test_what_waits_is_sent_at_the_end(collector: Collector) -> None:
    with Running(collector, delay="1h") as sink:
        sink.span(span())
    assert len(collector.spans) == 1


def test_a_queue_that_is_full_drops_and_counts(collector: Collector) -> None:
    collector.go.clear()
    running = Running(collector, queue=10, batch=1)
    sink = running.telemetry.sink("shop", "api")
    sink.span(span("first"))
    until(lambda: not running.telemetry.queue._lanes["spans"].waiting)
    for number in range(25):
        sink.span(span(f"{number}"))
    assert running.telemetry.queue.dropped == {"spans": 15, "metrics": 0, "log records": 0}
    collector.go.set()
    until(lambda: len(collector.spans) == 11)
    running.telemetry.close()()


def test_what_is_large_is_dropped_before_it_fills_the_memory(collector: Collector) -> None:
    collector.go.clear()
    running = Running(collector, batch=1)
    sink = running.telemetry.sink("shop", "api")
    for number in range(40):
        sink.span(span(f"{number}", attributes={"text": "x" * (1 << 20)}))
    assert running.telemetry.queue.dropped["spans"] >= 23
    collector.go.set()
    running.telemetry.close()()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_collector_that_is_busy_is_asked_again(collector: Collector, status: int) -> None:
    collector.answers = [status]
    with Running(collector) as sink:
        sink.span(span())
        until(lambda: collector.spans)
    assert len(collector.paths) == 2


def test_a_collector_that_refuses_is_not_asked_again(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answers = [400]
    running = Running(collector, headers={"authorization": "Bearer secret-token"})
    sink = running.telemetry.sink("shop", "api")
    sink.span(span())
    until(lambda: running.telemetry.queue.dropped["spans"] == 1)
    sink.span(span())
    until(lambda: collector.spans)
    running.telemetry.close()()
    assert len(collector.paths) == 2
    assert collector.headers[0]["Authorization"] == "Bearer secret-token"
    assert "telemetry is lost (1 spans so far): the collector at 127.0.0.1" in caplog.text
    assert "answered 400" in caplog.text
    assert "secret-token" not in caplog.text + repr(running.telemetry._config)


def test_a_collector_that_comes_back_gets_what_is_sent_then() -> None:
    with Collector() as gone:
        port = gone.port
    running = Running(gone, timeout="50ms")
    sink = running.telemetry.sink("shop", "api")
    sink.span(span("lost"))
    until(lambda: running.telemetry.queue.dropped["spans"] == 1)
    with Collector(port) as back:
        sink.span(span("found"))
        until(lambda: back.spans)
        assert [each.name for each in back.spans] == ["found"]  # type: ignore[attr-defined]
        running.telemetry.close()()


def test_a_collector_that_hangs_holds_nobody_up(collector: Collector) -> None:
    collector.go.clear()
    running = Running(collector, timeout="100ms")
    sink = running.telemetry.sink("shop", "api")
    sink.span(span())
    until(lambda: running.telemetry.queue.dropped["spans"] == 1)
    running.telemetry.close()()
    assert not running.telemetry.queue._thread.is_alive()


def test_requests_can_be_compressed(collector: Collector) -> None:
    with Running(collector, compression="gzip") as sink:
        sink.span(span())
    assert collector.headers[0]["Content-Encoding"] == "gzip"
    assert len(collector.spans) == 1


def test_closing_can_be_repeated_and_what_comes_after_is_dropped(collector: Collector) -> None:
    running = Running(collector)
    sink = running.telemetry.sink("shop", "api")
    for _ in range(2):
        running.telemetry.close()()
    sink.span(span())
    assert running.telemetry.queue.dropped["spans"] == 1


def test_the_variables_of_opentelemetry_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:1/in",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x,a=b",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_RESOURCE_ATTRIBUTES": "region=north,service.name=other",
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_BSP_MAX_QUEUE_SIZE": "100",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "500",
        "OTEL_BSP_SCHEDULE_DELAY": "1500",
    }.items():
        monkeypatch.setenv(name, text)
    config = OtlpConfig.from_table({"type": "otlp"})
    assert dict(config.urls) == {
        "traces": "http://collector:4318/v1/traces",
        "metrics": "http://collector:4318/v1/metrics",
        "logs": "http://logs:1/in",
    }
    assert dict(config.headers) == {"authorization": "Bearer x", "a": "b"}
    assert dict(config.resource) == {"region": "north", "service.name": "mine"}
    assert (config.timeout, config.gzip) == (2.5, True)
    assert (config.batching.most, config.batching.batch, config.batching.delay) == (100, 100, 1.5)
    table = {"endpoint": "https://here/base", "compression": "none", "resource": {"region": "x"}}
    own = OtlpConfig.from_table({**table, "headers": {"a": "c"}, "timeout": "1s"})
    assert dict(own.urls)["logs"] == "https://here/base/v1/logs"
    assert (dict(own.headers)["a"], own.gzip, own.timeout) == ("c", False, 1.0)
    assert dict(own.resource)["region"] == "x"


def test_options_are_checked() -> None:
    read = OtlpConfig.from_table
    assert dict(read({}).urls)["traces"] == "http://localhost:4318/v1/traces"
    assert read({"certificate": "ca.pem"}, Path("/etc")).certificate == "/etc/ca.pem"
    for table, key in (
        ({"endpoint": "collector:4317"}, "endpoint"),
        ({"endpoint": "http://user:pw@collector"}, "endpoint"),
        ({"compression": "zip"}, "compression"),
        ({"queue": 0}, "queue"),
        ({"delay": "soon"}, "delay"),
        ({"headers": "a=b"}, "headers"),
        ({"protocol": "grpc"}, "protocol"),
    ):
        with pytest.raises(OptionError) as raised:
            read(table)
        assert raised.value.key == key


def test_nothing_is_sent_without_a_reason(collector: Collector) -> None:
    with Running(collector, delay="1ms"):
        logging.getLogger("paddock.guest").info("not ours")
    assert collector.paths == []
