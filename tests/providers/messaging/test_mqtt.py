"""MQTT: the shipped suite on the real broker, and what it promises."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.mosquitto import MosquittoServer

from paddock.capabilities.messaging import Message, Subscription
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.mqtt import MqttConfig, MqttMessaging
from paddock.testing.messaging import MessagingSuite, Requirements
from paddock.types import resolve


@pytest.fixture(autouse=True)
def _server(
    request: pytest.FixtureRequest, mosquitto_server: MosquittoServer, tmp_path: Path
) -> Iterator[None]:
    if request.instance is not None:
        request.instance.server = mosquitto_server
        request.instance.state_dir = tmp_path
    yield


def opened(server: MosquittoServer, state_dir: Path, **options: object):
    login = {"url": server.url, "username": server.user, "password": server.password}
    config = MqttConfig.from_table({"type": "mqtt", **login, **options})
    return MqttMessaging.open(config, application="app", name="default", state_dir=state_dir)


class TestMqtt(MessagingSuite):
    requirements = Requirements()
    server: MosquittoServer
    state_dir: Path

    def make_broker(self, name: str):
        return opened(self.server, self.state_dir)


async def test_a_session_goes_to_a_successor_with_what_was_not_acknowledged(
    mosquitto_server: MosquittoServer, tmp_path: Path
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    brokers = [await resolve(opened(mosquitto_server, tmp_path, client_id=name)) for _ in range(2)]
    wanted = Subscription((f"{name}.>",), name, durable=True)
    inflows = [await brokers[0].subscribe(wanted)]
    await brokers[0].publish(Message(f"{name}.a", b"in hand"))
    in_hand = await anext(inflows[0])
    inflows.append(await brokers[1].subscribe(wanted))
    got: list[tuple[bytes, bool]] = []
    complete = asyncio.Event()

    async def consume(inflow: Inflow) -> None:
        async for delivery in inflow:
            got.append((delivery.message.body, delivery.redelivered))
            await delivery.ack()
            if len({body for body, _ in got}) == 21:
                complete.set()

    tasks = [asyncio.create_task(consume(inflow)) for inflow in inflows]
    await in_hand.ack()
    for number in range(20):
        await brokers[0].publish(Message(f"{name}.a", b"%d" % number))
    async with asyncio.timeout(60):
        await complete.wait()
    # Whichever of the two has the session: nothing is lost, nothing comes twice unmarked.
    unmarked = [body for body, marked in got if not marked]
    assert len(unmarked) == len(set(unmarked))
    assert (b"in hand", True) in got
    for broker in brokers:
        await broker.close()
    await asyncio.gather(*tasks)
