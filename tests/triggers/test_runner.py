"""The runner: acknowledge after success, again later after failure, dead letters at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from paddock.errors import GuestError, HostError, Unavailable
from paddock.triggers.policy import Policy
from paddock.triggers.runner import Runner
from paddock.triggers.source import Call, Event, Trigger
from paddock.types import Err, Variant

QUICK = Policy(concurrency=4, attempts=3, backoff=0.001)


class Queue(Trigger):
    """Gives what was put into it."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.closed = False
        self.asked = 0
        for event in events:
            self.queue.put_nowait(event)

    async def events(self) -> AsyncIterator[Event]:
        while True:
            self.asked += 1
            event = await self.queue.get()
            if event is None:
                return
            yield event

    async def stop(self) -> None:
        self.queue.put_nowait(None)

    async def close(self) -> None:
        self.closed = True


class Told(Event):
    """Remembers how it was settled; brought back by its queue when it is nacked."""

    returns = True

    def __init__(self, name: str, queue: Queue | None = None) -> None:
        super().__init__(name, Call(name))
        self.settled: list[str] = []
        self._queue = queue

    async def ack(self) -> None:
        self.settled.append("ack")

    async def nack(self, delay: float) -> None:
        self.settled.append("nack")
        if self._queue is not None:
            self.attempt += 1
            self.redelivered = True
            self._queue.queue.put_nowait(self)

    async def dead_letter(self, reason: str) -> bool:
        self.settled.append(f"dead: {reason}")
        return True


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def runner(trigger: Trigger, state: Path, policy: Policy = QUICK) -> Runner:
    return Runner("app/test", trigger, policy, state)


async def succeed(call: Call) -> None:
    del call


async def test_an_event_is_acknowledged_after_its_handler_and_not_before(tmp_path: Path) -> None:
    event, going = Told("a"), asyncio.Event()
    running = runner(Queue([event]), tmp_path)

    async def wait(call: Call) -> None:
        assert call.export == "a"
        await going.wait()

    running.start(wait)
    await until(lambda: running.counters.running)
    assert event.settled == []
    going.set()
    await until(lambda: event.settled)
    assert event.settled == ["ack"]
    assert await running.stop(5) == 0
    assert running.counters.handled == 1


@pytest.mark.parametrize(
    "failure",
    [Err("no"), GuestError("it trapped"), Err(None), ValueError("nobody thought of this")],
    ids=["err", "trap", "empty", "fault"],
)
async def test_one_that_fails_is_tried_again_and_then_dead(
    tmp_path: Path, failure: Exception
) -> None:
    queue = Queue()
    event = Told("poison", queue)
    queue.queue.put_nowait(event)

    async def fail(call: Call) -> None:
        raise failure

    running = runner(queue, tmp_path)
    running.start(fail)
    await until(lambda: running.counters.dead)
    assert event.settled[:2] == ["nack", "nack"]
    assert event.settled[2].startswith("dead: ")
    assert running.counters.redelivered == 2
    await running.stop(5)


async def test_a_handler_may_say_that_no_other_attempt_is_worth_it(tmp_path: Path) -> None:
    queue = Queue()
    event = Told("bad", queue)
    queue.queue.put_nowait(event)

    async def reject(call: Call) -> None:
        raise Err(Variant("reject"))

    running = runner(queue, tmp_path)
    running.start(reject)
    await until(lambda: running.counters.dead)
    assert [settled[:4] for settled in event.settled] == ["dead"]
    await running.stop(5)


async def test_a_poisoned_event_does_not_hold_up_the_others(tmp_path: Path) -> None:
    queue = Queue()
    others = [Told(f"good {number}") for number in range(20)]
    for event in (Told("poison", queue), *others):
        queue.queue.put_nowait(event)

    async def handle(call: Call) -> None:
        if call.export == "poison":
            raise Err("poison")

    running = runner(queue, tmp_path)
    running.start(handle)
    await until(lambda: running.counters.dead == 1 and running.counters.handled == 20)
    assert all(event.settled == ["ack"] for event in others)
    await running.stop(5)


