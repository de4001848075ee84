"""Telemetry in the host's log."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from paddock.capabilities import telemetry as t
from paddock.providers.options import OptionError
from paddock.providers.telemetry.log import LogConfig, LogTelemetry

CONTEXT = t.SpanContext("a" * 32, "b" * 16, sampled=True)


@pytest.fixture
def sink(caplog: pytest.LogCaptureFixture) -> object:
    caplog.set_level(1, "paddock.telemetry")
    opened = LogTelemetry.open(LogConfig(), application="", name="telemetry", state_dir=Path())
    opened.close()
    return opened.sink("shop", "api")


def test_a_span_is_one_line_of_json(
    sink: t.TelemetrySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.span(t.Span(CONTEXT, "", "server", "evil\nERROR forged \x1b[31m", 1, 2, {"a": b"\x00"}))
    (record,) = caplog.records
    text = record.getMessage()
    assert text.startswith("span {")
    assert text.isprintable()
    found = json.loads(text.removeprefix("span "))
    assert (found["name"], found["start"]) == ("evil\nERROR forged \x1b[31m", 1)
    assert (record.application, record.component) == ("shop", "api")  # type: ignore[attr-defined]


def test_a_metric_is_a_line(sink: t.TelemetrySink, caplog: pytest.LogCaptureFixture) -> None:
    metric = t.Metric("m", "", "1", "gauge", [t.Point({}, 1.5)], 0, 4)
    sink.metrics(t.Metrics(t.Resource(), [(t.Scope(), [metric, metric])]))
    assert [each.getMessage()[:8] for each in caplog.records] == ["metric {"] * 2


@pytest.mark.parametrize(
    ("severity", "level"),
    [(0, 20), (1, 5), (5, 10), (9, 20), (13, 30), (17, 40), (21, 50), (24, 50)],
)
def test_a_log_record_has_its_level(
    sink: t.TelemetrySink, caplog: pytest.LogCaptureFixture, severity: int, level: int
) -> None:
    sink.log(t.LogRecord(1, 2, severity, "", "text", {}))
    assert [each.levelno for each in caplog.records] == [level]


def test_a_line_is_bounded(sink: t.TelemetrySink, caplog: pytest.LogCaptureFixture) -> None:
    sink.log(t.LogRecord(1, 2, 9, "", "x" * 1_000_000, {}))
    assert len(caplog.records[0].getMessage()) < 9000


def test_the_logger_can_be_chosen() -> None:
    assert LogConfig.from_table({"logger": "mine"}) == LogConfig("mine")
    assert LogConfig.from_table({}) == LogConfig()
    with pytest.raises(OptionError, match="has no option"):
        LogConfig.from_table({"level": "x"})
    assert logging.getLogger("mine").name == "mine"
