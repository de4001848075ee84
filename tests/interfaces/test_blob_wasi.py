"""The facade `wasi:blobstore`, called as the bridge calls it, over all kinds of stores."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from paddock.capabilities.blob import (
    CHUNK,
    BlobStore,
    Download,
)
from paddock.errors import CapabilityError, Unavailable
from paddock.interfaces import Grants, bind
from paddock.interfaces.blob_pipe import AHEAD, KEPT
from paddock.providers.blob.filesystem import FilesystemStore
from paddock.providers.blob.memory import MemoryBlobStore, MemoryUpload
from paddock.testing.blob import Requirements, suite
from paddock.types import Deferred, Err, Stream


class LaterUpload:
    """An upload of a memory store, asynchronous."""

    def __init__(self, upload: MemoryUpload) -> None:
        self._upload = upload
        #: Cleared to hold the store up.
        self.go = asyncio.Event()
        self.go.set()

    async def write(self, chunk: bytes, /) -> None:
        await self.go.wait()
        await asyncio.sleep(0)
        self._upload.write(chunk)

    async def finish(self) -> None:
        await asyncio.sleep(0)
        self._upload.finish()

    async def abandon(self) -> None:
        await asyncio.sleep(0)
        self._upload.abandon()


class LaterStore:
    """A memory store whose every method answers with a coroutine."""

    def __init__(self) -> None:
        self.memory = MemoryBlobStore()
        self.uploads: list[LaterUpload] = []

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self.memory, name)

        async def later(*args: object, **kwargs: object) -> object:
            await asyncio.sleep(0)
            return method(*args, **kwargs)

        return later

    async def read(self, *args: Any) -> Download:
        await asyncio.sleep(0)
        found = self.memory.read(*args)

        async def chunks() -> AsyncIterator[bytes]:
            for chunk in cast("Iterator[bytes]", found.chunks):
                await asyncio.sleep(0)
                yield chunk

        return Download(found.size, chunks())

    async def upload(self, container: str, name: str) -> LaterUpload:
        await asyncio.sleep(0)
        self.uploads.append(LaterUpload(self.memory.upload(container, name)))
        return self.uploads[-1]


TestLaterStore = suite(lambda name: cast("BlobStore", LaterStore()), Requirements(threads=False))


@dataclass(frozen=True)
class Place:
    container: str
    object: str


class Guest:
    """Calls a bound interface as the bridge does: from a thread that is not the loop's."""

    def __init__(self, stores: dict[str, BlobStore | None]) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.denied: list[str] = []
        grants = Grants(
            "app", "api", blob=stores, denied=lambda _what, _name, line: self.denied.append(line)
        )
        kinds = ("blobstore", "container", "types")
        self.blobstore, self.container, self.types = (
            cast("Any", bind(f"wasi:blobstore/{kind}@0.2.0-draft", grants)) for kind in kinds
        )

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def call(self, method: Callable[..., object], *args: object) -> Any:
        reply = method(*args)
        if isinstance(reply, Deferred):
            return reply()
        if isinstance(reply, Coroutine):
            return asyncio.run_coroutine_threadsafe(reply, self.loop).result(20)
        return reply

    def failure(self, method: Callable[..., object], *args: object) -> Any:
        try:
            self.call(method, *args)
        except Err as error:
            return error.payload
        except Exception as error:
            return self.container.__paddock_error__(error)
        raise AssertionError("expected an error")

    def drop(self, value: Any) -> None:
        self.loop.call_soon_threadsafe(value.drop)

    def value(self) -> Any:
        return self.types.outgoing_value.new_outgoing_value()

    def write(self, box: Any, name: str, data: bytes) -> None:
        value = self.value()
        self.call(box.write_data, name, value)
        self.fill(value, data)
        self.call(self.types.outgoing_value.finish, value)

    def fill(self, value: Any, data: bytes) -> None:
        body = value.outgoing_value_write_body()
        for at in range(0, len(data), CHUNK):
            self.call(body.write, data[at : at + CHUNK])
        self.call(body.close)

    def read(self, box: Any, name: str, start: int = 0, end: int = 2**64 - 1) -> bytes:
        value = self.call(box.get_data, name, start, end)
        size = value.size()
        data = self.call(self.types.incoming_value.incoming_value_consume_sync, value)
        assert type(data) is bytes
        assert len(data) == size
        return data

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            self.call(lambda: asyncio.sleep(0.005))


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


