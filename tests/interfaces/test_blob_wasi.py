"""The facade `wasi:blobstore`, called as the bridge calls it, over all kinds of stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.interfaces.blob_guest import Guest, LaterStore, Place

from paddock.capabilities.blob import (
    CHUNK,
    BlobStore,
)
from paddock.interfaces.blob_pipe import KEPT
from paddock.providers.blob.filesystem import FilesystemStore
from paddock.providers.blob.memory import MemoryBlobStore
from paddock.testing.blob import Requirements, suite
from paddock.types import Stream

TestLaterStore = suite(lambda name: cast("BlobStore", LaterStore()), Requirements(threads=False))


@pytest.fixture(params=["memory", "later", "filesystem"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    match request.param:
        case "memory":
            return MemoryBlobStore()
        case "later":
            return cast("BlobStore", LaterStore())
    return FilesystemStore(tmp_path, "app")


@pytest.fixture
def guest(store: BlobStore) -> Iterator[Guest]:
    guest = Guest({"box": store, "other": store, "missing": None})
    yield guest
    guest.close()


@pytest.fixture
def box(guest: Guest) -> Any:
    return guest.call(guest.blobstore.create_container, "box")


@pytest.mark.parametrize("size", [0, 1, CHUNK, 5 * CHUNK + 1])
def test_bytes_go_in_and_come_back(guest: Guest, box: Any, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    guest.write(box, "thing", data[:size])
    assert guest.read(box, "thing") == data[:size]
    info = guest.call(box.object_info, "thing")
    assert (info.name, info.container, info.size) == ("thing", "box", size)
    assert abs(info.created_at - time.time()) < 3600
    assert guest.call(box.has_object, "thing") is True
    assert guest.call(box.name) == "box"
    record = guest.call(box.info)
    assert record.name == "box"
    assert abs(record.created_at - time.time()) < 3600


def test_ends_of_ranges_are_included(guest: Guest, box: Any) -> None:
    guest.write(box, "thing", b"0123456789")
    for start, end, got in (
        (0, 0, b"0"), (2, 4, b"234"), (9, 9, b"9"), (0, 10, b"0123456789"), (5, 2**63, b"56789"),
        (10, 20, b""), (5, 4, b""),
    ):  # fmt: skip
        assert guest.read(box, "thing", start, end) == got


def test_a_value_is_streamed_in_chunks(guest: Guest, box: Any) -> None:
    data = b"x" * (5 * CHUNK + 1)
    guest.write(box, "thing", data)
    value = guest.call(box.get_data, "thing", 0, 2**64 - 1)
    stream = guest.types.incoming_value.incoming_value_consume_async(value)
    assert isinstance(stream, Stream)

    async def chunks() -> list[bytes]:
        if isinstance(stream.items, AsyncIterator):
            return [cast("bytes", item) async for item in stream.items]
        return [cast("bytes", item) for item in stream.items]  # type: ignore[union-attr]

    got = guest.call(chunks)
    assert b"".join(got) == data
    assert max(len(chunk) for chunk in got) <= CHUNK


def test_bytes_that_are_written_before_the_place_is_told_are_not_lost(
    guest: Guest, box: Any
) -> None:
    data = b"x" * (5 * CHUNK)
    value = guest.value()
    guest.fill(value, data)
    guest.call(box.write_data, "thing", value)
    guest.call(guest.types.outgoing_value.finish, value)
    assert guest.read(box, "thing") == data


def test_only_so_many_bytes_are_kept_for_a_value_that_goes_nowhere(guest: Guest, box: Any) -> None:
    values = [guest.value() for _ in range(9)]
    body = values[0].outgoing_value_write_body()
    guest.call(body.write, b"x" * KEPT)
    assert "write-data has to be called before" in guest.failure(body.write, b"x")
    for value in values[1:8]:
        guest.call(value.outgoing_value_write_body().write, b"x" * KEPT)
    last = values[8].outgoing_value_write_body()
    assert "too many bytes" in guest.failure(last.write, b"x")
    for value in values[:8]:
        guest.drop(value)
    guest.call(lambda: asyncio.sleep(0))
    guest.call(last.write, b"x" * KEPT)


@pytest.mark.parametrize("placed", [True, False])
def test_bytes_that_come_after_finish_are_refused_and_not_counted(
    guest: Guest, box: Any, placed: bool
) -> None:
    for _ in range(9):
        value = guest.value()
        if placed:
            guest.call(box.write_data, "thing", value)
        body = value.outgoing_value_write_body()
        guest.call(guest.types.outgoing_value.finish, value)
        assert guest.failure(body.write, b"x" * KEPT) == "the value is finished already"
    guest.write(box, "other", b"x" * KEPT)
    assert guest.call(box.has_object, "other") is True


def test_nothing_is_there_before_finish(guest: Guest, box: Any) -> None:
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    guest.fill(value, b"value")
    assert guest.call(box.has_object, "thing") is False
    guest.call(guest.types.outgoing_value.finish, value)
    assert guest.call(box.has_object, "thing") is True


def test_a_value_that_is_dropped_leaves_nothing_behind(
    guest: Guest, box: Any, tmp_path: Path
) -> None:
    guest.write(box, "thing", b"old")
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    body = value.outgoing_value_write_body()
    guest.call(body.write, b"new")
    guest.drop(value)
    guest.until(lambda: value._done)
    assert guest.read(box, "thing") == b"old"
    assert guest.failure(body.write, b"more") == "the value was dropped"
    uploads = tmp_path / ".uploads"
    guest.until(lambda: not uploads.exists() or not list(uploads.iterdir()))


def test_a_stream_that_stays_open_is_no_reason_to_lose_bytes(guest: Guest, box: Any) -> None:
    value = guest.value()
    body = value.outgoing_value_write_body()
    guest.call(box.write_data, "thing", value)
    for _ in range(3):
        guest.call(body.write, b"x" * CHUNK)
    guest.call(guest.types.outgoing_value.finish, value)
    assert guest.read(box, "thing") == b"x" * (3 * CHUNK)


def test_a_body_can_be_had_once(guest: Guest) -> None:
    value = guest.value()
    value.outgoing_value_write_body()
    assert guest.failure(value.outgoing_value_write_body) is None


def test_a_value_goes_to_one_place(guest: Guest, box: Any) -> None:
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    assert "already" in guest.failure(box.write_data, "other", value)
    guest.call(guest.types.outgoing_value.finish, value)
    assert guest.read(box, "thing") == b""
    lost = guest.value()
    guest.fill(lost, b"nowhere")
    assert guest.call(guest.types.outgoing_value.finish, lost) is None


def test_names_are_read_and_skipped(guest: Guest, box: Any) -> None:
    names = [f"name-{number:03}" for number in range(25)]
    for name in names:
        guest.write(box, name, b"")
    reading = guest.call(box.list_objects)
    got: list[str] = []
    for _ in range(4):
        page, last = guest.call(reading.read_stream_object_names, 7)
        got += page
    assert (sorted(got), last) == (names, True)
    reading = guest.call(box.list_objects)
    assert guest.call(reading.skip_stream_object_names, 20) == (20, False)
    page, last = guest.call(reading.read_stream_object_names, 5)
    assert (len(page), last) == (5, True)
    reading = guest.call(box.list_objects)
    assert guest.call(reading.skip_stream_object_names, 2**64 - 1) == (25, True)
    assert guest.call(reading.read_stream_object_names, 2**64 - 1) == ([], True)


def test_deleting_and_clearing(guest: Guest, box: Any) -> None:
    for name in "abcd":
        guest.write(box, name, b"")
    for _ in range(2):
        assert guest.call(box.delete_object, "a") is None
    assert guest.call(box.delete_objects, ["b", "absent"]) is None
    assert guest.call(guest.call(box.list_objects).read_stream_object_names, 9) == (
        ["c", "d"],
        True,
    )
    assert guest.call(box.clear) is None
    assert guest.call(guest.call(box.list_objects).read_stream_object_names, 9) == ([], True)


def test_copying_and_moving(guest: Guest, box: Any) -> None:
    other = guest.call(guest.blobstore.create_container, "other")
    guest.write(box, "a", b"value")
    guest.call(guest.blobstore.copy_object, Place("box", "a"), Place("other", "b"))
    guest.call(guest.blobstore.move_object, Place("box", "a"), Place("box", "c"))
    assert guest.read(other, "b") == guest.read(box, "c") == b"value"
    assert guest.call(box.has_object, "a") is False


def test_objects_go_from_one_store_to_another(tmp_path: Path) -> None:
    later = cast("BlobStore", LaterStore())
    guest = Guest({"box": later, "other": FilesystemStore(tmp_path, "app")})
    box = guest.call(guest.blobstore.create_container, "box")
    other = guest.call(guest.blobstore.create_container, "other")
    data = b"x" * (5 * CHUNK)
    guest.write(box, "a", data)
    guest.call(guest.blobstore.copy_object, Place("box", "a"), Place("other", "a"))
    guest.call(guest.blobstore.move_object, Place("other", "a"), Place("box", "b"))
    assert guest.read(box, "a") == guest.read(box, "b") == data
    assert guest.call(other.has_object, "a") is False
    guest.close()


def test_containers_come_and_go(guest: Guest) -> None:
    api = guest.blobstore
    assert guest.failure(api.get_container, "box") == "there is no container 'box'"
    assert guest.call(api.container_exists, "box") is False
    guest.call(api.create_container, "box")
    assert guest.failure(api.create_container, "box") == "the container 'box' exists already"
    assert guest.call(api.container_exists, "box") is True
    assert guest.call(guest.call(api.get_container, "box").name) == "box"
    assert guest.call(api.delete_container, "box") is None
    assert guest.call(api.container_exists, "box") is False


def test_what_is_not_granted_is_denied_and_the_line_is_told_once(guest: Guest) -> None:
    api = guest.blobstore
    for call in (api.create_container, api.get_container, api.delete_container):
        assert guest.failure(call, "secret") == "blob container 'secret' is not granted"
    place = Place("box", "a")
    assert "not granted" in guest.failure(api.copy_object, place, Place("secret", "a"))
    assert "not granted" in guest.failure(api.move_object, Place("secret", "a"), place)
    assert guest.denied == ['blob_containers = ["box", "other", "missing", "secret"]']
    assert "this host has no" in guest.failure(api.get_container, "missing")
