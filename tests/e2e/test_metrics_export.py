"""A host's own metrics, from its triggers to a collector."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from hosts import GUESTS, Running, wait_for
from manifests import configuration, write
from tests.services.collector import Collector

Start = Callable[..., Running]
CLI = GUESTS / "rust/cli/cli.wasm"
MANIFEST = f"""
[[trigger.http]]
route = "/"
static_response = {{ body = "up" }}
[[trigger.cron]]
id = "tick"
component = "job"
cron_expression = "* * * * * *"
[component.job]
source = "{CLI}"
"""


def table(url: str, **options: str) -> str:
    more = "".join(f'{key} = "{value}"\n' for key, value in options.items())
    return f'[metrics]\ntype = "otlp"\nendpoint = "{url}"\n{more}'


def handled(collector: Collector) -> int:
    """What the last request says of the trigger."""
    counts = [
        point.as_int
        for request in [*collector.metrics]
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "paddock.trigger.handled"
        for point in metric.sum.data_points
    ]
    return counts[-1] if counts else 0


def test_triggers_count_at_the_collector(up: Start, tmp_path: Path, collector: Collector) -> None:
    text = table(collector.url, interval="200ms", delay="20ms")
    host = up(write(tmp_path, MANIFEST), "--config", configuration(tmp_path, text))
    wait_for("two runs", lambda: handled(collector) >= 2)
    assert host.get("/").text == "up"


def test_the_environment_is_enough(up: Start, tmp_path: Path, collector: Collector) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
        "OTEL_SERVICE_NAME": "shop-host",
    }
    host = up(write(tmp_path, MANIFEST), env=env)
    host.signal(signal.SIGTERM)
    assert host.ended() == 0
    # What was counted up to the end.
    (request,) = collector.metrics
    names = {
        each.key: each.value.string_value
        for each in request.resource_metrics[0].resource.attributes
    }
    assert names["service.name"] == "shop-host"


def test_an_apply_takes_it_elsewhere(up: Start, tmp_path: Path, collector: Collector) -> None:
    with Collector() as other:
        file = configuration(tmp_path, table(other.url, interval="200ms", delay="20ms"))
        host = up(write(tmp_path, MANIFEST), "--config", file)
        wait_for("metrics", lambda: other.metrics)
        configuration(tmp_path, table(collector.url, interval="200ms", delay="20ms"))
        host.apply()
        wait_for("metrics elsewhere", lambda: collector.metrics)
        configuration(tmp_path, table("nonsense"))
        refused = host.command("apply")
        assert refused.returncode == 3, refused.stderr
        assert "host.toml:1: OpenTelemetry: endpoint is not the URL" in refused.stderr
        before = len(collector.metrics)
        wait_for("more metrics", lambda: len(collector.metrics) > before)


def test_a_collector_that_is_not_there_disturbs_nothing(up: Start, tmp_path: Path) -> None:
    with Collector() as gone:
        url = gone.url
    text = table(url, interval="100ms", delay="20ms", timeout="200ms")
    host = up(write(tmp_path, MANIFEST), "--config", configuration(tmp_path, text))
    host.logged("telemetry is lost .* can't be reached")
    assert host.get("/").text == "up"
    host.signal(signal.SIGTERM)
    assert host.ended() == 0
    assert host.log.count("telemetry is lost") == 1


def test_a_table_that_can_not_be_used_refuses_the_start(up: Start, tmp_path: Path) -> None:
    file = configuration(tmp_path, '[metrics]\ntype = "otlp"\nurl = "x"\n')
    host = up(write(tmp_path, MANIFEST), "--config", file, wait=False)
    assert host.ended() == 3
    assert "host.toml:1: OpenTelemetry has no option `url`" in host.log
