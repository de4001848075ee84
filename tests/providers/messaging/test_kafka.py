"""Kafka: the shipped suite on the real broker, and what it promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.kafka import KafkaServer

from paddock.providers.messaging.kafka import KafkaConfig, KafkaMessaging
from paddock.testing.messaging import MessagingSuite, Requirements


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
