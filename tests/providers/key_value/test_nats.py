"""The NATS store passes the shipped suite on a real server."""

from __future__ import annotations

import string
from collections.abc import Coroutine
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.nats import NatsServer

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import CapabilityError, TooLarge
from paddock.providers.key_value.nats import NatsConfig, NatsKeyValue, NatsStore
from paddock.providers.key_value.nats_names import bucket_name, key_of, token_of
from paddock.providers.options import OptionError
from paddock.testing.key_value import KeyValueSuite, Requirements


def opened(
    server: NatsServer, name: str, application: str = "app", **options: object
) -> Coroutine[object, object, NatsStore]:
    config = NatsConfig.from_table({"url": server.url, **options})
    return NatsKeyValue.open(config, application=application, name=name, state_dir=Path())


class TestNats(KeyValueSuite):
    requirements = Requirements(
        persistent=True, threads=False, largest_value=1000 * 1024, longest_key=900
    )
    server: NatsServer

    @pytest.fixture(autouse=True)
    def _server(self, nats_server: NatsServer) -> None:
        self.server = nats_server

    def make_store(self, name: str) -> Coroutine[object, object, KeyValueStore]:
        return opened(self.server, name)


@given(st.text(max_size=200))
def test_every_key_has_a_token_that_nats_takes_and_that_says_the_key(key: str) -> None:
    token = token_of(key)
    assert key_of(token) == key
    assert token and set(token) <= set(string.ascii_letters + string.digits + "-_/=.")
    assert not token.startswith(".") and not token.endswith(".") and ".." not in token


@given(st.tuples(*[st.text(max_size=5)] * 3), st.tuples(*[st.text(max_size=5)] * 3))
def test_two_stores_have_two_buckets(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (bucket_name(*one) == bucket_name(*other)) == (one == other)
    assert set(bucket_name(*one)) <= set(string.ascii_letters + string.digits + "-_")


def test_plain_keys_stay_readable() -> None:
    assert token_of("user.1/name-x_Y") == "user.1/name-x_Y"
    assert [token_of(key) for key in (".a", "a.", "a..b", "a b", "=", "")] == [
        "=2Ea", "a=2E", "a=2E=2Eb", "a=20b", "=3D", "=",
    ]  # fmt: skip


async def test_a_key_or_value_that_is_too_large_leaves_the_connection_alone(
    nats_server: NatsServer,
) -> None:
    store = await opened(nats_server, "sizes")
    await store.set("key", b"value")
    with pytest.raises(TooLarge, match="too long for NATS"):
        await store.set("k" * 5000, b"")
    with pytest.raises(TooLarge, match="no message as large"):
        await store.set("key", b"v" * (2 << 20))
    assert await store.get("key") == b"value"
    await store.close()


async def test_a_bucket_is_made_as_its_options_say(nats_server: NatsServer) -> None:
    import nats

    store = await opened(nats_server, "made", history=5, storage="memory")
    await store.set("key", b"value")
    client = await nats.connect(nats_server.url)
    info = await client.jetstream().stream_info("KV_paddock__app__made")
    assert info.config.max_msgs_per_subject == 5
    assert info.config.storage == "memory"
    await client.close()
    await store.close()


async def test_a_bucket_that_was_deleted_is_made_anew(nats_server: NatsServer) -> None:
    import nats

    store = await opened(nats_server, "deleted")
    await store.set("key", b"value")
    client = await nats.connect(nats_server.url)
    await client.jetstream().delete_stream("KV_paddock__app__deleted")
    await client.close()
    with pytest.raises(CapabilityError):
        await store.get("key")
    assert await store.get("key") is None
    await store.close()


async def test_other_clients_of_the_bucket_see_the_same(nats_server: NatsServer) -> None:
    import nats

    store = await opened(nats_server, "shared")
    await store.set("ours", b"1")
    client = await nats.connect(nats_server.url)
    bucket = await client.jetstream().key_value("paddock__app__shared")
    assert (await bucket.get("ours")).value == b"1"
    await bucket.put("theirs", b"2")
    assert await store.get("theirs") == b"2"
    await bucket.delete("theirs")
    assert await store.get("theirs") is None
    seen = await store.snapshot("theirs")
    assert await store.swap("theirs", seen, b"3") is True
    await client.close()
    await store.close()


async def test_a_read_of_several_copies_goes_to_the_leader(nats_server: NatsServer) -> None:
    store = await opened(nats_server, "leader")
    await store.set("key", bytes(range(256)))
    store._bucket._anybody = False
    assert await store.get("key") == bytes(range(256))
    assert await store.get("absent") is None
    assert await store.increment("n", 2) == 2
    assert await store.swap("n", await store.snapshot("n"), b"") is True
    await store.close()


async def test_a_password_that_the_server_does_not_take_is_told_without_being_shown(
    nats_server: NatsServer,
) -> None:
    url = f"nats://{nats_server.user}:hunter2@127.0.0.1:{nats_server.port}"
    config = NatsConfig.from_table({"url": url, "timeout": "1s"})
    store = await NatsKeyValue.open(config, application="a", name="b", state_dir=Path())
    with pytest.raises(CapabilityError) as raised:
        await store._link.connected()
    assert "refused the user name or password" in raised.value.message
    assert "hunter2" not in f"{raised.value!r}{raised.value}{config!r}"
    await store.close()


WRONG: list[tuple[dict[str, object], str]] = [
    ({}, "url"),
    ({"url": "http://x"}, "url"),
    ({"url": "nats://x:port"}, "url"),
    ({"url": "nats://x,nonsense"}, "url"),
    ({"url": "nats://x", "replicas": 9}, "replicas"),
    ({"url": "nats://x", "storage": "tape"}, "storage"),
    ({"url": "nats://x", "history": 0}, "history"),
    ({"url": "nats://x", "histroy": 1}, "histroy"),
]


@pytest.mark.parametrize(("options", "key"), WRONG)
def test_a_wrong_table_is_refused_by_its_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(OptionError) as raised:
        NatsConfig.from_table(options)
    assert raised.value.key == key
