"""How triggers end, and what of theirs must not end: nothing waits longer than it has to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from paddock.errors import BadName, CapabilityError, Exhausted, TooLarge, Unavailable
from paddock.host.triggers import PreparedTrigger, Triggers
from paddock.manifest.model import Trigger as Table
from paddock.providers.messaging.in_process import InProcessMessaging
from paddock.providers.options import Options
from paddock.triggers.message import MessageTrigger
from paddock.triggers.policy import Policy
from paddock.triggers.runner import Runner
from paddock.triggers.source import Call, Context, Event, Trigger
from paddock.types import Err, resolve

LATER = Policy(concurrency=1, attempts=3, backoff=3600.0)
QUICK = Policy(concurrency=1, attempts=2, backoff=0.001)
EXPORTS = ("wasmcloud:messaging/handler@0.2.0",)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def succeed(call: Call) -> None:
    del call


async def fail(call: Call) -> None:
    raise Err("no")


class Once(Trigger):
    """Gives some events, then waits for nothing; knows no stop."""

    def __init__(self, *events: Event) -> None:
        self.given = list(events)
        self.closed = 0

    async def events(self) -> AsyncIterator[Event]:
        while self.given:
            yield self.given.pop(0)
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed += 1


async def test_an_event_that_waits_for_its_next_attempt_does_not_hold_up_the_end(
    tmp_path: Path,
) -> None:
    running = Runner("t", Once(Event("tick", Call("x"))), LATER, tmp_path)
    running.start(fail)
    await until(lambda: running.counters.retried)
    async with asyncio.timeout(10):
        assert await running.stop(3600) == 0
    line = json.loads((tmp_path / "dead-letters.jsonl").read_text())
    assert "the host stopped" in line["reason"]


async def test_a_source_that_knows_no_stop_does_not_hold_up_the_end(tmp_path: Path) -> None:
    source = Once(Event("tick", Call("x")))
    running = Runner("t", source, QUICK, tmp_path)
    running.start(succeed)
    await until(lambda: running.counters.handled)
    async with asyncio.timeout(10):
        assert await running.stop(3600) == 0
    assert source.closed == 1


async def test_a_source_that_is_away_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paddock.triggers.runner.AGAIN", 3600.0)
    asked = 0

    class Away(Once):
        async def events(self) -> AsyncIterator[Event]:
            nonlocal asked
            asked += 1
            raise Unavailable("away")
            yield

        async def stop(self) -> None: ...

    running = Runner("t", Away(), QUICK, tmp_path)
    running.start(succeed)
    await until(lambda: asked)
    async with asyncio.timeout(10):
        assert await running.stop(3600) == 0


async def test_an_event_with_a_million_attempts_still_has_a_pause() -> None:
    policy = Policy(backoff=1.0, longest=60.0)
    assert 45 <= policy.delay(1_000_000) <= 60


async def test_a_dead_letter_that_nobody_takes_is_given_back(tmp_path: Path) -> None:
    class Full(Event):
        returns = True
        settled: list[str]

        async def dead_letter(self, reason: str) -> bool:
            raise Exhausted("the stream is full")

        async def nack(self, delay: float) -> None:
            self.settled.append("nack")

        async def ack(self) -> None:
            self.settled.append("ack")

    event = Full("poison", Call("x"))
    event.attempt, event.settled = 2, []
    running = Runner("t", Once(event), QUICK, tmp_path)
    running.start(fail)
    await until(lambda: event.settled)
    await running.stop(10)
    assert event.settled == ["nack"]
    assert running.counters.dead == 0


async def test_a_dead_letter_that_the_source_can_never_take_is_written_down(tmp_path: Path) -> None:
    class Narrow(Event):
        returns = True
        settled: list[str]

        async def dead_letter(self, reason: str) -> bool:
            raise TooLarge("with its headers it is too large")

        async def nack(self, delay: float) -> None:
            self.settled.append("nack")

        async def ack(self) -> None:
            self.settled.append("ack")

    event = Narrow("poison", Call("x"))
    event.attempt, event.settled = 2, []
    running = Runner("t", Once(event), QUICK, tmp_path)
    running.start(fail)
    await until(lambda: event.settled)
    await running.stop(10)
    assert event.settled == ["ack"]
    assert "too large" in json.loads((tmp_path / "dead-letters.jsonl").read_text())["reason"]


def in_process(folder: Path) -> Runner:
    config = InProcessMessaging.Config.from_table({}, None)
    broker = InProcessMessaging.open(config, application="a", name="default", state_dir=folder)
    context = Context("app", "c", "t", EXPORTS, folder, folder, 1, broker)
    table = Options({"subject": "orders"}, "a trigger")
    return Runner("t", MessageTrigger(context, table), QUICK, folder)


async def publish(running: Runner, *bodies: bytes) -> None:
    from paddock.capabilities.messaging import Message

    for body in bodies:
        broker = running.trigger._broker  # type: ignore[attr-defined]
        await resolve(broker.publish(Message("orders", body)))


async def test_a_message_of_which_no_call_can_be_made_is_put_aside(tmp_path: Path) -> None:
    running = in_process(tmp_path)
    whole = running.trigger.call

    def call(event: Event) -> Call:
        if event.message.body == b"odd":  # type: ignore[attr-defined]
            raise BadName("it has no topic")
        return whole(event)

    running.trigger.call = call  # type: ignore[method-assign]
    await running.subscribe()
    running.start(succeed)
    await publish(running, b"odd", b"good", b"odd", b"good")
    await until(lambda: running.counters.dead == 2 and running.counters.handled == 2)
    await running.stop(10)


async def test_a_subscription_that_ends_by_itself_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paddock.triggers.runner.AGAIN", 0.001)
    running = in_process(tmp_path)
    broker = running.trigger._broker  # type: ignore[attr-defined]
    whole, refusals = broker.subscribe, 0

    async def subscribe(subscription: object) -> object:
        nonlocal refusals
        if 0 < refusals < 3:
            refusals += 1
            raise CapabilityError("the server refuses it")
        refusals += 1
        return await resolve(whole(subscription))

    broker.subscribe = subscribe
    await running.subscribe()
    running.start(succeed)
    # As a provider does whose server is away at first and then refuses.
    await running.trigger._deliveries.drain()  # type: ignore[attr-defined]
    await until(lambda: refusals == 4)
    await publish(running, b"late")
    await until(lambda: running.counters.handled == 1)
    await running.stop(10)


async def test_a_host_that_stops_waits_for_triggers_that_were_left_out(tmp_path: Path) -> None:
    going = asyncio.Event()

    async def invoke(*what: object) -> None:
        await going.wait()

    triggers = Triggers(invoke)
    runner = Runner("a/t", Once(Event("tick", Call("x"))), QUICK, tmp_path)
    triggers.commit([PreparedTrigger("a", Table("tick", "t", "c"), 1, None, runner)])
    await until(lambda: runner.counters.running)
    triggers.commit([])
    stopping = asyncio.create_task(triggers.stop(10))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not stopping.done()
    going.set()
    assert await stopping == 0
    assert runner.counters.handled == 1
