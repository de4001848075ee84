"""Spin's Redis and MQTT, called as the bridge calls them, on the real servers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.services.mosquitto import MosquittoServer
from tests.services.redis import RedisServer

from paddock.errors import AccessDenied, BadName, CapabilityError
from paddock.interfaces import Grants, bind
from paddock.providers.mqtt.client import MqttAddresses
from paddock.providers.redis.client import RedisAddresses
from paddock.types import Variant, resolve

REDIS = ["fermyon:spin/redis@2.0.0", "spin:redis/redis@3.0.0"]
MQTT = ["fermyon:spin/mqtt@2.0.0", "spin:mqtt/mqtt@3.0.0"]


class Addresses:
    """As the host's, for one address; a name that is allowed may resolve to what is not."""

    def __init__(self, *allowed: str, addresses: bool = True) -> None:
        self.allowed = allowed
        self.addresses = addresses
        self.clients: dict[str, Any] = {}

    def open(self, kind: str, address: str, /) -> object:
        if not address.startswith(f"{kind}://"):
            raise CapabilityError(f"the address is not a {kind}:// URL with a host")
        if not any(each in address for each in self.allowed):
            raise AccessDenied("the address is not permitted")
        provider = {"redis": RedisAddresses, "mqtt": MqttAddresses}[kind]
        if address not in self.clients:
            self.clients[address] = provider.open_address(
                address, allowed=lambda host, ip, port: self.addresses
            )
        return self.clients[address]


@pytest.fixture
async def addresses() -> AsyncIterator[Addresses]:
    made = Addresses("127.0.0.1")
    yield made
    for client in made.clients.values():
        await client.close()


def granted(addresses: Addresses | None) -> Grants:
    return Grants("app", "api", addresses=addresses)


async def failure(interface: Any, call: Any, *args: object) -> object:
    try:
        await resolve(call(*args))
    except Exception as error:
        return interface.__paddock_error__(error)
    raise AssertionError("expected an error")


def key() -> str:
    return f"spin-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("interface", REDIS)
async def test_every_function_of_redis(
    interface: str, addresses: Addresses, redis_server: RedisServer
) -> None:
    redis: Any = bind(interface, granted(addresses))
    opened = await resolve(redis.connection.open(redis_server.url))
    name = key()
    assert await resolve(opened.get(name)) is None
    assert await resolve(opened.set(name, b"\x00\xff")) is None
    assert await resolve(opened.get(name)) == b"\x00\xff"
    assert await resolve(opened.incr(f"{name}-n")) == 1
    assert await resolve(opened.incr(f"{name}-n")) == 2
    assert await resolve(opened.sadd(f"{name}-s", ["a", "b", "a"])) == 2
    assert await resolve(opened.sadd(f"{name}-s", [])) == 0
    assert sorted(await resolve(opened.smembers(f"{name}-s"))) == ["a", "b"]
    assert await resolve(opened.srem(f"{name}-s", ["a", "z"])) == 1
    assert await resolve(opened.publish(name, b"nobody listens")) is None
    assert await resolve(opened.del_([name, f"{name}-n", "absent"])) == 2
    assert await resolve(opened.del_([])) == 0


@pytest.mark.parametrize("interface", REDIS)
async def test_any_command_answers_with_its_own_types(
    interface: str, addresses: Addresses, redis_server: RedisServer
) -> None:
    redis: Any = bind(interface, granted(addresses))
    opened = await resolve(redis.connection.open(redis_server.url))
    name = key().encode()

    async def run(command: str, *arguments: bytes | int) -> list[Variant]:
        given = [
            Variant("int64", each) if isinstance(each, int) else Variant("binary", each)
            for each in arguments
        ]
        return await resolve(opened.execute(command, given))

    assert await run("set", name, b"Eureka!") == [Variant("status", "OK")]
    assert await run("append", name, b" I've got it!") == [Variant("int64", 20)]
    assert await run("get", name) == [Variant("binary", b"Eureka! I've got it!")]
    assert await run("get", name + b"-absent") == [Variant("nil")]
    assert await run("ping") == [Variant("status", "PONG")]
    assert await run("echo", b"PONG") == [Variant("binary", b"PONG")]
    await run("rpush", name + b"-l", 1, b"two")
    assert await run("lrange", name + b"-l", 0, -1) == [
        Variant("binary", b"1"),
        Variant("binary", b"two"),
    ]
    assert await run("eval", b"return {1, {'a', false}, {}}", 0) == [
        Variant("int64", 1),
        Variant("binary", b"a"),
        Variant("nil"),
    ]


@pytest.mark.parametrize("interface", REDIS)
async def test_what_redis_refuses_is_told_and_the_connection_stays_good(
    interface: str, addresses: Addresses, redis_server: RedisServer
) -> None:
    redis: Any = bind(interface, granted(addresses))
    opened = await resolve(redis.connection.open(redis_server.url))
    name = key()
    await resolve(opened.set(name, b"text"))
    assert await failure(redis, opened.incr, name) == Variant("type-error")
    assert await failure(redis, opened.sadd, name, ["a"]) == Variant("type-error")
    unknown: Any = await failure(redis, opened.execute, "nonsense", [])
    assert unknown.case == "other" and "unknown command" in unknown.payload
    for command in ("subscribe", "MULTI", "select", "blpop", "", "set a"):
        refused: Any = await failure(redis, opened.execute, command, [])
        assert refused.case == "other", command
    waiting = [Variant("binary", each) for each in (b"block", b"0", b"STREAMS", b"x", b"$")]
    assert (await failure(redis, opened.execute, "xread", waiting)).case == "other"  # type: ignore[attr-defined]
    assert await resolve(opened.get(name)) == b"text"


