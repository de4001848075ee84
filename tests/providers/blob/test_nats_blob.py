"""The NATS blob store on a real server: the shipped suite, other clients, faults, options."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
from tests.services.nats import NatsServer

from paddock.capabilities.blob import CHUNK, BlobStore, ObjectId, collected, store_object
from paddock.errors import BadName, CapabilityError, Exhausted, NotFound, TooLarge, Unavailable
from paddock.providers.blob import nats_names
from paddock.providers.blob.nats import NatsBlob, NatsConfig, NatsStore
from paddock.providers.options import OptionError
from paddock.testing.blob import NAMES, BlobSuite, Requirements
from paddock.types import Reply

LARGE = b"0123456789abcdef" * (1 << 16)


async def opened(server: NatsServer, application: str = "app", **options: object) -> NatsStore:
    config = NatsConfig.from_table({"url": server.url, **options})
    return await NatsBlob.open(config, application=application, name="default", state_dir=Path())


class TestNats(BlobSuite):
    requirements = Requirements(
        persistent=True, longest_name=2000, threads=False, reads_go_on=False, many=40
    )

    @pytest.fixture(autouse=True)
    def _server(self, nats_server: NatsServer) -> None:
        self.server = nats_server

    def make_store(self, name: str) -> Reply[BlobStore]:
        return opened(self.server, name, storage="memory")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_one_to_one(name: str) -> None:
    assert nats_names.name_of(nats_names.token_of(name)) == name
    bucket = nats_names.bucket_name("p", "a_", name)
    assert (
        nats_names.container_name(bucket.removeprefix(nats_names.bucket_prefix("p", "a_"))) == name
    )


async def test_names_that_are_too_long_are_refused_before_they_are_sent(
    nats_server: NatsServer,
) -> None:
    store = await opened(nats_server, "long")
    with pytest.raises(BadName):
        await store.create_container("c" * 500)
    await store.create_container("box")
    with pytest.raises(TooLarge):
        await store_object(store, "box", "n" * 5000, [b"x"])
    assert await store.has_container("box") is True
    await store.delete_container("box")
    await store.close()


async def test_other_clients_know_the_same_objects(nats_server: NatsServer) -> None:
    store = await opened(nats_server, "shared")
    await store.create_container("box")
    client = await nats.connect(nats_server.url)
    theirs = await client.jetstream().object_store("paddock__shared__box")
    await store_object(store, "box", "ours", [LARGE])
    got = await theirs.get("ours")
    assert got.data == LARGE
    await theirs.put("theirs", LARGE)
    assert await collected(await store.read("box", "theirs")) == LARGE
    assert (await store.objects("box")).names == ["ours", "theirs"]
    await theirs.delete("theirs")
    assert await store.has_object("box", "theirs") is False
    assert (await store.objects("box")).names == ["ours"]
    await store_object(store, "box", "theirs", [b"again"])
    assert (await theirs.get("theirs")).data == b"again"
    await store.delete_container("box")
    await client.close()
    await store.close()


async def stored(server: NatsServer, bucket: str) -> dict[str, int]:
    """Messages of each subject of a bucket."""
    client = await nats.connect(server.url)
    info = await client.jetstream().stream_info(f"OBJ_{bucket}", subjects_filter=">")
    await client.close()
    return info.state.subjects or {}


async def test_nothing_is_left_of_what_is_replaced_removed_or_abandoned(
    nats_server: NatsServer,
) -> None:
    store = await opened(nats_server, "left")
    await store.create_container("box")
    for _ in range(3):
        await store_object(store, "box", "thing", [LARGE])
    await asyncio.gather(*(store_object(store, "box", "thing", [LARGE]) for _ in range(5)))
    assert len(await stored(nats_server, "paddock__left__box")) == 2
    await store.move(ObjectId("box", "thing"), ObjectId("box", "there"))
    await store_object(store, "box", "thing", [LARGE])
    await store.move(ObjectId("box", "thing"), ObjectId("box", "there"))
    assert len(await stored(nats_server, "paddock__left__box")) == 2
    upload = await store.upload("box", "half")
    await upload.write(LARGE)
    await upload.abandon()
    await store.delete("box", "there")
    assert await stored(nats_server, "paddock__left__box") == {}
    await store.delete_container("box")
    await store.close()


async def test_clearing_spares_an_object_that_is_being_written(nats_server: NatsServer) -> None:
    store = await opened(nats_server, "spared")
    await store.create_container("box")
    await store_object(store, "box", "old", [LARGE])
    upload = await store.upload("box", "new")
    await upload.write(LARGE)
    await store.clear("box")
    await upload.write(LARGE)
    await upload.finish()
    assert await collected(await store.read("box", "new")) == LARGE + LARGE
    assert (await store.objects("box")).names == ["new"]
    await store.delete_container("box")
    await store.close()


async def test_an_object_whose_container_was_made_again_is_not_written(
    nats_server: NatsServer,
) -> None:
    store = await opened(nats_server, "again")
    await store.create_container("box")
    await store_object(store, "box", "filler", [LARGE])
    upload = await store.upload("box", "thing")
    await upload.write(LARGE)
    await store.delete_container("box")
    await store.create_container("box")
    with pytest.raises(NotFound):
        await upload.finish()
    assert (await store.objects("box")).names == []
    assert await stored(nats_server, "paddock__again__box") == {}
    await store.delete_container("box")
    await store.close()


async def test_an_object_that_is_replaced_while_it_is_read_is_an_error_not_other_bytes(
    nats_server: NatsServer,
) -> None:
    store = await opened(nats_server, "replaced")
    await store.create_container("box")
    await store_object(store, "box", "thing", [LARGE])
    items = aiter((await store.read("box", "thing")).chunks)  # type: ignore[arg-type]
    first = await anext(items)
    assert first == LARGE[:CHUNK]
    await store_object(store, "box", "thing", [b"other" * CHUNK])
    with pytest.raises(Unavailable, match="replaced"):
        async for _ in items:
            pass
    await store.delete_container("box")
    await store.close()


async def test_damaged_bytes_are_noticed(nats_server: NatsServer) -> None:
    store = await opened(nats_server, "damaged")
    await store.create_container("box")
    await store_object(store, "box", "thing", [b"value"])
    client = await nats.connect(nats_server.url)
    js = client.jetstream()
    (meta,) = [each for each in await stored(nats_server, "paddock__damaged__box") if ".M." in each]
    text = json.loads((await js.get_last_msg("OBJ_paddock__damaged__box", meta)).data)
    text["digest"] = "SHA-256=" + "A" * 43 + "="
    await js.publish(meta, json.dumps(text).encode(), headers={"Nats-Rollup": "sub"})
    with pytest.raises(CapabilityError, match="not those that were written"):
        await collected(await store.read("box", "thing"))
    await store.delete_container("box")
    await client.close()
    await store.close()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition did not come true")


async def answers(store: NatsStore) -> None:
    """Waits until calls succeed again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            await store.has_container("box")
        except CapabilityError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_killed_server_loses_nothing_that_was_acknowledged(own_nats: NatsServer) -> None:
    store = await opened(own_nats, timeout="2s")
    await store.create_container("box")
    acknowledged: list[str] = []
    failures: list[CapabilityError] = []
    done = asyncio.Event()

    async def writer(number: int) -> None:
        for turn in itertools.count():
            name = f"{number}-{turn}"
            try:
                await store_object(store, "box", name, [name.encode() * 1000])
            except CapabilityError as error:
                failures.append(error)
                await asyncio.sleep(0.02)
            else:
                acknowledged.append(name)
            if done.is_set():
                return

    tasks = [asyncio.create_task(writer(number)) for number in range(8)]
    for _ in range(2):
        seen = len(acknowledged)
        await until(lambda seen=seen: len(acknowledged) > seen + 20)
        own_nats.kill()
        failed = len(failures)
        await until(lambda failed=failed: len(failures) > failed + 20)
        await asyncio.to_thread(own_nats.start)
        await answers(store)
    seen = len(acknowledged)
    await until(lambda: len(acknowledged) > seen + 20)
    done.set()
    await asyncio.gather(*tasks)
    assert all(isinstance(error, Unavailable) for error in failures)
    for name in acknowledged:
        assert await collected(await store.read("box", name)) == name.encode() * 1000
    await store.close()


