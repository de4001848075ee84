"""What a host counts, in both formats, and its way to a real collector's protocol."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tests.services.collector import Collector

from paddock.errors import ManifestError
from paddock.host.host import Host
from paddock.host.metrics import Series, exported, exposition, gathered
from paddock.host.metrics_export import MetricsExport, wanted
from paddock.manifest.hostconfig import HostConfig, ProviderConfig, read_host_config

START, NOW = 1_700_000_000.0, 1_700_000_060.0


pytestmark = pytest.mark.usefixtures("no_otel_variables")


class Counting:
    """A host of which only the status is asked."""

    def status(self) -> dict[str, object]:
        trigger = {
            "id": 'a"\\\n',
            "type": "cron",
            "component": "job",
            "connected": True,
            "waiting": None,
            "received": 12_345_678,
            "handled": 3,
            "failed": 2,
            "retried": 1,
            "redelivered": 4,
            "dead": 5,
            "seconds": 0.25,
            "running": 6,
        }
        return {
            "generation": 7,
            "server": {"connections": 8, "active": 9, "tasks": 10},
            "applications": [{"name": "shop", "triggers": [trigger]}],
        }


def series() -> list[Series]:
    return gathered(cast("Host", Counting()))


def test_prometheus_gets_every_digit_and_the_names_of_its_own() -> None:
    lines = exposition(series()).splitlines()
    labels = r'{application="shop",trigger="a\"\\\n",type="cron",component="job"}'
    for line in (
        "paddock_generation 7",
        "paddock_http_connections 8",
        "paddock_http_active_connections 9",
        "paddock_host_calls 10",
        "# TYPE paddock_trigger_events_total counter",
        f"paddock_trigger_events_total{labels} 12345678",
        f"paddock_trigger_handling_seconds_total{labels} 0.25",
        f"paddock_trigger_connected{labels} 1",
        "# TYPE paddock_trigger_lag gauge",
    ):
        assert line in lines
    # What is not known has no sample.
    assert not any(line.startswith("paddock_trigger_lag{") for line in lines)


def test_both_formats_have_the_same_instruments_and_values() -> None:
    metrics = exported(series(), START, NOW)
    ((scope, found),) = metrics.scopes
    assert scope.name == "paddock.host"
    by_name = {metric.name: metric for metric in found}
    handling = by_name["paddock.trigger.handling"]
    assert (handling.shape, handling.monotonic, handling.unit) == ("sum", True, "s")
    assert (handling.start, handling.time) == (round(START * 1e9), round(NOW * 1e9))
    assert by_name["paddock.trigger.running"].shape == "gauge"
    assert "paddock.trigger.lag" not in by_name
    samples = {
        (each.instrument.prometheus, value) for each in series() for _, value in each.samples
    }
    text = exposition(series())
    assert len(samples) == sum(len(metric.points) for metric in found)
    assert all(f"{name} " in text or f"{name}{{" in text for name, _ in samples)
    assert {point.value for metric in found for point in metric.points} == {
        value for _, value in samples
    }


def configured(collector: Collector, **options: object) -> HostConfig:
    table = {"endpoint": collector.url, "delay": "20ms", "interval": "100ms", **options}
    return HostConfig(metrics=ProviderConfig("otlp", cast("Any", table)))


async def until(condition: Callable[[], object]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    return found


def making() -> MetricsExport:
    return MetricsExport(lambda: exported(series(), START, time.time()))


async def test_metrics_come_again_and_again_and_say_whose_they_are(
    collector: Collector, tmp_path: Path
) -> None:
    export = making()
    await export.follow(configured(collector, resource={"host.name": "box"}), tmp_path)
    await until(lambda: len(collector.metrics) >= 3)
    await export.close()
    (resource,) = collector.metrics[0].resource_metrics
    names = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert names.keys() == {
        "service.name", "service.version", "service.instance.id", "host.name",
    }  # fmt: skip
    assert names["service.name"] == "paddock"
    ((scope),) = resource.scope_metrics
    found = {metric.name: metric for metric in scope.metrics}
    events = found["paddock.trigger.events"].sum
    assert events.is_monotonic and events.aggregation_temporality == 2
    (point,) = events.data_points
    assert (point.as_int, point.start_time_unix_nano) == (12_345_678, round(START * 1e9))
    labels = {each.key: each.value.string_value for each in point.attributes}
    assert labels["application"] == "shop" and labels["type"] == "cron"
    assert found["paddock.generation"].gauge.data_points[0].as_int == 7
    assert found["paddock.trigger.handling"].sum.data_points[0].as_double == 0.25


async def test_the_end_sends_what_was_counted_last(collector: Collector, tmp_path: Path) -> None:
    export = making()
    await export.follow(configured(collector, interval="1h"), tmp_path)
    assert collector.metrics == []
    await export.close()
    assert len(collector.metrics) == 1
    await export.close()
    assert len(collector.metrics) == 1


async def test_a_collector_that_is_away_disturbs_nobody_and_is_told_of_once_in_a_while(
    collector: Collector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answers += [500] * 1000
    export = making()
    with caplog.at_level(logging.WARNING, "paddock"):
        await export.follow(configured(collector, interval="100ms"), tmp_path)
        await until(lambda: len(collector.paths) >= 5)
        collector.answers.clear()
        await until(lambda: collector.metrics)
        await export.close()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert "telemetry is lost" in lines[0] and "500" in lines[0]


async def test_what_can_not_be_gathered_is_told_of_once(
    collector: Collector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    def broken() -> Any:
        asked.append(1)
        raise RuntimeError("flaw")

    export = MetricsExport(broken)
    await export.follow(configured(collector), tmp_path)
    await until(lambda: len(asked) >= 3)
    await export.close()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == [
        "metrics of the host can't be exported; this is said once"
    ]


async def test_an_exchanged_table_is_followed_and_the_same_one_goes_on(
    collector: Collector, tmp_path: Path
) -> None:
    export = making()
    with Collector() as other:
        await export.follow(configured(collector), tmp_path)
        await until(lambda: collector.metrics)
        await export.follow(configured(collector), tmp_path)
        await export.follow(configured(other), tmp_path)
        await until(lambda: other.metrics)
        before = len(collector.metrics)
        await export.follow(HostConfig(), tmp_path)
        after = len(other.metrics)
        await asyncio.sleep(0.3)
        assert (len(collector.metrics), len(other.metrics)) == (before, after)
        instances = {
            attribute.value.string_value
            for request in collector.metrics
            for resource in request.resource_metrics
            for attribute in resource.resource.attributes
            if attribute.key == "service.instance.id"
        }
        assert len(instances) == 1


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, "http://a:4318/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a/m"}, "http://a/m"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/t"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_METRICS_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
    ],
)
def test_the_environment_asks_as_opentelemetry_says(
    variables: dict[str, str], url: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1500")
    found = wanted(HostConfig(), tmp_path)
    if url is None:
        assert found is None
    else:
        assert found is not None and found.interval == 1.5
        assert dict(cast("Any", found.key.config).urls)["metrics"] == url


def test_an_environment_that_can_not_be_used_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")
    assert wanted(HostConfig(), tmp_path) is None
    assert "not the URL of a collector" in caplog.text


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('type = "otlp"\nintervall = "5s"', "intervall"),
        ('type = "otlp"\ninterval = "soon"', "`interval`"),
        ('type = "otlp"\ninterval = "1ms"', "`interval` must be at least"),
        ('type = "otlp"\nendpoint = "nowhere"', "not the URL"),
        ('type = "carrier-pigeon"', "carrier-pigeon"),
    ],
)
def test_a_table_that_can_not_be_used_is_refused(table: str, words: str, tmp_path: Path) -> None:
    configuration = read_host_config(f"[metrics]\n{table}\n".encode(), tmp_path / "host.toml")
    with pytest.raises(ManifestError, match=words):
        wanted(configuration, tmp_path)
