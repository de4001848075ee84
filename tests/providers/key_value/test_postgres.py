"""The Postgres store passes the shipped suite on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest
from tests.services.postgres import PostgresServer

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import CapabilityError
from paddock.providers.key_value.postgres import PostgresConfig, PostgresKeyValue, PostgresStore
from paddock.providers.options import OptionError
from paddock.testing.key_value import KeyValueSuite, Requirements


def opened(
    server: PostgresServer, name: str, application: str = "app", **options: object
) -> Coroutine[object, object, PostgresStore]:
    config = PostgresConfig.from_table({"url": server.url, **options})
    return PostgresKeyValue.open(config, application=application, name=name, state_dir=Path())


class TestPostgres(KeyValueSuite):
    # An index entry has at most a third of a page.
    requirements = Requirements(persistent=True, threads=False, longest_key=2048)
    server: PostgresServer

    @pytest.fixture(autouse=True)
    def _server(self, postgres_server: PostgresServer) -> None:
        self.server = postgres_server

    def make_store(self, name: str) -> Coroutine[object, object, KeyValueStore]:
        return opened(self.server, name)


async def test_applications_names_and_tables_share_nothing(
    postgres_server: PostgresServer,
) -> None:
    stores = [
        await opened(postgres_server, "c", "a:b"),
        await opened(postgres_server, "b:c", "a"),
        await opened(postgres_server, "c", "a%3Ab"),
        await opened(postgres_server, "c", "a:b", table="public.other"),
    ]
    for number, store in enumerate(stores):
        await store.set("key", b"%d" % number)
    assert [await store.get("key") for store in stores] == [b"0", b"1", b"2", b"3"]
    for store in stores:
        assert (await store.keys()).keys == ["key"]
        await store.close()


async def test_hosts_that_begin_at_once_make_one_table(own_postgres: PostgresServer) -> None:
    stores = [await opened(own_postgres, "default", timeout=10 + n) for n in range(8)]
    await asyncio.gather(*(store.increment("n", 1) for store in stores))
    assert await stores[0].get("n") == b"8"
    for store in stores:
        await store.close()


async def test_a_table_that_was_dropped_is_made_anew(own_postgres: PostgresServer) -> None:
    store = await opened(own_postgres, "default")
    await store.set("key", b"value")
    own_postgres.execute("DROP TABLE paddock_key_value", database=own_postgres.database)
    with pytest.raises(CapabilityError):
        await store.get("key")
    assert await store.get("key") is None
    await store.close()


async def test_batches_that_cross_do_not_fail(postgres_server: PostgresServer) -> None:
    one = await opened(postgres_server, "crossing")
    other = await opened(postgres_server, "crossing", timeout=6)
    names = [f"{number}" for number in range(200)]
    for _ in range(5):
        await asyncio.gather(
            one.set_many([(name, b"1") for name in names]),
            other.set_many([(name, b"2") for name in reversed(names)]),
            one.delete_many(names[::-1]),
            other.delete_many(names),
        )
    for store in (one, other):
        await store.close()


async def test_a_password_that_the_server_does_not_take_is_told_without_being_shown(
    postgres_server: PostgresServer,
) -> None:
    url = f"postgres://paddock:hunter2@127.0.0.1:{postgres_server.port}/paddock"
    config = PostgresConfig.from_table({"url": url})
    store = await PostgresKeyValue.open(config, application="a", name="b", state_dir=Path())
    with pytest.raises(CapabilityError) as raised:
        await store.get("key")
    assert not raised.value.retryable
    assert "hunter2" not in f"{raised.value!r}{raised.value}{config!r}"
    await store.close()


WRONG: list[tuple[dict[str, object], str]] = [
    ({}, "url"),
    ({"url": "redis://x"}, "url"),
    ({"url": "postgres://x", "table": "a; drop"}, "table"),
    ({"url": "postgres://x", "tabel": "a"}, "tabel"),
]


@pytest.mark.parametrize(("options", "key"), WRONG)
def test_a_wrong_table_is_refused_by_its_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(OptionError) as raised:
        PostgresConfig.from_table(options)
    assert raised.value.key == key
