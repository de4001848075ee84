"""What guests and a host make of brokers that die, hang, refuse and are full, under load."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import Running, memory, wait_for
from manifests import configuration
from messages import Publishers, application, received, told
from tests.services.kafka import KafkaServer
from tests.services.mosquitto import MosquittoServer
from tests.services.nats import NatsServer
from tests.services.redis import RedisServer

Server = NatsServer | RedisServer | MosquittoServer | KafkaServer
#: What a guest is told, in the words of `wasmcloud:messaging@0.3.0`, while nobody answers.
AWAY = {(500, "error: broker-unavailable\n"), (500, "error: timeout\n")}


@pytest.fixture(params=["nats", "redis", "mosquitto", "kafka"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"own_{request.param}")
    return found


@pytest.fixture
def host(up, tmp_path: Path, server: Server) -> Running:
    return started(up, tmp_path, server)


def started(
    up, directory: Path, server: Server, *arguments: str | Path, **options: object
) -> Running:
    """A host of guests that publish, `second` and `third`, and handle, `second`."""
    login: dict[str, object] = {"username": server.user, "password": server.password}
    table: dict[str, object] = {"url": server.url, "timeout": "1s"}
    if isinstance(server, NatsServer):
        table |= {"type": "nats", "stream": "LOAD", "subjects": ["load.>"], "lease": "1s"}
    elif isinstance(server, RedisServer):
        table |= {"type": "redis", "stream": "load", "lease": "1s"}
    elif isinstance(server, MosquittoServer):
        # This broker forgets shared subscriptions when it is restarted.
        table |= {"type": "mqtt", "share": False, **login}
    else:
        table |= {"type": "kafka", **login, "url": server.sasl_url, "timeout": "2s"}
    lines = [
        f"{key} = {json.dumps(value) if isinstance(value, str | list) else str(value).lower()}"
        for key, value in (table | options).items()
    ]
    text = "\n".join(["[message_broker.default]", *lines, ""])
    chosen = configuration(directory, text)
    return up(application(directory, "third"), "--config", chosen, *arguments)


def fault(publishers: Publishers, server: Server, begin: Callable[[], None]) -> None:
    """Begin a fault under load, and wait until it is felt."""
    publishers.more(50)
    if isinstance(server, MosquittoServer):
        # It writes down what it has acknowledged a moment later.
        publishers.pause()
        server.save()
        begin()
        publishers.go_on()
    else:
        begin()
    publishers.fail()


def all_handled(host: Running, publishers: Publishers) -> None:
    """What was acknowledged came to the handler."""
    wanted = set(publishers.acknowledged)
    wait_for("every message", lambda: wanted <= set(received(host)))


def test_a_broker_that_is_killed_under_load_loses_nothing_that_it_took(
    host: Running, server: Server
) -> None:
    with Publishers(host) as publishers:
        fault(publishers, server, server.kill)
        host.logged("calls fail until it answers")
        server.start()
        publishers.more(50)
    assert all(" at 127.0.0.1:" in each for each in publishers.failures), publishers.failures
    all_handled(host, publishers)
    assert server.password not in host.log + "".join(publishers.failures)
    host.logged("answers again")


def test_a_host_that_is_killed_under_load_handles_the_rest_when_it_is_back(
    host: Running, server: Server, up, tmp_path: Path
) -> None:
    with Publishers(host) as publishers:
        publishers.label = "slow 5 "
        publishers.more(100)
        host.signal(signal.SIGKILL)
        host.ended()
    again = started(up, tmp_path, server, "--state-dir", host.state_dir)
    all_handled(again, publishers)


def test_a_broker_that_hangs_for_longer_than_the_timeout_is_an_error_and_no_hang(
    host: Running, server: Server
) -> None:
    with Publishers(host) as publishers:
        publishers.more(50)
        server.pause()
        publishers.fail()
        host.logged("calls fail until it answers")
        assert told(host, "/publish?subject=load.b&body=x", "third") in AWAY
        server.resume()
        publishers.more(50)
    assert all(" at 127.0.0.1:" in each for each in publishers.failures), publishers.failures
    all_handled(host, publishers)


def test_a_broker_that_refuses_the_password_is_told_without_showing_it(
    host: Running, server: Server
) -> None:
    with Publishers(host) as publishers:
        fault(publishers, server, server.refuse_authentication)
        wait_for("the refusal", lambda: any("refused the" in each for each in publishers.failures))
        server.accept_authentication()
        publishers.more(50)
    assert all(" at 127.0.0.1:" in each for each in publishers.failures), publishers.failures
    all_handled(host, publishers)
    assert server.password not in host.log + "".join(publishers.failures)


LARGEST = {
    "nats": NatsServer,
    "mosquitto": lambda: MosquittoServer(largest=20_000),
    "kafka": lambda: KafkaServer(largest=20_000),
}


@pytest.mark.parametrize("name", LARGEST)
def test_a_message_that_the_broker_takes_not_is_told_and_others_go_on(
    name: str, up, tmp_path: Path, start_server
) -> None:
    host = started(up, tmp_path, start_server(LARGEST[name]()))
    with Publishers(host) as publishers:
        publishers.more(20)
        for size in (100_000, 2_000_000) if name != "nats" else (2_000_000,):
            told_of = told(host, f"/publish?subject=load.b&size={size}", "third")
            assert told_of == (500, "error: message-too-large\n")
        publishers.more(20)
    assert publishers.failures == []
    all_handled(host, publishers)


def test_a_full_redis_is_told_and_handlers_go_on(
    up, tmp_path: Path, own_redis: RedisServer
) -> None:
    host = started(up, tmp_path, own_redis)
    with Publishers(host) as publishers:
        publishers.more(50)
        own_redis.fill_up()
        publishers.fail()
        full = told(host, "/publish?subject=load.b&body=x", "third")
        assert full == (500, "error: quota-exceeded\n")
        own_redis.make_room()
        publishers.more(50)
    assert all("no memory left" in each for each in publishers.failures), publishers.failures
    all_handled(host, publishers)


def test_a_full_stream_of_nats_is_told_and_its_messages_are_handled(
    up, tmp_path: Path, own_nats: NatsServer
) -> None:
    host = started(up, tmp_path, own_nats)
    with Publishers(host) as publishers:
        publishers.more(50)
        own_nats.full = True
        own_nats.restart()
        wait_for(
            "the refusal",
            lambda: (
                told(host, "/publish?subject=load.b&body=x", "third")
                == (500, "error: quota-exceeded\n")
            ),
        )
        own_nats.full = False
        own_nats.restart()
        publishers.more(50)
    all_handled(host, publishers)


def test_a_dead_broker_is_an_error_that_fills_no_memory_until_it_is_back(
    host: Running, server: Server
) -> None:
    def publish() -> tuple[int, str]:
        return told(host, "/publish?subject=load.a&size=500000", "third")

    assert publish()[0] == 200
    server.kill()
    wait_for("the broker to be missed", lambda: publish() in AWAY)
    assert {publish() for _ in range(30)} <= AWAY
    before = memory(host)
    assert {publish() for _ in range(150)} <= AWAY
    assert memory(host) - before < 60_000
    server.start()
    wait_for("the broker", lambda: publish()[0] == 200)
    assert server.password not in host.log
