"""Redis, channels and streams: the shipped suite on the real server, and what each promises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.services.redis import RedisServer

from paddock.capabilities.messaging import Message, Subscription
from paddock.providers.messaging.redis import RedisConfig, RedisMessaging
from paddock.testing.messaging import MessagingSuite, Requirements


@pytest.fixture(scope="class", autouse=True)
def _server(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[None]:
    if request.cls is not None:
        request.cls.server = redis_server
    yield


def opened(server: RedisServer, **options: object):
    config = RedisConfig.from_table({"type": "redis", "url": server.url, **options})
    return RedisMessaging.open(config, application="app", name="default", state_dir=None)


class TestChannels(MessagingSuite):
    requirements = Requirements(durable=False, groups=False)
    server: RedisServer

    def make_broker(self, name: str):
        return opened(self.server)


class TestRedisStream(MessagingSuite):
    server: RedisServer

    def make_broker(self, name: str):
        return opened(self.server, stream=name)


async def test_attempts_count_on_over_the_end_of_a_subscription(redis_server: RedisServer) -> None:
    broker = await opened(redis_server, stream="attempts-go-on")
    wanted = Subscription(("a",), "g", True)
    first = await broker.subscribe(wanted)
    await broker.publish(Message("a", b"poison"))
    held = await anext(first)
    await held.nack()
    held = await anext(first)
    assert held.attempt == 2
    await first.stop()
    await held.nack()
    second = await broker.subscribe(wanted)
    again = await anext(second)
    assert (again.attempt, again.redelivered) == (3, True)
    await broker.close()


async def test_what_was_fetched_and_not_handed_out_has_cost_no_attempt(
    redis_server: RedisServer,
) -> None:
    broker = await opened(redis_server, stream="fetched-only")
    wanted = Subscription(("a",), "g", True)
    first = await broker.subscribe(wanted)
    await broker.publish(Message("a", b"1"))
    await broker.publish(Message("a", b"2"))
    held = await anext(first)
    async with asyncio.timeout(10):
        while not first.idle():
            await asyncio.sleep(0.01)
    await first.stop()
    await held.ack()
    second = await broker.subscribe(wanted)
    again = await anext(second)
    assert (again.message.body, again.attempt, again.redelivered) == (b"2", 1, False)
    await broker.close()


async def test_what_waits_here_is_not_fetched_again_when_its_lease_is_over(
    redis_server: RedisServer,
) -> None:
    broker = await opened(redis_server, stream="comes-once", lease="1s")
    inflow = await broker.subscribe(Subscription(("a",), "g", True))
    await broker.publish(Message("a", b"1"))

    async def age() -> int:
        command = ("XPENDING", "comes-once", "g", "-", "+", 1)
        found = await broker.link.execute(*command)
        return found[0][2] if found else -1

    async with asyncio.timeout(20):
        while await age() < 900:
            await asyncio.sleep(0.02)
        while await age() >= 900:
            await asyncio.sleep(0.02)
    held = await anext(inflow)
    await held.ack()
    assert (held.attempt, inflow.idle()) == (1, set())
    await broker.close()
