"""The shipped suite finds the mistakes that it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from paddock.capabilities.messaging import Message, Subscription
from paddock.providers.messaging.held import Held
from paddock.providers.messaging.in_process import InProcessBroker, InProcessConfig
from paddock.providers.messaging.inflow import Inflow
from paddock.testing.messaging import MessagingSuite, Requirements


class Forgetful(InProcessBroker):
    def publish(self, message: Message, /) -> None:
        super().publish(replace(message, headers=()))


class Greedy(InProcessBroker):
    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        return await super().subscribe(replace(subscription, max_in_flight=100))


class Loose(InProcessBroker):
    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        return await super().subscribe(replace(subscription, group=None, durable=False))


class Unmarked(InProcessBroker):
    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        inflow = await super().subscribe(subscription)

        class Silent(Inflow):
            async def __anext__(self) -> Held:
                held = await super().__anext__()
                held.redelivered = False
                return held

        inflow.__class__ = Silent
        return inflow


@pytest.mark.parametrize(
    ("broker", "test"),
    [
        (Forgetful, "test_a_message_arrives_as_it_was_sent"),
        (Greedy, "test_no_more_is_in_hand_than_was_asked_for"),
        (Loose, "test_a_group_shares_the_messages"),
        (Loose, "test_a_durable_group_gets_what_came_while_nobody_was_there"),
        (Unmarked, "test_what_was_refused_comes_again_marked"),
        (Unmarked, "test_what_was_not_acknowledged_comes_again_marked"),
    ],
)
def test_a_faulty_broker_fails(broker: type[InProcessBroker], test: str) -> None:
    class Suite(MessagingSuite):
        requirements = Requirements(patience=1.0)

        def make_broker(self, name: str) -> InProcessBroker:
            return broker(InProcessConfig())

    faulty = Suite()
    faulty.setup_method()
    with pytest.raises((AssertionError, TimeoutError)):
        cast("Callable[[], None]", getattr(faulty, test))()
    faulty.teardown_method()
