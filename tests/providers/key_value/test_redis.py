"""The Redis store passes the shipped suite on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from tests.services.clients import redis
from tests.services.redis import RedisServer

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import CapabilityError
from paddock.providers.key_value.redis import RedisConfig, RedisKeyValue, RedisStore
from paddock.providers.options import OptionError
from paddock.testing.key_value import KeyValueSuite, Requirements


def opened(
    server: RedisServer, name: str, application: str = "app", **options: object
) -> Coroutine[object, object, RedisStore]:
    config = RedisConfig.from_table({"url": server.url, **options})
    return RedisKeyValue.open(config, application=application, name=name, state_dir=Path())


class TestRedis(KeyValueSuite):
    requirements = Requirements(persistent=True, threads=False, longest_key=4096)
    server: RedisServer

    @pytest.fixture(autouse=True)
    def _server(self, redis_server: RedisServer) -> None:
        self.server = redis_server

    def make_store(self, name: str) -> Coroutine[object, object, KeyValueStore]:
        return opened(self.server, name)


async def test_applications_names_and_prefixes_share_nothing(redis_server: RedisServer) -> None:
    stores = [
        await opened(redis_server, "c", "a:b"),
        await opened(redis_server, "b:c", "a"),
        await opened(redis_server, "c", "a%3Ab"),
        await opened(redis_server, "c", "a:b", prefix="other"),
    ]
    for number, store in enumerate(stores):
        await store.set("key", b"%d" % number)
    assert [await store.get("key") for store in stores] == [b"0", b"1", b"2", b"3"]
    for store in stores:
        assert (await store.keys()).keys == ["key"]
        await store.close()


async def test_a_batch_of_several_parts_is_whole(redis_server: RedisServer) -> None:
    store = await opened(redis_server, "parts")
    items = [(f"{number:05}", b"x" * 5000) for number in range(1300)]
    await store.set_many(items)
    assert await store.get_many([key for key, _ in items]) == items
    await store.delete_many([key for key, _ in items])
    assert (await store.keys()).keys == []
    await store.close()


async def test_scripts_are_sent_again_to_a_server_that_forgot_them(own_redis: RedisServer) -> None:
    store = await opened(own_redis, "scripts")
    assert await store.increment("n", 1) == 1
    own_redis.call("SCRIPT", "FLUSH")
    assert await store.increment("n", 1) == 2
    await store.close()


async def test_many_calls_at_once_are_answered_each_with_its_own(
    redis_server: RedisServer,
) -> None:
    store = await opened(redis_server, "many")
    await store.set_many([(f"{number}", b"%d" % number) for number in range(300)])
    values = await asyncio.gather(*(store.get(f"{number}") for number in range(300)))
    assert values == [b"%d" % number for number in range(300)]
    await store.close()


async def test_a_call_that_its_guest_gave_up_does_not_shift_the_answers(
    redis_server: RedisServer,
) -> None:
    store = await opened(redis_server, "cancelled")
    await store.set("a", b"1")
    await store.set("b", b"2")
    tasks = [asyncio.ensure_future(store.get("ab"[number % 2])) for number in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    values = await asyncio.gather(*tasks, return_exceptions=True)
    for number, value in enumerate(values):
        assert isinstance(value, asyncio.CancelledError) or value == b"12"[number % 2 :][:1]
    await store.close()


async def test_stores_of_one_server_share_its_connections(own_redis: RedisServer) -> None:
    stores = [await opened(own_redis, f"{number}") for number in range(5)]
    for store in stores:
        await store.set("key", b"value")
    async with redis(own_redis) as admin:
        listed = await admin.client_list()
    # One of ours; the other asks.
    assert len(listed) == 2
    for store in stores:
        await store.close()


async def test_a_password_that_the_server_does_not_take_is_told_without_being_shown(
    redis_server: RedisServer,
) -> None:
    url = f"redis://{redis_server.user}:hunter2@127.0.0.1:{redis_server.port}"
    config = RedisConfig.from_table({"url": url})
    store = await RedisKeyValue.open(config, application="a", name="b", state_dir=Path())
    with pytest.raises(CapabilityError, match="refused the user name or password") as raised:
        await store.get("key")
    assert not raised.value.retryable
    assert "hunter2" not in f"{raised.value!r}{raised.value}{config!r}"
    await store.close()


WRONG: list[tuple[dict[str, object], str]] = [
    ({}, "url"),
    ({"url": "http://x"}, "url"),
    ({"url": "redis://"}, "url"),
    ({"url": "redis://x:port"}, "url"),
    ({"url": "redis://x/name"}, "url"),
    ({"url": "redis://x", "timeout": "never"}, "timeout"),
    ({"url": "redis://x", "connections": 0}, "connections"),
    ({"url": "redis://x", "password": {"env": "PADDOCK_TEST_ABSENT"}}, "password"),
    ({"url": "redis://x", "urll": ""}, "urll"),
]


@pytest.mark.parametrize(("options", "key"), WRONG)
def test_a_wrong_table_is_refused_by_its_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(OptionError) as raised:
        RedisConfig.from_table(options)
    assert raised.value.key == key


def test_a_password_may_stand_apart_from_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Callable[..., RedisConfig] = RedisConfig.from_table
    monkeypatch.setenv("PADDOCK_TEST_PASSWORD", "hunter2")
    apart = read({"url": "redis://u@h:1/2", "password": {"env": "PADDOCK_TEST_PASSWORD"}})
    assert apart == read({"url": "redis://u:hunter2@h:1/2"})
    assert apart.place == "h:1/2 paddock"
    assert "hunter2" not in repr(apart)