async def test_a_paused_server_is_an_error_in_time_and_then_answers_again(
    own_nats: NatsServer,
) -> None:
    store = await opened(own_nats, timeout=2.0)
    await store.create_container("box")
    await store_object(store, "box", "thing", [LARGE])
    reading = aiter((await store.read("box", "thing")).chunks)  # type: ignore[arg-type]
    await anext(reading)
    upload = await store.upload("box", "half")
    await upload.write(LARGE)
    own_nats.pause()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await store.has_container("box")
    with pytest.raises(Unavailable):
        await store_object(store, "box", "new", [b"x"])
    with pytest.raises(Unavailable):
        async for _ in reading:
            pass
    with pytest.raises(Unavailable):
        await upload.write(LARGE)
    await upload.abandon()
    assert time.monotonic() - began < 90, "nothing may hang"
    own_nats.resume()
    await answers(store)
    assert await collected(await store.read("box", "thing")) == LARGE
    assert (await store.objects("box")).names == ["thing"]
    await store.close()


async def test_a_password_that_the_server_does_not_take_is_told_without_being_shown(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = await opened(nats_server, password="hunter2", url=nats_server.address, username="x")
    with pytest.raises(CapabilityError) as raised:
        await store.has_container("box")
    await until(lambda: "refused the user name or password" in caplog.text)
    assert "hunter2" not in f"{raised.value!r}{raised.value}{store._config!r}{caplog.text}"
    await store.close()


async def test_a_full_server_refuses_and_keeps_what_it_has(
    start_server: Callable[[NatsServer], NatsServer],
) -> None:
    server = start_server(NatsServer())
    store = await opened(server)
    await store.create_container("box")
    await store_object(store, "box", "thing", [LARGE])
    server.full = True
    await asyncio.to_thread(server.restart)
    await answers(store)
    with pytest.raises(Exhausted):
        await store_object(store, "box", "more", [LARGE])
    assert await collected(await store.read("box", "thing")) == LARGE
    await store.close()


async def test_opening_does_not_need_the_server(own_nats: NatsServer) -> None:
    own_nats.kill()
    store = await opened(own_nats, timeout=2.0)
    with pytest.raises(Unavailable):
        await store.has_container("box")
    await asyncio.to_thread(own_nats.start)
    await answers(store)
    assert await store.create_container("box") is True
    await store.close()


def test_options_are_checked() -> None:
    read = NatsConfig.from_table
    config = read({"url": "nats://a:1", "prefix": "p", "replicas": 3, "storage": "memory"})
    assert (config.prefix, config.options.replicas, config.options.storage) == ("p", 3, "memory")
    least = {"url": "nats://a:1"}
    for table, key in (
        ({}, "url"),
        ({**least, "replicas": 0}, "replicas"),
        ({**least, "storage": "disk"}, "storage"),
        ({**least, "path": "x"}, "path"),
    ):
        with pytest.raises(OptionError) as raised:
            read(table)
        assert raised.value.key == key