class Broken(LaterStore):
    """Fails at one step of writing."""

    def __init__(self, step: str, error: Exception) -> None:
        super().__init__()
        self._step = step
        self._error = error
        self.abandoned = 0

    async def upload(self, container: str, name: str) -> LaterUpload:
        if self._step == "upload":
            raise self._error
        upload = await super().upload(container, name)
        original = upload.abandon

        async def abandon() -> None:
            self.abandoned += 1
            await original()

        async def fail(*_: object) -> None:
            raise self._error

        upload.abandon = abandon  # type: ignore[method-assign]
        if self._step != "nothing":
            setattr(upload, self._step, fail)
        return upload


@pytest.mark.parametrize("step", ["upload", "write", "finish"])
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Unavailable("the store is away", hint="secret"), "the store is away"),
        (ValueError("secret"), "the blob store failed; the host's log has the reason"),
    ],
)
def test_a_store_that_fails_is_told_to_the_guest(step: str, error: Exception, text: str) -> None:
    broken = Broken(step, error)
    guest = Guest({"box": cast("BlobStore", broken)})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.value()
    if step == "upload":
        assert guest.failure(box.write_data, "thing", value) == text
    else:
        guest.call(box.write_data, "thing", value)
        body = value.outgoing_value_write_body()
        guest.call(body.write, b"x")
        if step == "write":
            guest.until(lambda: value._pipe._failure)
            assert guest.failure(body.write, b"x") == text
        guest.call(body.close)
        assert guest.failure(guest.types.outgoing_value.finish, value) == text
        assert broken.abandoned == 1
    assert guest.call(box.has_object, "thing") is False
    guest.close()


def test_a_guest_waits_for_a_store_that_is_far_behind() -> None:
    later = LaterStore()
    guest = Guest({"box": cast("BlobStore", later)})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    later.uploads[0].go.clear()
    body = value.outgoing_value_write_body()
    plain = 0
    while (reply := body.write(b"x" * CHUNK)) is None:
        plain += 1
    assert plain == AHEAD // CHUNK
    waiting = asyncio.run_coroutine_threadsafe(cast("Any", reply), guest.loop)
    guest.call(lambda: asyncio.sleep(0))
    assert not waiting.done()
    guest.loop.call_soon_threadsafe(later.uploads[0].go.set)
    waiting.result(20)
    guest.call(body.close)
    guest.call(guest.types.outgoing_value.finish, value)
    assert len(guest.read(box, "thing")) == (plain + 1) * CHUNK
    guest.close()


def test_a_value_whose_last_bytes_may_still_be_on_their_way_is_not_finished() -> None:
    later = LaterStore()
    guest = Guest({"box": cast("BlobStore", later)})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    later.uploads[0].go.clear()
    body = value.outgoing_value_write_body()
    while (reply := body.write(b"x" * CHUNK)) is None:
        pass
    guest.loop.call_soon_threadsafe(later.uploads[0].go.set)
    guest.call(lambda: reply)
    text = guest.failure(guest.types.outgoing_value.finish, value)
    assert "has to be dropped before finish" in text
    assert guest.call(box.has_object, "thing") is False
    guest.close()


def test_a_store_that_is_held_up_is_let_go_of_by_dropping() -> None:
    broken = Broken("nothing", ValueError())
    guest = Guest({"box": cast("BlobStore", broken)})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    broken.uploads[0].go.clear()
    body = value.outgoing_value_write_body()
    while (reply := body.write(b"x" * CHUNK)) is None:
        pass
    waiting = asyncio.run_coroutine_threadsafe(cast("Any", reply), guest.loop)
    guest.drop(value)
    with pytest.raises(CapabilityError, match="dropped"):
        waiting.result(20)
    guest.until(lambda: broken.abandoned)
    pipe = value._pipe
    assert pipe._budget.left == 64 << 20
    guest.close()
    gc.collect()


def test_a_value_that_is_too_large_is_not_had_at_once() -> None:
    class Huge(MemoryBlobStore):
        def read(self, *_: Any) -> Download:  # type: ignore[override]
            return Download(1 << 40, iter((b"x",)))

    guest = Guest({"box": Huge()})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.call(box.get_data, "thing", 0, 10)
    consume = guest.types.incoming_value.incoming_value_consume_sync
    assert "too large" in guest.failure(consume, value)
    guest.close()
