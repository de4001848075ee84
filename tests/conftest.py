"""What holds for every test; first of all: in CI a test that skips has failed.

A missing compiler or service skips on a laptop; in CI (CI=true) that would hide
the absence. What a conformance suite leaves out because a provider declares so
is no absence.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from paddock import _bridge

#: The real servers, started at their first use.
pytest_plugins = ["tests.services.fixtures"]

IN_CI = os.environ.get("CI") == "true"
DECLARED = "the provider does not declare"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "large: builds and compiles guests of tens of megabytes")


@pytest.fixture(autouse=True)
def own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of one test leave those of the next their place."""
    monkeypatch.setattr(_bridge, "_FAILURES", _bridge.Pace())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not IN_CI or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if DECLARED not in reason:
        report.outcome = "failed"
        report.longrepr = f"a test may not skip in CI: {reason}"
