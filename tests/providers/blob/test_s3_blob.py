"""The S3 blob store on a real server: the shipped suite, faults, options."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.services.s3 import S3Server

from paddock.capabilities.blob import CHUNK, BlobStore, collected, store_object
from paddock.errors import CapabilityError, NotFound, Unavailable
from paddock.providers.blob import s3_keys
from paddock.providers.blob.s3 import S3Blob, S3Store
from paddock.providers.blob.s3_link import S3BlobConfig
from paddock.providers.options import OptionError, Secret
from paddock.testing.blob import NAMES, BlobSuite, Requirements
from paddock.types import Reply

LARGE = b"0123456789abcdef" * (1 << 20)


def config(server: S3Server, **options: object) -> S3BlobConfig:
    return S3BlobConfig.from_table(
        {
            "bucket": server.bucket,
            "endpoint": server.url,
            "access_key": server.user,
            "secret_key": server.password,
            **options,
        }
    )


async def opened(server: S3Server, application: str = "app", **options: object) -> S3Store:
    chosen = config(server, **options)
    return await S3Blob.open(chosen, application=application, name="default", state_dir=Path())


class TestS3(BlobSuite):
    # The server keeps keys as files: a file can't be a folder too, nor have a long name.
    requirements = Requirements(
        persistent=True, beneath=False, longest_name=200, large=12 << 20, threads=False
    )
    prefix = ""

    @pytest.fixture(autouse=True)
    def _server(self, s3_server: S3Server) -> None:
        self.server = s3_server

    def make_store(self, name: str) -> Reply[BlobStore]:
        return opened(self.server, name, prefix=self.prefix)


class TestS3BelowAPrefix(TestS3):
    prefix = "data/of paddock"


@pytest.mark.parametrize("name", [*NAMES, "a/./b", "a/../b", "%2F", "a//", "//", "\x00", "%"])
def test_keys_stand_for_one_name_each(name: str) -> None:
    key = s3_keys.object_key(name)
    assert s3_keys.object_name(key) == name
    assert not {"", ".", ".."} & set(key.split("/"))
    part = s3_keys.container_key(name)
    assert s3_keys.container_name(part) == name
    assert "/" not in part
    assert not part.startswith(".")


async def test_keys_of_other_tools_are_objects_where_their_spelling_is_ours(
    s3_server: S3Server,
) -> None:
    import obstore

    store = await opened(s3_server, "tools")
    await store.create_container("photos")
    for key in ("cats/tom 1.png", "odd%2fspelling"):
        await obstore.put_async(store.link.store, f"tools/photos/{key}", b"png")
    assert (await store.objects("photos")).names == ["cats/tom 1.png"]
    assert await collected(await store.read("photos", "cats/tom 1.png")) == b"png"
    await store.delete_container("photos")
    await store.close()


async def test_an_abandoned_upload_leaves_no_parts_on_the_server(s3_server: S3Server) -> None:
    store = await opened(s3_server, "parts")
    await store.create_container("box")

    async def half() -> None:
        upload = await store.upload("box", "thing")
        for at in range(0, len(LARGE), CHUNK):
            await upload.write(LARGE[at : at + CHUNK])
        await upload.abandon()

    await half()
    # The server keeps parts of uploads in a folder of the bucket's.
    left = list((s3_server.data / s3_server.bucket / ".sgwtmp").rglob("*"))
    assert [each for each in left if each.is_file()] == []
    assert (await store.objects("box")).names == []
    await store.close()


async def test_calls_at_once_share_the_client(s3_server: S3Server) -> None:
    store = await opened(s3_server, "many")
    await store.create_container("box")

    async def one(number: int) -> bytes:
        await store_object(store, "box", f"{number}", [b"%d" % number])
        return await collected(await store.read("box", f"{number}"))

    got = await asyncio.gather(*(one(number) for number in range(64)))
    assert got == [b"%d" % number for number in range(64)]
    await store.delete_container("box")
    await store.close()


async def test_stores_of_one_bucket_share_a_client(s3_server: S3Server) -> None:
    one, other = await opened(s3_server, "one"), await opened(s3_server, "other")
    assert one.link is other.link
    await one.close()
    await one.close()
    assert await other.has_container("x") is False
    await other.close()


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition did not come true")


async def answers(store: S3Store) -> None:
    """Waits until calls succeed again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            await store.has_container("box")
        except Unavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_killed_server_loses_nothing_that_was_acknowledged(own_s3: S3Server) -> None:
    store = await opened(own_s3, timeout="2s")
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
        own_s3.kill()
        failed = len(failures)
        await until(lambda failed=failed: len(failures) > failed + 20)
        await asyncio.to_thread(own_s3.start)
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
    own_s3: S3Server,
) -> None:
    store = await opened(own_s3, timeout=2.0)
    await store.create_container("box")
    await store_object(store, "box", "thing", [LARGE])
    reading = aiter((await store.read("box", "thing")).chunks)  # type: ignore[arg-type]
    upload = await store.upload("box", "half")
    await upload.write(LARGE)
    own_s3.pause()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await store.has_container("box")
    with pytest.raises(Unavailable):
        await store_object(store, "box", "new", [b"x"])
    with pytest.raises(Unavailable):
        async for _ in reading:
            pass
    with pytest.raises(Unavailable):
        for _ in range(4):
            await upload.write(LARGE)
        await upload.finish()
    await upload.abandon()
    assert time.monotonic() - began < 90, "nothing may hang"
    own_s3.resume()
    await answers(store)
    assert await collected(await store.read("box", "thing")) == LARGE
    # What was not acknowledged may have been written once the server went on: whole, or not.
    names = (await store.objects("box")).names
    assert set(names) - {"new", "half"} == {"thing"}
    for name in names:
        info = await store.object_info("box", name)
        assert info.size == {"new": 1, "thing": len(LARGE), "half": 5 * len(LARGE)}[name]
    await store.close()


