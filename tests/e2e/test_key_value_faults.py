"""Servers behind a key-value store die, hang, fill up and refuse; guests get errors, then go on."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from hosts import PATIENCE, Running, memory, wait_for
from manifests import configuration, routed, write
from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

STORE = 'key_value_stores = ["default"]\n'

Server = RedisServer | NatsServer | PostgresServer


@pytest.fixture(params=["redis", "nats", "postgres"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"own_{request.param}")
    return found


@pytest.fixture
def host(up, tmp_path: Path, server: Server) -> Running:
    return started(up, tmp_path, server)


def started(up, tmp_path: Path, server: Server) -> Running:
    text = (
        f'[key_value_store.default]\ntype = "{server.name}"\nurl = "{server.url}"\ntimeout = "1s"\n'
    )
    return up(
        write(tmp_path, routed("kv-draft2", extra=STORE)),
        "--config",
        configuration(tmp_path, text),
    )


class Load:
    """Clients that set keys of their own, and know the last value acknowledged for each."""

    def __init__(self, host: Running, count: int = 8) -> None:
        #: By key: what was acknowledged last, and what may have been written since.
        self.acknowledged: dict[str, str] = {}
        self.perhaps: dict[str, set[str]] = {}
        self.errors: set[str] = set()
        self.wrong: list[str] = []
        self.done = 0
        self._host = host
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(count)
        ]

    @contextmanager
    def running(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        # Who hangs makes the client fail, which is a failure of the test.
        with self._host.new_client(timeout=PATIENCE) as client:
            try:
                while not self._stop.is_set():
                    self._set(client, f"{number}-{chance.randrange(20)}", f"{chance.random()}")
            except httpx.HTTPError as error:
                self.wrong.append(repr(error))

    def _set(self, client: httpx.Client, key: str, value: str) -> None:
        self.perhaps.setdefault(key, set()).add(value)
        response = client.get(f"/set?{urlencode({'key': key, 'value': value})}")
        if response.status_code == 200:
            self.acknowledged[key] = value
            self.perhaps[key] = set()
            self.done += 1
        elif response.status_code == 500 and response.text.startswith("error: the "):
            self.errors.add(response.text)
        else:
            self.wrong.append(f"{response.status_code} {response.text}")

    def more(self, count: int = 20) -> None:
        """Wait until so many more sets were acknowledged."""
        wanted = self.done + count
        wait_for("more acknowledged sets", lambda: self.done >= wanted or self.wrong)
        assert self.wrong == []

    def fails(self) -> None:
        self.errors.clear()
        wait_for("an error at the guest", lambda: self.errors or self.wrong)
        assert self.wrong == []

    def lost(self) -> list[str]:
        """Keys that have neither what was acknowledged nor what came after it."""
        found: list[str] = []
        for key, value in self.acknowledged.items():
            got = self._host.get(f"/get?{urlencode({'key': key})}").text
            if got != value and got not in self.perhaps[key]:
                found.append(f"{key}: {got!r}, not {value!r}")
        return found


def test_a_server_that_is_killed_and_started_again_loses_nothing(
    host: Running, server: Server
) -> None:
    load = Load(host)
    with load.running():
        for _ in range(2):
            load.more()
            server.kill()
            load.fails()
            # Before it is known, a call may have failed only because its connection broke.
            host.logged("calls fail until it answers")
            server.start()
            load.more()
    assert load.wrong == []
    assert load.lost() == []
    assert server.password not in host.log + str(load.errors)
    host.logged("answers again")


def test_a_server_that_hangs_longer_than_the_timeout_is_an_error_and_no_hang(
    host: Running, server: Server
) -> None:
    load = Load(host)
    with load.running():
        load.more()
        server.pause()
        load.fails()
        # By now it is known, and told at once.
        host.logged("calls fail until it answers")
        server.resume()
        load.more()
    assert load.wrong == []
    assert load.lost() == []


def test_a_server_that_refuses_the_password_is_told_without_showing_it(
    host: Running, server: Server
) -> None:
    load = Load(host)
    with load.running():
        load.more()
        server.refuse_authentication()
        load.fails()
        refusal = host.logged(r".*refuse.*").group(0)
        server.accept_authentication()
        load.more()
    assert load.wrong == []
    assert load.lost() == []
    assert server.password not in host.log + refusal + str(load.errors)


def test_a_host_starts_while_its_server_is_away(up, tmp_path: Path, server: Server) -> None:
    server.stop()
    host = started(up, tmp_path, server)
    host.logged("calls fail until it answers")
    response = host.get("/get?key=k")
    assert response.status_code == 500 and response.text.startswith("error: the ")
    server.start()
    wait_for("the store", lambda: host.get("/set?key=k&value=v").status_code == 200)
    assert host.get("/get?key=k").text == "v"
    host.logged("answers again")
    assert host.log.count("calls fail until it answers") <= 2


def test_a_full_redis_is_told_and_still_answers_and_deletes(
    up, tmp_path: Path, own_redis: RedisServer
) -> None:
    host = started(up, tmp_path, own_redis)
    load = Load(host)
    with load.running():
        load.more()
        own_redis.fill_up()
        load.fails()
        assert "no memory left" in next(iter(load.errors))
        assert host.get("/get?key=0-1").status_code in (200, 404)
        assert host.get("/delete?key=never").status_code == 200
        own_redis.make_room()
        load.more()
    assert load.wrong == []
    assert load.lost() == []


def test_a_full_nats_is_told_and_still_answers(up, tmp_path: Path, own_nats: NatsServer) -> None:
    host = started(up, tmp_path, own_nats)
    assert host.get("/set?key=k&value=v").status_code == 200
    own_nats.full = True
    own_nats.restart()

    def told() -> str:
        response = host.get(f"/set?key=big&value={'x' * 100}")
        return response.text if "no room left" in response.text else ""

    assert wait_for("the refusal", told).startswith("error: the ")
    assert host.get("/get?key=k").text == "v"
    own_nats.full = False
    own_nats.restart()
    wait_for("room", lambda: host.get("/set?key=big&value=x").status_code == 200)


def test_a_dead_server_does_not_fill_the_hosts_memory(
    up, tmp_path: Path, own_redis: RedisServer
) -> None:
    host = started(up, tmp_path, own_redis)
    load = Load(host)
    with load.running():
        load.more()
        own_redis.kill()
        load.fails()
        host.logged("calls fail until it answers")
        body = b"v" * 500_000
        for _ in range(50):
            host.client.post("/set?key=big", content=body)
        before = memory(host)
        for _ in range(200):
            assert host.client.post("/set?key=big", content=body).status_code == 500
        assert memory(host) - before < 60_000
        own_redis.start()
        load.more()
    assert load.lost() == []