@pytest.mark.parametrize("interface", REDIS)
async def test_an_address_that_is_not_granted_is_no_valid_one(
    interface: str, addresses: Addresses
) -> None:
    redis: Any = bind(interface, granted(addresses))
    for address in ("redis://example.com", "http://127.0.0.1", "", "redis://127.0.0.1/x"):
        assert await failure(redis, redis.connection.open, address) == Variant("invalid-address")
    none: Any = bind(interface, granted(None))
    assert await failure(none, none.connection.open, "redis://127.0.0.1") == Variant(
        "invalid-address"
    )


async def test_the_address_that_a_name_has_when_it_is_connected_to_is_checked(
    redis_server: RedisServer, mosquitto_server: MosquittoServer
) -> None:
    denied = Addresses("localhost", addresses=False)
    redis: Any = bind(REDIS[0], granted(denied))
    url = redis_server.url.replace("127.0.0.1", "localhost")
    opened = await resolve(redis.connection.open(url))
    assert await failure(redis, opened.get, "a") == Variant("invalid-address")
    mqtt: Any = bind(MQTT[0], granted(denied))
    there = mosquitto_server.url.replace("127.0.0.1", "localhost")
    connection = await resolve(mqtt.connection.open(there, "", "", 30))
    refused: Any = await failure(mqtt, connection.publish, "a", b"", "at-least-once")
    assert refused.case == "connection-failed" and "not permitted" in refused.payload
    for client in denied.clients.values():
        await client.close()


async def test_redis_by_address_in_each_call(
    addresses: Addresses, redis_server: RedisServer
) -> None:
    redis: Any = bind("fermyon:spin/redis", granted(addresses))
    at, name = redis_server.url, key()
    assert await resolve(redis.get(at, name)) == b""
    assert await resolve(redis.set(at, name, b"1")) is None
    assert await resolve(redis.get(at, name)) == b"1"
    assert await resolve(redis.incr(at, name)) == 2
    assert await resolve(redis.del_(at, [name])) == 1
    assert await resolve(redis.sadd(at, name, ["a"])) == 1
    assert await resolve(redis.smembers(at, name)) == ["a"]
    assert await resolve(redis.srem(at, name, ["a"])) == 1
    assert await resolve(redis.publish(at, name, b"x")) is None
    assert await resolve(redis.execute(at, "ping", [])) == [Variant("status", "PONG")]
    assert await failure(redis, redis.get, "redis://example.com", name) == "error"
    assert len(addresses.clients) == 1


@pytest.mark.parametrize("interface", MQTT)
@pytest.mark.parametrize("qos", ["at-most-once", "at-least-once", "exactly-once"])
async def test_mqtt_publishes_with_every_quality(
    interface: str, qos: str, addresses: Addresses, mosquitto_server: MosquittoServer
) -> None:
    from paddock.capabilities.messaging import Subscription
    from paddock.providers.messaging.mqtt import MqttBroker, MqttConfig

    server = mosquitto_server
    login = {"url": server.url, "username": server.user, "password": server.password}
    broker = MqttBroker(MqttConfig.from_table(login), "test")
    topic = f"{key()}/telemetry"
    inflow = await broker.subscribe(Subscription((topic.replace("/", "."),)))
    mqtt: Any = bind(interface, granted(addresses))
    url = f"{server.url}?client_id={key()}"
    opened = await resolve(mqtt.connection.open(url, server.user, server.password, 30))
    assert await resolve(opened.publish(topic, b"Eureka!", qos)) is None
    assert (await anext(inflow)).message.body == b"Eureka!"
    await broker.close()


@pytest.mark.parametrize("interface", MQTT)
async def test_mqtt_says_what_is_wrong_as_spin_does(
    interface: str, addresses: Addresses, mosquitto_server: MosquittoServer
) -> None:
    mqtt: Any = bind(interface, granted(addresses))
    address = "mqtt://localhost:1883?client_id=spintest"
    denied = await failure(mqtt, mqtt.connection.open, address, "user", "password", 30)
    assert denied == Variant("connection-failed", f"address {address} is not permitted")
    invalid = await failure(mqtt, mqtt.connection.open, "127.0.0.1", "", "", 30)
    assert invalid == Variant("invalid-address")
    server = mosquitto_server
    wrong = await resolve(mqtt.connection.open(server.url, server.user, "s3cret", 30))
    refused: Any = await failure(mqtt, wrong.publish, "a", b"", "at-least-once")
    assert "refused the user name" in refused.payload
    assert "s3cret" not in refused.payload
    opened = await resolve(mqtt.connection.open(server.url, server.user, server.password, 30))
    for topic in ("", "a/#", "a/+", "a\0"):
        bad: Any = await failure(mqtt, opened.publish, topic, b"", "at-most-once")
        assert bad.case == "other", topic


def test_secrets_of_an_address_are_not_shown() -> None:
    redis = RedisAddresses.open_address("redis://u:s3cret@h", allowed=lambda *_: True)
    mqtt = MqttAddresses.open_address("mqtt://u:s3cret@h", allowed=lambda *_: True)
    for client in (redis, mqtt):
        assert "s3cret" not in repr(client._target)
    with pytest.raises(BadName):
        MqttAddresses.open_address("mqtt://h:port", allowed=lambda *_: True)
