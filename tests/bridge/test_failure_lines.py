"""Lines about failing host calls: told at once, and never as many as a guest likes."""

from __future__ import annotations

import pytest

from paddock import _bridge
from paddock.errors import Unavailable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(_bridge.time, "monotonic", lambda: now[0])
    return now


def fail(times: int, where: str = "app/component: store.get") -> None:
    for number in range(times):
        _bridge.log_failure(where, Unavailable(f"away {number}"), True)


def test_a_flood_of_failures_is_cut_and_counted(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    fail(1000)
    assert caplog.messages == [f"app/component: store.get: away {n}" for n in range(10)]
    caplog.clear()
    clock[0] += 1.0
    fail(1)
    assert caplog.messages == [
        "app/component: store.get: 990 more failures came too fast to be logged",
        "app/component: store.get: away 0",
    ]


def test_failures_at_an_easy_pace_are_all_told(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        fail(1)
        clock[0] += 0.2
    assert caplog.messages == ["app/component: store.get: away 0"] * 50


def test_a_place_that_floods_hides_no_other(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    fail(1000)
    fail(1, "app/other: store.get")
    assert caplog.messages[-1] == "app/other: store.get: away 0"
