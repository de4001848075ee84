"""Guests of tens of megabytes, built in the test run by other people's tools."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running, serving
from manifests import configuration, routed, write
from tests.services.mariadb import MariadbServer
from tests.services.nats import NatsServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.large, pytest.mark.timeout(600)]

#: Seconds for the first compile of a guest in Python on two busy cores.
COMPILE = 240.0
HANDLER = """
[[trigger.message]]
component = "handler"
subject = "load.>"
[component.handler]
source = "{source}"
key_value_stores = ["default"]
message_brokers = ["default"]
"""


def served(host: Running) -> Running:
    return serving(host, COMPILE)


def test_a_guest_in_python(up, build: Callable[[str], Path], tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("python", build("python")))
    host = served(up(manifest, wait=False))
    assert host.get("/hello").text == "hello from Python"
    assert host.client.post("/echo", content=b"e" * 1_000_000).content == b"e" * 1_000_000
    assert host.get("/json?a=1").json() == {"path": "/json", "query": {"a": "1"}}
    assert host.get("/sleep?ms=10").text == "slept"


def test_a_guest_in_python_over_wasi_0_3_with_a_store(
    up, build: Callable[[str], Path], tmp_path: Path
) -> None:
    variables = '[variables]\nname = { default = "Ada" }\n'
    extra = 'key_value_stores = ["default"]\nvariables = { name = "{{ name }}" }\n'
    manifest = write(tmp_path, variables, routed("python", build("python-p3"), extra))
    host = served(up(manifest, wait=False))
    assert host.get("/set?key=k&value=v").status_code == 200
    assert host.get("/get?key=k").text == "v"
    assert host.get("/exists?key=k").text == "true"
    assert host.get("/keys").text.split() == ["k"]
    assert host.get("/variable?name=name").text == "Ada"
    assert host.get("/get?store=other").status_code == 403


def test_a_guest_in_javascript(up, build: Callable[[str], Path], tmp_path: Path) -> None:
    host = served(up(write(tmp_path, routed("js", build("js"))), wait=False))
    assert host.get("/hello").text == "hello from JavaScript"
    assert host.client.post("/echo", content=b"e" * 100_000).content == b"e" * 100_000
    answer = host.get("/json?a=1", headers={"user-agent": "test"}).json()
    assert answer == {"method": "GET", "path": "/json", "query": {"a": "1"}, "agent": "test"}


def test_an_sdk_that_imports_its_whole_world_is_served_as_it_is(
    up, build: Callable[[str], Path], tmp_path: Path
) -> None:
    variables = '[variables]\nname = { default = "Ada" }\n'
    extra = 'key_value_stores = ["default"]\nvariables = { name = "{{ name }}" }\n'
    manifest = write(tmp_path, variables, routed("spin", build("python-spin"), extra))
    host = served(up(manifest, wait=False))
    assert host.get("/set?key=k&value=v").text == "ok"
    assert host.get("/get?key=k").text == "v"
    assert host.get("/variable?name=name").text == "Ada"
    assert host.get("/get?store=other").status_code == 403
    assert "candidate of WASI beside the release" in host.log


@pytest.fixture
def servers(
    redis_server: RedisServer,
    nats_server: NatsServer,
    postgres_server: PostgresServer,
    mariadb_server: MariadbServer,
) -> str:
    """A host's configuration: a real server for every kind of thing."""
    return (
        f'[key_value_store.default]\ntype = "redis"\nurl = "{redis_server.url}"\n'
        f'[blob_store.default]\ntype = "nats"\nurl = "{nats_server.url}"\n'
        f'[message_broker.default]\ntype = "nats"\nurl = "{nats_server.url}"\n'
        f'[sql_database.pg]\ntype = "postgres"\nurl = "{postgres_server.url}"\n'
        f'[sql_database.my]\ntype = "mysql"\nurl = "{mariadb_server.url}"\n'
        '[telemetry]\ntype = "log"\n'
    )


def test_a_guest_in_python_over_every_kind_of_server(
    up, build: Callable[[str], Path], tmp_path: Path, servers: str
) -> None:
    grants = (
        'key_value_stores = ["default"]\nblob_containers = ["*"]\nmessage_brokers = ["default"]\n'
        'sql_databases = ["default", "pg", "my"]\n'
    )
    name = uuid.uuid4().hex[:10]
    handler = HANDLER.format(source=GUESTS / "rust/messaging/messaging.wasm")
    manifest = write(tmp_path, routed("python", build("python-services"), grants), handler)
    host = served(up(manifest, "--config", configuration(tmp_path, servers), wait=False))

    def ask(path: str) -> str:
        answer = host.get(path)
        assert answer.status_code == 200, answer.text + host.log
        return answer.text

    assert [ask(f"/count?key={name}").strip() for _ in range(3)] == ["1", "2", "3"]
    assert ask(f"/blob?container={name}&name={name}&value=gr%C3%BCn") == "5 grün"
    assert name in ask(f"/blobs?container={name}").split()
    assert ask("/publish?subject=load.a&body=x") == "ok\n"
    assert ask("/request?subject=load.ask&body=x") == "re: x"
    for database in ("default", "pg", "my"):
        assert f"{name} 10\n" in ask(f"/sql?db={database}&note={name}")
    trace, parent = ask("/span?name=inner").split()
    assert (len(trace), len(parent)) == (32, 16)
    assert ask(f"/log?body={name}") == "logged\n"
    host.logged(name)
    assert ask("/counter?name=n&n=5") == "exported\n"
