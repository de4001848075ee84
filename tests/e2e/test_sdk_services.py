"""Guests of Spin's SDKs, unmodified, on the real servers whose addresses they name."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running, serving
from manifests import routed, write
from tests.services import clients
from tests.services.mariadb import MariadbServer
from tests.services.mosquitto import MosquittoServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.large, pytest.mark.timeout(600)]

#: Seconds for the first compile of a guest of tens of megabytes on two busy cores.
COMPILE = 240.0
#: Of each SDK: where its guest comes from, and its route to Postgres.
SDKS = {
    "python 5": ("python-spin", "/postgres"),
    "python 3": ("python-spin3", "/postgres"),
    "javascript": ("js-spin", "/postgres"),
    "rust 5": ("rust-spin/spin5.wasm", "/pg"),
    "rust 7": ("spin7", "/pg"),
}
GRANTS = """\
key_value_stores = ["default"]
sqlite_databases = ["default"]
allowed_outbound_hosts = ["postgres://127.0.0.1:*", "mysql://127.0.0.1:*", "redis://127.0.0.1:*",
    "mqtt://127.0.0.1:*"]
variables = { name = "{{ name }}" }
"""


class Sdk:
    """A served guest of one SDK."""

    def __init__(self, host: Running, postgres: str) -> None:
        self.host = host
        self.postgres = postgres

    def ask(self, path: str, **query: str) -> str:
        """The body of an answer that has to be a success."""
        answer = self.host.get(path, params=query)
        assert answer.status_code == 200, answer.text + self.host.log
        return answer.text


@pytest.fixture(scope="module", params=SDKS, ids=lambda name: name.replace(" ", "-"))
def sdk(
    request: pytest.FixtureRequest,
    module_up: Callable[..., Running],
    build: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Sdk:
    name, postgres = SDKS[request.param]
    source = GUESTS / name if name.endswith(".wasm") else build(name)
    variables = '[variables]\nname = { default = "Ada" }\n'
    manifest = write(tmp_path_factory.mktemp("sdk"), variables, routed("sdk", source, GRANTS))
    return Sdk(serving(module_up(manifest, wait=False), COMPILE), postgres)


@pytest.fixture
def note() -> str:
    """A text of this test alone: servers are shared."""
    return f"grün {uuid.uuid4().hex[:12]}"


def test_a_note_is_kept_in_sqlite(sdk: Sdk, note: str) -> None:
    assert f"1 {note}\n" in sdk.ask("/sqlite", db="default", note=note)
    listed = sdk.ask("/sqlite", db="default", note="another")
    assert f"1 {note}\n" in listed and "2 another\n" in listed


def test_a_note_is_kept_in_postgres(sdk: Sdk, note: str, postgres_server: PostgresServer) -> None:
    assert note in sdk.ask(sdk.postgres, address=postgres_server.url, note=note)
    assert note in sdk.ask(sdk.postgres, address=postgres_server.url, note="another")


def test_a_note_is_kept_in_mysql(sdk: Sdk, note: str, mariadb_server: MariadbServer) -> None:
    assert note in sdk.ask("/mysql", address=mariadb_server.url, note=note)
    assert note in sdk.ask("/mysql", address=mariadb_server.url, note="another")


def test_redis_does_what_it_is_told(sdk: Sdk, note: str, redis_server: RedisServer) -> None:
    for turn in ("1", "2"):
        words = sdk.ask("/redis", address=redis_server.url, key=note, value="välue")
        assert words.startswith(f"välue {turn} "), words
        assert "a" in words and "b" in words
    assert asyncio.run(clients.redis_kept(redis_server, f"{note} count")) == b"2"
    assert asyncio.run(clients.redis_kept(redis_server, note)) is None


def test_a_message_comes_through_mqtt(
    sdk: Sdk, note: str, mosquitto_server: MosquittoServer
) -> None:
    topic = f"sdk/{uuid.uuid4().hex}"

    async def heard() -> object:
        async with clients.mosquitto(mosquitto_server) as client:
            await client.subscribe(topic, qos=1)
            await asyncio.to_thread(
                sdk.ask,
                "/mqtt",
                address=mosquitto_server.url,
                topic=topic,
                value=note,
                user=mosquitto_server.user,
                password=mosquitto_server.password,
            )
            messages: AsyncIterator[object] = client.messages
            async with asyncio.timeout(10):
                return (await anext(aiter(messages))).payload  # type: ignore[attr-defined]

    assert asyncio.run(heard()) == note.encode()


def test_a_server_that_is_not_granted_is_an_error_of_the_interface(sdk: Sdk) -> None:
    for path in (sdk.postgres, "/mysql", "/redis"):
        scheme = {"/redis": "redis", "/mysql": "mysql"}.get(path, "postgres")
        answer = sdk.host.get(path, params={"address": f"{scheme}://u:secret@127.0.0.2:1/x"})
        assert answer.status_code == 500 and answer.text.startswith("error: "), answer.text
    assert "secret" not in sdk.host.log
