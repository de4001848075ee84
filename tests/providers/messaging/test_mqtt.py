"""MQTT: the shipped suite on the real broker, and what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.mosquitto import MosquittoServer

from paddock.providers.messaging.mqtt import MqttConfig, MqttMessaging
from paddock.testing.messaging import MessagingSuite, Requirements


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