async def test_no_more_events_are_taken_than_are_handled_at_once(tmp_path: Path) -> None:
    queue, going = Queue([Told(str(number)) for number in range(10)]), asyncio.Event()
    most = 0

    async def wait(call: Call) -> None:
        nonlocal most
        most = max(most, running.counters.running)
        await going.wait()

    running = runner(queue, tmp_path, Policy(concurrency=2))
    running.start(wait)
    await until(lambda: running.counters.running == 2)
    for _ in range(100):
        await asyncio.sleep(0)
    assert queue.asked == 2
    assert queue.queue.qsize() == 8
    going.set()
    await until(lambda: running.counters.handled == 10)
    assert most == 2
    await running.stop(5)


async def test_an_event_whose_source_keeps_nothing_is_tried_here_and_then_written_down(
    tmp_path: Path,
) -> None:
    tries = 0

    async def fail(call: Call) -> None:
        nonlocal tries
        tries += 1
        raise Err("never")

    running = runner(Queue([Event("tick", Call("x"))]), tmp_path)
    running.start(fail)
    await until(lambda: running.counters.dead)
    assert tries == 3
    line = json.loads((tmp_path / "dead-letters.jsonl").read_text())
    assert line["event"] == "tick"
    assert line["attempts"] == 3
    assert "never" in line["reason"]
    await running.stop(5)


async def test_a_host_at_its_limit_costs_the_event_no_attempt(tmp_path: Path) -> None:
    queue = Queue()
    event = Event("tick", Call("x"))
    queue.queue.put_nowait(event)
    refusals = 10

    async def handle(call: Call) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise HostError("at its limit of instances")

    running = runner(queue, tmp_path)
    running.start(handle)
    await until(lambda: running.counters.handled)
    assert event.attempt == 1
    await running.stop(5)


async def test_a_source_that_fails_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paddock.triggers.runner.AGAIN", 0.001)

    class Flaky(Queue):
        failures = 3

        async def events(self) -> AsyncIterator[Event]:
            if self.failures:
                self.failures -= 1
                raise Unavailable("the broker is away")
            async for event in super().events():
                yield event

    event = Told("a")
    running = runner(Flaky([event]), tmp_path)
    running.start(succeed)
    await until(lambda: event.settled)
    await running.stop(5)


async def test_stopping_lets_what_is_in_hand_end_and_closes_the_source(tmp_path: Path) -> None:
    event, going = Told("slow"), asyncio.Event()
    queue = Queue([event])
    running = runner(queue, tmp_path)

    async def wait(call: Call) -> None:
        await going.wait()

    running.start(wait)
    await until(lambda: running.counters.running)
    stopping = asyncio.create_task(running.stop(10))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not stopping.done()
    going.set()
    assert await stopping == 0
    assert event.settled == ["ack"]
    assert queue.closed


async def test_what_takes_longer_than_the_stop_allows_is_cut_off_and_not_acknowledged(
    tmp_path: Path,
) -> None:
    event = Told("stuck")
    running = runner(Queue([event]), tmp_path)

    async def wait(call: Call) -> None:
        await asyncio.Event().wait()

    running.start(wait)
    await until(lambda: running.counters.running)
    assert await running.stop(0.01) == 1
    assert event.settled == []


class Leased(Told):
    """Counts how often its lease was extended."""

    lease = 0.01
    extended = 0

    async def extend(self) -> None:
        self.extended += 1


async def test_the_lease_of_an_event_is_extended_while_its_handler_works(tmp_path: Path) -> None:
    event, going = Leased("a"), asyncio.Event()
    running = runner(Queue([event]), tmp_path)

    async def wait(call: Call) -> None:
        await going.wait()

    running.start(wait)
    await until(lambda: event.extended >= 3)
    going.set()
    await until(lambda: event.settled)
    await running.stop(5)


async def test_a_lease_that_was_extended_is_left_alone_once_its_handler_ended(
    tmp_path: Path,
) -> None:
    short, long = Leased("short"), Leased("long")
    going = {"short": asyncio.Event(), "long": asyncio.Event()}
    running = runner(Queue([short, long]), tmp_path)

    async def wait(call: Call) -> None:
        await going[call.export].wait()

    running.start(wait)
    await until(lambda: short.extended >= 2)
    going["short"].set()
    await until(lambda: short.settled)
    before, also = short.extended, long.extended
    # The other one is the clock.
    await until(lambda: long.extended >= also + 5)
    assert short.extended == before
    going["long"].set()
    await until(lambda: long.settled)
    await running.stop(5)
