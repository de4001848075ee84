"""NATS, core and JetStream: the shipped suite on the real server, and what each promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.nats import NatsServer

from paddock.providers.messaging.nats import NatsConfig, NatsMessaging
from paddock.testing.messaging import MessagingSuite, Requirements
from paddock.types import Reply


@pytest.fixture(scope="class", autouse=True)
def _server(request: pytest.FixtureRequest, nats_server: NatsServer) -> Iterator[None]:
    if request.cls is not None:
        request.cls.server = nats_server
    yield


def opened(server: NatsServer, **options: object) -> Reply[object]:
    config = NatsConfig.from_table({"type": "nats", "url": server.url, **options})
    return NatsMessaging.open(config, application="app", name="default", state_dir=None)


class TestCore(MessagingSuite):
    requirements = Requirements(durable=False)
    server: NatsServer

    def make_broker(self, name: str):
        return opened(self.server)


class TestStream(MessagingSuite):
    server: NatsServer

    def make_broker(self, name: str):
        return opened(self.server, stream=name, subjects=[f"{name}.>"], storage="memory")
