"""Kafka: the shipped suite on the real broker, and what it promises."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from tests.services.kafka import KafkaServer

from paddock.capabilities.messaging import Message, Subscription
from paddock.errors import Unavailable
from paddock.providers.messaging.kafka import KafkaConfig, KafkaMessaging
from paddock.testing.messaging import MessagingSuite, Requirements
from paddock.types import resolve


@pytest.fixture(autouse=True)
def _server(request: pytest.FixtureRequest, kafka_server: KafkaServer) -> Iterator[None]:
    if request.instance is not None:
        request.instance.server = kafka_server
    yield


def opened(server: KafkaServer, **options: object):
    config = KafkaConfig.from_table({"type": "kafka", "url": f"kafka://{server.url}", **options})
    return KafkaMessaging.open(config, application="app", name="default", state_dir=None)


class TestKafka(MessagingSuite):
    requirements = Requirements(request=False, patience=30.0)
    server: KafkaServer

    def make_broker(self, name: str):
        return opened(self.server)


async def test_partitions_whose_progress_could_not_be_read_are_asked_for_again(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    broker = await resolve(opened(kafka_server))
    inflow = await broker.subscribe(Subscription((f"{name}.>",), name, durable=True))
    real, failures = broker.link.administration, []

    def fails_once():
        if not failures:
            failures.append(Unavailable("away"))
            raise failures[0]
        return real()

    monkeypatch.setattr(broker.link, "administration", fails_once)
    await broker.publish(Message(f"{name}.a", b"x"))
    async with asyncio.timeout(60):
        delivery = await anext(inflow)
    assert failures and delivery.message.body == b"x"
    await delivery.ack()
    await broker.close()
