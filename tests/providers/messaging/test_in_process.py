"""The in-process broker: the shipped suite, and what only it promises."""

from __future__ import annotations

import asyncio
import threading

import pytest

from paddock.capabilities.messaging import DEAD_LETTERS, Message, Subscription
from paddock.errors import CapabilityError, Exhausted, TooLarge
from paddock.providers.messaging.in_process import (
    DEAD,
    InProcessBroker,
    InProcessConfig,
    InProcessMessaging,
)
from paddock.providers.options import OptionError
from paddock.testing.messaging import MessagingSuite, Requirements


def broker(**options: int) -> InProcessBroker:
    return InProcessBroker(InProcessConfig(**options))


class TestInProcess(MessagingSuite):
    requirements = Requirements(shared=False)

    def make_broker(self, name: str) -> InProcessBroker:
        return broker()


async def test_what_has_no_room_is_refused_by_all_queues_and_nothing_is_dropped() -> None:
    opened = broker(max_messages=3)
    slow = await opened.subscribe(Subscription(("a",), group="slow", durable=True, max_in_flight=1))
    await slow.close()
    fast = await opened.subscribe(Subscription(("a",)))
    for number in range(3):
        opened.publish(Message("a", b"%d" % number))
    with pytest.raises(Exhausted):
        opened.publish(Message("a", b"too many"))
    got = [await anext(fast) for _ in range(3)]
    assert [each.message.body for each in got] == [b"0", b"1", b"2"]
    slow = await opened.subscribe(Subscription(("a",), group="slow", durable=True))
    assert [(await anext(slow)).message.body for _ in range(3)] == [b"0", b"1", b"2"]
    opened.publish(Message("a", b"3"))
    assert (await anext(slow)).message.body == b"3"
    await opened.close()


async def test_bytes_are_bounded_too() -> None:
    opened = broker(max_bytes=10_000)
    inflow = await opened.subscribe(Subscription(("a",), max_in_flight=1))
    opened.publish(Message("a", b"x" * 8000))
    first = await anext(inflow)
    opened.publish(Message("a", b"x" * 8000))
    with pytest.raises(Exhausted):
        opened.publish(Message("a", b"x" * 8000))
    with pytest.raises(TooLarge):
        opened.publish(Message("a", b"x" * 20_000))
    await first.ack()
    await anext(inflow)
    opened.publish(Message("a", b"x" * 8000))
    await opened.close()


async def test_threads_publish_while_a_group_consumes() -> None:
    opened = broker()
    inflows = [await opened.subscribe(Subscription(("n.>",), group="g")) for _ in range(3)]
    got: list[bytes] = []
    complete = asyncio.Event()

    async def consume(inflow: object) -> None:
        async for delivery in inflow:  # type: ignore[attr-defined]
            got.append(delivery.message.body)
            await delivery.ack()
            if len(got) == 4000:
                complete.set()

    tasks = [asyncio.create_task(consume(inflow)) for inflow in inflows]

    def work(thread: int) -> None:
        for number in range(1000):
            opened.publish(Message(f"n.{thread}", b"%d-%d" % (thread, number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.wait_for(complete.wait(), 30)
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(b"%d-%d" % (t, n) for t in range(4) for n in range(1000))
    await opened.close()
    await asyncio.gather(*tasks)


async def test_dead_letters_are_kept_the_oldest_go_first() -> None:
    opened = broker()
    inflow = await opened.subscribe(Subscription(("a",)))
    for number in range(DEAD + 5):
        opened.publish(Message("a", b"%d" % number))
        await (await anext(inflow)).dead_letter("poison")
    dead = await opened.subscribe(
        Subscription((f"{DEAD_LETTERS}.>",), group=DEAD_LETTERS, durable=True)
    )
    assert (await anext(dead)).message.body == b"5"
    await opened.close()


async def test_a_dead_letter_that_fails_again_does_not_come_back_as_another() -> None:
    opened = broker()
    inflow = await opened.subscribe(Subscription((">",)))
    opened.publish(Message("a", b"1"))
    await (await anext(inflow)).dead_letter("first")
    letter = await anext(inflow)
    assert letter.message.subject == f"{DEAD_LETTERS}.a"
    await letter.dead_letter("second")
    opened.publish(Message("b", b"2"))
    assert (await anext(inflow)).message.subject == "b"
    await opened.close()


async def test_a_group_that_is_not_durable_goes_with_its_last_subscription() -> None:
    opened = broker()
    inflow = await opened.subscribe(Subscription(("a",), group="g"))
    await inflow.close()
    opened.publish(Message("a", b"lost"))
    inflow = await opened.subscribe(Subscription(("a",), group="g"))
    opened.publish(Message("a", b"kept"))
    assert (await anext(inflow)).message.body == b"kept"
    await opened.close()


async def test_the_successor_of_a_group_takes_over_before_its_predecessor_ends() -> None:
    opened = broker()
    old = await opened.subscribe(Subscription(("a",), group="g"))
    opened.publish(Message("a", b"1"))
    handed = await anext(old)
    opened.publish(Message("a", b"2"))
    new = await opened.subscribe(Subscription(("a",), group="g"))
    await old.close()
    assert handed.message.body == b"1"
    again = [await anext(new) for _ in range(2)]
    assert {each.message.body: each.redelivered for each in again}[b"1"] is True
    await opened.close()


@pytest.mark.parametrize(
    "subscription",
    [
        {"subjects": ()},
        {"subjects": ("a.>.b",)},
        {"subjects": ("a", "b c")},
        {"subjects": ("a",), "durable": True},
        {"subjects": ("a",), "max_in_flight": 0},
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(subscription: dict[str, object]) -> None:
    with pytest.raises(CapabilityError):
        Subscription(**subscription)  # type: ignore[arg-type]


def test_unknown_options_are_refused() -> None:
    with pytest.raises(OptionError) as error:
        InProcessMessaging.Config.from_table({"type": "in_process", "max_message": 1})
    assert error.value.key == "max_message"
