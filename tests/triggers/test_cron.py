"""Cron: expressions of three lengths, time zones, one run at a time, catching up once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paddock.errors import ManifestError, PaddockError, PlanError
from paddock.providers.options import Options
from paddock.triggers.cron import CronTrigger
from paddock.triggers.source import Context

COMMAND = ("wasi:cli/run@0.2.3",)


def cron(tmp_path: Path, exports: Sequence[str] = COMMAND, **options: object) -> CronTrigger:
    table = Options(options, "a cron trigger")
    context = Context("app", "tick", "tick", exports, tmp_path, tmp_path / "state")
    trigger = CronTrigger(context, table)
    table.done()
    return trigger


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("expression", "start", "following"),
    [
        ("30 9 * * *", "2026-03-02T09:00:00+00:00", "2026-03-02T09:30:00+00:00"),
        ("*/10 * * * * *", "2026-03-02T09:00:01+00:00", "2026-03-02T09:00:10+00:00"),
        ("0 0 12 * * Mon *", "2026-03-03T00:00:00+00:00", "2026-03-09T12:00:00+00:00"),
        ("0 0 0 1 1 * 2030", "2026-03-03T00:00:00+00:00", "2030-01-01T00:00:00+00:00"),
    ],
)
def test_expressions_of_five_six_and_seven_fields(
    tmp_path: Path, expression: str, start: str, following: str
) -> None:
    trigger = cron(tmp_path, cron_expression=expression)
    assert trigger.following(at(start)) == at(following)


def test_a_schedule_that_is_over_has_no_next_time(tmp_path: Path) -> None:
    trigger = cron(tmp_path, cron_expression="0 0 0 1 1 * 2030")
    assert trigger.following(at("2030-06-01T00:00:00+00:00")) is None


def test_times_are_those_of_the_time_zone_over_its_changes(tmp_path: Path) -> None:
    trigger = cron(tmp_path, cron_expression="30 9 * * *", time_zone="Europe/Zurich")
    # The night from 28 to 29 March 2026 has an hour less.
    assert trigger.following(at("2026-03-28T12:00:00+00:00")) == at("2026-03-29T07:30:00+00:00")
    assert trigger.following(at("2026-03-27T12:00:00+00:00")) == at("2026-03-28T08:30:00+00:00")


@pytest.mark.parametrize(
    "options",
    [
        {"cron_expression": "every day"},
        {"cron_expression": "61 * * * *"},
        {"cron_expression": ""},
        {"cron_expression": "* * * * *", "time_zone": "Europe/Nowhere"},
        {"cron_expression": "* * * * *", "colour": 1},
    ],
)
def test_mistakes_are_told_when_the_plan_is_made(
    tmp_path: Path, options: dict[str, object]
) -> None:
    with pytest.raises(PaddockError) as caught:
        cron(tmp_path, **options)
    assert isinstance(caught.value, ManifestError | PlanError)


def test_a_component_that_takes_no_ticks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cron"):
        cron(tmp_path, ("wasi:http/incoming-handler@0.2.0",), cron_expression="* * * * *")


async def test_each_time_calls_the_handler_with_its_moment(tmp_path: Path) -> None:
    trigger = cron(tmp_path, ("handle-cron-event",), cron_expression="* * * * * *")
    before = time.time()
    event = await anext(trigger.events())
    assert event.call is not None
    assert event.call.export == "handle-cron-event"
    (metadata,) = event.call.arguments
    assert before - 1 <= getattr(metadata, "timestamp", 0) <= time.time()


async def test_times_that_were_missed_are_caught_up_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    last = datetime(2026, 1, 1, 12, 0, tzinfo=UTC).timestamp()
    (state / "last.json").write_text(json.dumps({"last": last}))
    trigger = cron(tmp_path, cron_expression="0 0 1 1 *", catch_up=True)
    trigger.now = lambda: datetime(2029, 6, 1, tzinfo=UTC).timestamp()
    event = await anext(trigger.events())
    assert event.name == "2029-01-01T00:00:00+00:00"
    await event.ack()
    assert json.loads((state / "last.json").read_text())["last"] == at("2029-01-01T00:00:00+00:00")


async def test_a_first_start_catches_nothing_up(tmp_path: Path) -> None:
    trigger = cron(tmp_path, cron_expression="* * * * * *", catch_up=True)
    began = time.time()
    event = await anext(trigger.events())
    assert at(event.name) >= began - 1


async def test_two_processes_with_one_state_take_a_time_once(tmp_path: Path) -> None:
    one, other = (cron(tmp_path, cron_expression="0 0 1 1 *", catch_up=False) for _ in range(2))
    new_year = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    for trigger in (one, other):
        moments = iter((new_year - 1, new_year - 1, new_year + 1))
        trigger.now = lambda moments=moments: next(moments, new_year + 1)  # type: ignore[misc]
    event = await anext(one.events())
    assert event.name == "2030-01-01T00:00:00+00:00"
    waiting = asyncio.ensure_future(anext(other.events(), None))
    while not other.standing().fields["next"] or "2031" not in str(other.standing().fields["next"]):
        await asyncio.sleep(0.01)
    await other.stop()
    assert await waiting is None
