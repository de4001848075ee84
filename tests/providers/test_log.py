"""Messages of components reach Python's logging, on one line each."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from paddock.providers.logging.log import LogConfig, LogLogging


def test_a_message_is_one_record_with_its_level_and_origin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = LogLogging.open(LogConfig(), application="app", name="api", state_dir=Path())
    with caplog.at_level(1, logger="paddock.guest"):
        sink.log("trace", "", "fine")
        sink.log("critical", "orders", "bad 100%s")
    first, second = caplog.records
    assert (first.levelno, first.getMessage()) == (5, "fine")
    assert (second.levelno, second.getMessage()) == (logging.CRITICAL, "[orders] bad 100%s")
    assert second.__dict__["component"] == "api"
    assert second.__dict__["application"] == "app"


def test_a_guest_can_neither_forge_a_line_nor_steer_a_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = LogLogging.open(LogConfig(), application="app", name="api", state_dir=Path())
    with caplog.at_level(logging.INFO, logger="paddock.guest"):
        sink.log("info", "a\rb", "one\n2026 INFO forged\x1b[2J\u2028é\t")
    assert caplog.records[0].getMessage() == ("[a\\rb] one\\n2026 INFO forged\\x1b[2J\\u2028é\t")