async def test_a_wrong_secret_is_told_without_being_shown(
    own_s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "a-very-secret-key"
    store = await opened(own_s3, secret_key=secret)
    with pytest.raises(
        CapabilityError, match=r"S3 bucket 'paddock-tests'.*refuses access"
    ) as raised:
        await store.has_container("box")
    assert not isinstance(raised.value, (NotFound, Unavailable))
    await until(lambda: "refuses access" in caplog.text)
    for text in (str(raised.value), repr(store._config), caplog.text):
        assert secret not in text
    await store.close()


async def test_authentication_that_is_refused_and_accepted_again(own_s3: S3Server) -> None:
    store = await opened(own_s3)
    await store.create_container("box")
    await asyncio.to_thread(own_s3.refuse_authentication)
    with pytest.raises(CapabilityError, match="refuses access"):
        await store.has_container("box")
    await asyncio.to_thread(own_s3.accept_authentication)

    async def accepted() -> bool:
        try:
            return await store.has_container("box")
        except CapabilityError:
            return False

    deadline = time.monotonic() + 20
    while not await accepted():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await store.close()


async def test_opening_does_not_need_the_server(
    own_s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    own_s3.kill()
    store = await opened(own_s3)
    with pytest.raises(Unavailable):
        await store.has_container("box")
    await until(lambda: "calls fail until it answers" in caplog.text)
    await asyncio.to_thread(own_s3.start)
    await until(lambda: "answers again" in caplog.text)
    assert await store.create_container("box") is True
    assert caplog.text.count("calls fail until it answers") == 1
    await store.close()


async def test_a_bucket_that_does_not_exist_is_said_so(s3_server: S3Server) -> None:
    store = await opened(s3_server, bucket="no-such-bucket")
    with pytest.raises(CapabilityError, match=r"no-such-bucket' at .* does not exist") as raised:
        await store.create_container("box")
    assert not isinstance(raised.value, NotFound)
    await store.close()


def test_options_are_checked() -> None:
    read = S3BlobConfig.from_table
    least = {"bucket": "b"}
    assert read(least) == S3BlobConfig("b")
    full = read(
        {
            **least, "endpoint": "https://s3.example.com/", "region": "eu-north-1", "prefix": "/a/b/",
            "access_key": "key", "secret_key": "secret", "session_token": "token",
            "virtual_hosted": True, "timeout": "2s", "part_size": 8 << 20,
        }
    )  # fmt: skip
    assert (full.endpoint, full.prefix, full.timeout) == ("https://s3.example.com", "a/b", 2.0)
    assert full.secret_key == Secret("secret")
    assert "secret'" not in repr(full)
    assert "token'" not in repr(full)
    for table, key in (
        ({}, "bucket"),
        ({**least, "access_key": "x"}, "secret_key"),
        ({**least, "secret_key": "x"}, "access_key"),
        ({**least, "endpoint": "s3.example.com"}, "endpoint"),
        ({**least, "endpoint": "https://user:pw@s3.example.com"}, "endpoint"),
        ({**least, "prefix": "a//b"}, "prefix"),
        ({**least, "prefix": "../b"}, "prefix"),
        ({**least, "part_size": 1000}, "part_size"),
        ({**least, "timeout": 0}, "timeout"),
        ({**least, "path": "x"}, "path"),
    ):
        with pytest.raises(OptionError) as raised:
            read(table)
        assert raised.value.key == key
