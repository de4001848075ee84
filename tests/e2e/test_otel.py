"""Telemetry of a guest, from its imports to a collector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import configuration, routed, write
from tests.services.collector import Collector

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def manifest(directory: Path) -> Path:
    return write(directory, routed("otel", GUESTS / "rust/otel/otel.wasm"))


@pytest.fixture(scope="module")
def host(module_up, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("otel")
    table = f'[telemetry]\ntype = "otlp"\nendpoint = "{collector.url}"\ndelay = "20ms"\n'
    return module_up(manifest(directory), "--config", configuration(directory, table))


def test_the_outer_span_is_the_one_that_the_client_named(host: Running) -> None:
    assert host.get("/outer", headers=TRACEPARENT).text == f"{TRACE}\n{SPAN}\nsampled\nremote\n"
    assert host.get("/outer").text == f"{'0' * 32}\n{'0' * 16}\n-\nlocal\n"


def test_a_span_reaches_the_collector(host: Running, collector: Collector) -> None:
    query = {
        "name": "from the guest", "kind": "server", "status": "it broke",
        "a": ["n=5", "s=text"], "event": "moment", "link": "1",
    }  # fmt: skip
    answer = host.get("/span", params=query, headers=TRACEPARENT)
    assert answer.status_code == 200
    trace, span = answer.text.split()[:2]

    def arrived():
        for request in collector.traces:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for each in scope.spans:
                        if each.name == "from the guest":
                            return resource, scope, each
        return None

    resource, scope, found = wait_for("the span", arrived)
    assert (found.trace_id.hex(), found.span_id.hex()) == (trace, span)
    assert (trace, found.parent_span_id.hex()) == (TRACE, SPAN)
    assert (found.kind, found.status.code, found.status.message) == (2, 2, "it broke")
    attributes = {each.key: each.value for each in found.attributes}
    assert (attributes["n"].int_value, attributes["s"].string_value) == (5, "text")
    assert [each.name for each in found.events] == ["moment"]
    assert len(found.links) == 1
    assert (scope.scope.name, scope.scope.version) == ("guest", "1.0")
    names = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert names == {
        "service.name": "test", "paddock.application": "test", "paddock.component": "otel",
    }  # fmt: skip


def test_spans_of_a_tree_keep_their_parents(host: Running, collector: Collector) -> None:
    lines = host.get("/tree", headers=TRACEPARENT).text.splitlines()
    ids = {name: span for span, name in (line.split() for line in lines)}

    def arrived():
        found = {each.span_id.hex(): each for each in collector.spans}
        return found if set(ids.values()) <= set(found) else None

    found = wait_for("three spans", arrived)
    parents = {name: found[span].parent_span_id.hex() for name, span in ids.items()}
    assert parents == {
        "innermost": ids["middle"], "middle": ids["outermost"], "outermost": SPAN,
    }  # fmt: skip


def test_a_log_record_reaches_the_collector(host: Running, collector: Collector) -> None:
    query = {"body": "all is well", "severity": "13", "text": "WARN", "event": "e", "a": "n=1.5"}
    assert host.get("/log", params=query, headers=TRACEPARENT).text == "logged\n"
    request = wait_for("the record", lambda: collector.logs and collector.logs[0])
    (resource,) = request.resource_logs
    (record,) = resource.scope_logs[0].log_records
    assert record.body.string_value == "all is well"
    assert (record.severity_number, record.severity_text, record.event_name) == (13, "WARN", "e")
    assert record.trace_id.hex() == TRACE
    assert record.attributes[0].value.double_value == 1.5
    names = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (names["service.name"], names["paddock.component"]) == ("guest", "otel")


@pytest.mark.parametrize(
    ("route", "field", "value"),
    [
        ("/count?name=counted&n=7", "sum", 7),
        ("/gauge?name=gauged&value=1.5", "gauge", 1.5),
        ("/histogram?name=measured", "histogram", 3),
    ],
)
def test_a_metric_reaches_the_collector(
    host: Running, collector: Collector, route: str, field: str, value: float
) -> None:
    assert host.get(route).text == "exported\n"
    name = route.partition("name=")[2].partition("&")[0]

    def arrived():
        for request in collector.metrics:
            for metric in request.resource_metrics[0].scope_metrics[0].metrics:
                if metric.name == name:
                    return metric
        return None

    (point,) = getattr(wait_for(name, arrived), field).data_points
    if field == "histogram":
        assert (point.count, [*point.bucket_counts], [*point.explicit_bounds]) == (
            3, [1, 1, 1], [2.0, 10.0],
        )  # fmt: skip
    else:
        assert value in (point.as_int, point.as_double)


def test_telemetry_in_the_log(up, tmp_path: Path) -> None:
    host = up(
        manifest(tmp_path), "--config", configuration(tmp_path, '[telemetry]\ntype = "log"\n')
    )
    host.get("/span?name=in-the-log", headers=TRACEPARENT)
    host.logged(r'span \{.*"name":"in-the-log"')


def test_without_a_table_telemetry_goes_nowhere_and_harms_nobody(up, tmp_path: Path) -> None:
    host = up(manifest(tmp_path))
    for route in ("/span", "/log", "/count", "/outer"):
        assert host.get(route, headers=TRACEPARENT).status_code == 200


def test_a_table_that_can_not_be_used_refuses_the_plan(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[telemetry]\ntype = "otlp"\nendpoint = "nowhere"\n')
    host = up(manifest(tmp_path), "--config", config, wait=False)
    assert host.ended() != 0
    assert "endpoint is not the URL of a collector" in host.log


def test_what_waits_is_sent_when_the_host_ends(up, tmp_path: Path) -> None:
    with Collector() as collector:
        table = f'[telemetry]\ntype = "otlp"\nendpoint = "{collector.url}"\ndelay = "1h"\n'
        host = up(manifest(tmp_path), "--config", configuration(tmp_path, table))
        host.get("/span?name=last", headers=TRACEPARENT)
        host.stop()
        assert [each.name for each in collector.spans] == ["last"]  # type: ignore[attr-defined]


def test_telemetry_is_exchanged_while_the_host_runs(up, tmp_path: Path) -> None:
    with Collector() as one, Collector() as other:
        table = '[telemetry]\ntype = "otlp"\nendpoint = "{}"\ndelay = "20ms"\n'
        config = configuration(tmp_path, table.format(one.url))
        host = up(manifest(tmp_path), "--config", config)
        host.get("/span?name=a", headers=TRACEPARENT)
        wait_for("the first span", lambda: one.spans)
        configuration(tmp_path, table.format(other.url))
        host.apply("--config", config)
        host.get("/span?name=b", headers=TRACEPARENT)
        wait_for("the second span", lambda: other.spans)
        assert len(one.spans) == 1
