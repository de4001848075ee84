"""`[[trigger.cron]]`: a component runs at times given by a cron expression.

    [[trigger.cron]]
    component = "report"
    cron_expression = "0 30 9 * * Mon-Fri"
    time_zone = "Europe/Zurich"

Five fields (minute first), six (second first) or seven (second first, year
last), as Spin's cron trigger has them. A time that the clock skips in spring is
passed over, one that comes twice in autumn is used once.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import ManifestError, PlanError
from paddock.interfaces.handlers import tick_handler
from paddock.triggers.policy import Policy
from paddock.triggers.source import Call, Context, Event, Standing, Trigger

if TYPE_CHECKING:
    from paddock.providers.options import Options

#: A clock that jumps is noticed within so many seconds.
GLANCE = 30.0
FILE = "last.json"


class CronEvent(Event):
    """One time of the schedule; `at` in seconds since 1970."""

    __slots__ = ("_last", "at")

    def __init__(self, at: float, call: Call, last: Path) -> None:
        super().__init__(datetime.fromtimestamp(at, UTC).isoformat(), call)
        self.at = at
        self._last = last

    async def ack(self) -> None:
        """Remember the time, so that it is not caught up."""
        await asyncio.to_thread(_remember, self._last, self.at)


class CronTrigger(Trigger):
    """`cron_expression`, `time_zone` ("UTC"), `jitter` ("0s"), `catch_up` (false).

    `catch_up` runs once for all times that passed while the host was away. One run
    at a time, unless `concurrency` says otherwise.
    """

    policy = Policy(concurrency=1, attempts=3, backoff=5.0, time=600.0)

    def __init__(self, context: Context, options: Options) -> None:
        self._expression = options.required("cron_expression")
        self._zone = _zone(options.text("time_zone", "UTC") or "UTC")
        self._jitter = options.seconds("jitter", 0.0)
        self._catch_up = options.flag("catch_up")
        self._shape = tick_handler(context.exports)
        self._last = context.state / FILE
        self._stopping = asyncio.Event()
        self._next: float | None = None
        self.now: Callable[[], float] = time.time
        self.following(self.now())

    async def events(self) -> AsyncIterator[Event]:
        """Times that have come; those that pass while none is asked for are skipped."""
        if self._catch_up and (missed := await asyncio.to_thread(self._missed)) is not None:
            yield self._event(missed)
        previous = self.now()
        while not self._stopping.is_set():
            self._next = self.following(max(previous, self.now()))
            if self._next is None:
                await self._stopping.wait()
                return
            if not await self._until(self._next + random.uniform(0, self._jitter)):
                return
            previous = self._next
            # While a host is upgraded two processes have this trigger.
            if await asyncio.to_thread(_claimed, self._last.parent, self._next):
                yield self._event(self._next)

    async def stop(self) -> None:
        """No more times."""
        self._stopping.set()

    def standing(self) -> Standing:
        """When it comes next."""
        when = self._next and datetime.fromtimestamp(self._next, UTC).isoformat()
        return Standing(fields={"next": when})

    def _event(self, at: float) -> CronEvent:
        export, arguments = self._shape(int(at))
        return CronEvent(at, Call(export, arguments), self._last)

    async def _until(self, at: float) -> bool:
        """Wait for a time of the wall clock; False when stopped."""
        while (left := at - self.now()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(left, GLANCE))
                return False
        return True

    def following(self, moment: float) -> float | None:
        """The first time after `moment`, both in seconds since 1970; None if there is none."""
        try:
            from croniter import CroniterBadDateError, CroniterError, croniter
        except ImportError as error:
            raise PlanError(
                "the cron trigger needs the package croniter", hint='pip install "paddock[cron]"'
            ) from error

        start = datetime.fromtimestamp(moment, self._zone)
        try:
            times = croniter(
                self._expression, start, second_at_beginning=True, max_years_between_matches=10
            )
            found = times.get_next(datetime)
        except CroniterBadDateError:
            return None
        except (CroniterError, ValueError, KeyError) as error:
            raise PlanError(
                f"cron_expression {self._expression!r} can't be read: {error}",
                hint='write five to seven fields, such as "*/5 * * * *" or "0 0 9 * * Mon-Fri *"',
            ) from error
        return found.timestamp()

    def _missed(self) -> float | None:
        """The last time before now, when it came after the one that was handled last."""
        last = _recall(self._last)
        now = self.now()
        if last is None:
            _remember(self._last, now)
            return None
        found: float | None = None
        upcoming = self.following(last)
        for _ in range(100_000):
            if upcoming is None or upcoming > now:
                break
            found, upcoming = upcoming, self.following(upcoming)
        return found


def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "Z"):
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ManifestError(
            f"time_zone {name!r} is not known",
            hint='use a name of the IANA database, such as "Europe/Zurich"; where the system has '
            "none, install the package tzdata",
        ) from error


def _claimed(state: Path, at: float) -> bool:
    """Whether this process is the first of those with this state to take a time."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{at:.0f}.taken"
    try:
        os.close(os.open(state / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    for old in state.glob("*.taken"):
        if old.name != name:
            old.unlink(missing_ok=True)
    return True


def _recall(path: Path) -> float | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        return float(json.loads(path.read_text(encoding="utf-8"))["last"])
    return None


def _remember(path: Path, at: float) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"last": at}), encoding="utf-8")
    part.replace(path)
