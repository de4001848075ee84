"""Guests that publish, ask, and name their own servers, against a host and real servers."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import configuration, routed, write
from messages import MESSAGING, Publishers, application, received, told
from tests.services.kafka import KafkaServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.redis import RedisServer

RUST = GUESTS / "rust"
Start = Callable[..., Running]


@pytest.mark.parametrize("id", MESSAGING)
def test_what_a_guest_publishes_comes_to_a_handler(id: str, up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path, id))
    assert told(host, "/publish?subject=load.a&body=gr%C3%BCn&reply-to=back", id) == (200, "ok")
    assert told(host, "/publish?subject=load.b&body=many&n=20", id)[0] == 200
    wait_for("all messages", lambda: len(received(host)) == 21)
    assert "0 load.a back grün" in told(host, "/received", "second")[1].splitlines()
    assert sorted(each for each in received(host) if each.startswith("many")) == sorted(
        f"many {n}" for n in range(20)
    )


@pytest.mark.parametrize("id", MESSAGING)
def test_a_request_is_answered_by_a_handler(id: str, up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path, id))
    question = "/request?subject=load.ask&body=question&timeout=20000"
    assert told(host, question, id) == (200, "re: question")


def test_failures_are_told_in_the_words_of_the_interface(up: Start, tmp_path: Path) -> None:
    host = up(application(tmp_path, "third"))
    bad, silent = "/publish?subject=a%20b&body=x", "/request?subject=none&body=x&timeout=50"
    assert "is not a subject" in told(host, bad, "second")[1]
    assert "nobody answered" in told(host, silent, "second")[1]
    assert told(host, bad, "third") == (500, "error: subject-invalid\n")
    assert told(host, silent, "third") == (500, "error: timeout\n")


@pytest.mark.parametrize("id", MESSAGING)
def test_a_broker_that_is_not_granted_is_denied(id: str, up: Start, tmp_path: Path) -> None:
    part = routed(id, MESSAGING[id], 'key_value_stores = ["default"]\n')
    host = up(write(tmp_path, part))
    status, text = told(host, "/publish?subject=a&body=x")
    assert status == 500 and ("not granted" in text or "access-denied" in text)
    host.logged(rf'not granted.*\[component\.{id}\]: message_brokers = \["default"\]')


# -- addresses that guests name


REDIS = ["redis", "redis3", "redis-unversioned"]


def addressed(directory: Path, name: str, *allowed: str) -> Path:
    hosts = ", ".join(f'"{each}"' for each in allowed)
    source = RUST / f"{name}/{name}.wasm"
    return write(directory, routed("client", source, f"allowed_outbound_hosts = [{hosts}]\n"))


@pytest.mark.parametrize("name", REDIS)
def test_every_command_of_redis_comes_through(
    name: str, up: Start, tmp_path: Path, redis_server: RedisServer
) -> None:
    host = up(addressed(tmp_path, name, f"redis://127.0.0.1:{redis_server.port}"))
    at, key = f"address={quote(redis_server.url, safe='')}", f"e2e-{uuid.uuid4().hex[:8]}"

    def ask(route: str, query: str = "", suffix: str = "") -> str:
        status, text = told(host, f"/{route}?{at}&key={key}{suffix}&{query}")
        assert status == 200, text
        return text.strip()

    ask("set", "value=gr%C3%BCn")
    assert ask("get") == "grün"
    assert ask("incr", suffix="-n") == "1"
    assert ask("incr", suffix="-n") == "2"
    assert ask("sadd", "values=a,b", "-s") == "2"
    assert sorted(ask("smembers", suffix="-s").split()) == ["a", "b"]
    assert ask("srem", "values=a,z", "-s") == "1"
    ask("publish", "channel=c&value=x")
    assert ask("execute", f"command=append&a=text:{key}-x&a=text:abc") == "int64:3"
    assert ask("execute", f"command=set&a=text:{key}-x&a=int:5") == "status:OK"
    assert ask("execute", f"command=get&a=text:{key}-x") == "binary:35"
    assert ask("execute", f"command=get&a=text:{key}-none") == "nil"
    assert ask("del", f"keys={key},{key}-n,{key}-s,{key}-x") == "4"
    assert ask("many", "n=200")


def test_an_address_without_a_grant_is_invalid_for_redis(
    up: Start, tmp_path: Path, redis_server: RedisServer
) -> None:
    host = up(addressed(tmp_path, "redis", "redis://127.0.0.1:1"))
    status, text = told(host, f"/get?key=a&address={quote(redis_server.url, safe='')}")
    assert (status, text) == (500, "error: invalid-address\n")
    host.logged(rf'allowed_outbound_hosts = \["redis://127.0.0.1:{redis_server.port}"\]')
    assert redis_server.password not in host.log


@pytest.mark.parametrize("name", ["redis", "redis3"])
def test_mqtt_with_every_quality(
    name: str, up: Start, tmp_path: Path, mosquitto_server: MosquittoServer
) -> None:
    server = mosquitto_server
    host = up(addressed(tmp_path, name, f"mqtt://127.0.0.1:{server.port}"))
    login = f"user={server.user}&password={server.password}"
    at = f"address={quote(server.url, safe='')}&topic=e2e/a&value=x&keep-alive=30"
    for qos in range(3):
        status, text = told(host, f"/mqtt?{at}&qos={qos}&{login}")
        assert status == 200, text
    status, text = told(host, f"/mqtt?{at}&qos=1&user=u&password=s3cret")
    assert status == 500 and "connection-failed" not in text and "s3cret" not in text
    assert "s3cret" not in host.log and server.password not in host.log


def test_an_address_without_a_grant_is_told_as_spin_does(up: Start, tmp_path: Path) -> None:
    host = up(addressed(tmp_path, "redis", "mqtt://broker.example.com:1883"))
    address = "mqtt://localhost:1883?client_id=spintest"
    where = f"address={quote(address, safe='')}&topic=a&value=x&qos=1&user=user&password=s3cret"
    assert told(host, f"/mqtt?{where}&keep-alive=30") == (
        500,
        f"error: connection-failed(address {address} is not permitted)\n",
    )
    assert "s3cret" not in host.log


# -- exchange of the broker under load


@pytest.fixture
def brokers(
    nats_server: NatsServer,
    redis_server: RedisServer,
    mosquitto_server: MosquittoServer,
    kafka_server: KafkaServer,
) -> dict[str, str]:
    """The lines of each broker's table."""
    name, mqtt = f"X{uuid.uuid4().hex[:8]}", mosquitto_server
    return {
        "in_process": 'type = "in_process"\n',
        "nats": f'type = "nats"\nurl = "{nats_server.url}"\nstream = "{name}"\n'
        'subjects = ["load.>"]\nstorage = "memory"\n',
        "redis": f'type = "redis"\nurl = "{redis_server.url}"\nstream = "{name}"\n',
        "mqtt": f'type = "mqtt"\nurl = "{mqtt.url}"\nusername = "{mqtt.user}"\n'
        f'password = "{mqtt.password}"\n',
        "kafka": f'type = "kafka"\nurl = "{kafka_server.url}"\n',
    }


#: Each product is left for another, and come back to, so groups and sessions there go on.
ORDER = ("in_process", "nats", "redis", "mqtt", "kafka", "nats", "kafka", "mqtt", "redis")
BACK = ("in_process", "kafka", "in_process", "mqtt")


def test_brokers_are_exchanged_under_load_and_each_message_is_handled_once(
    up: Start, tmp_path: Path, brokers: dict[str, str]
) -> None:
    manifest = application(tmp_path, "second")
    config = configuration(tmp_path, f"[message_broker.default]\n{brokers[ORDER[0]]}")
    host = up(manifest, "--config", config)
    with Publishers(host, 4) as publishers:
        publishers.more(200)
        for turn, type_name in enumerate((*ORDER[1:], *BACK)):
            configuration(tmp_path, f"[message_broker.default]\n{brokers[type_name]}")
            host.apply()
            publishers.label = f"{turn}-{type_name}-"
            publishers.more(200)
    assert publishers.failures == []
    wanted = set(publishers.acknowledged)
    wait_for("every message", lambda: wanted <= set(received(host)), 60)
    counts = Counter(received(host))
    assert {body for body in wanted if counts[body] != 1} == set()
