"""Redis, channels and streams: the shipped suite on the real server, and what each promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.services.redis import RedisServer

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
