"""Streams of wasi:io that Python makes, and sinks that it offers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
from tests.bridge.guests import Bridge
from tests.bridge.tables import Absent, guest, run

from paddock.errors import GuestError
from paddock.types import Deferred, Err, Reply, Stream


class Value:
    """The sink of one value, which counts what becomes of it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = 0
        self.drops = 0

    def write(self, data: bytes, /) -> Reply[None]:
        self.pieces.append(data)

    def close(self) -> Reply[None]:
        self.closed += 1

    def drop(self) -> None:
        self.drops += 1

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


class Later(Value):
    """Takes its time, one call after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False

    async def _take(self, data: bytes) -> None:
        assert not self.busy, "two writes at once"
        self.busy = True
        for _ in range(3):
            await asyncio.sleep(0)
        self.pieces.append(data)
        self.busy = False

    def write(self, data: bytes, /) -> Reply[None]:
        return self._take(data)

    async def _close(self) -> None:
        await asyncio.sleep(0)
        assert not self.busy
        self.closed += 1

    def close(self) -> Reply[None]:
        return self._close()


class Blocking(Value):
    def write(self, data: bytes, /) -> Reply[None]:
        return Deferred(lambda: self._take(data))

    def _take(self, data: bytes) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self.pieces.append(data)


class Store(Absent):
    """All of `wasi:blobstore`: one container with one object."""

    def __init__(self, content: object = b"", sink: Value | None = None) -> None:
        self.content = content
        self.sink = sink or Value()
        self.calls: list[tuple[object, ...]] = []
        self.drops = 0
        self.outgoing_value = SimpleNamespace(
            new_outgoing_value=lambda: self, finish=lambda this: self._end("finish", this)
        )
        self.incoming_value = SimpleNamespace(
            incoming_value_consume_sync=lambda this: self.content,
            incoming_value_consume_async=lambda this: self.content,
        )

    def _end(self, name: str, value: object) -> None:
        assert value is self
        self.calls.append((name, self.sink.closed, len(self.sink.content)))

    def outgoing_value_write_body(self) -> Value:
        return self.sink

    def get_container(self, name: str) -> Store:
        return self

    def write_data(self, name: str, value: object) -> None:
        self._end("write_data", value)

    def get_data(self, name: str, start: int, end: int) -> Store:
        return self

    def size(self) -> int:
        return 12

    def list_objects(self) -> Store:
        return self

    def read_stream_object_names(self, count: int) -> tuple[list[str], bool]:
        return ["a", "b"][:count], False

    def skip_stream_object_names(self, count: int) -> tuple[int, bool]:
        return count - 1, True

    def info(self) -> object:
        return {"name": "box", "created_at": 5}

    def object_info(self, name: str) -> object:
        return SimpleNamespace(name=name, container="box", created_at=6, size=2**40)

    def copy_object(self, source: object, target: object) -> None:
        self.calls.append((source, target))

    def container_exists(self, name: str) -> bool:
        return True


async def blobs(bridge: Bridge, store: Store, what: str, number: int = 0) -> str:
    component = guest(bridge, "tables-bytes", "wasi:blobstore", store, time=10.0)
    return await run(component, what, number)


SINKS = pytest.mark.parametrize("sink", [Value, Later, Blocking])


@SINKS
@pytest.mark.parametrize("how", ["write", "poll"])
async def test_a_sink_has_everything_and_is_closed_before_the_guest_goes_on(
    bridge: Bridge, sink: type[Value], how: str
) -> None:
    store = Store(sink=sink())
    said = await blobs(bridge, store, how, 300_000)
    assert said.startswith("300000 ")
    assert store.sink.content == bytes(range(256)) * 1171 + bytes(range(224))
    assert store.calls == [("write_data", 1, 300_000), ("finish", 1, 300_000)]
    assert store.sink.drops == 0


@SINKS
async def test_a_guest_may_be_ahead_of_its_sink_by_64_kib(
    bridge: Bridge, sink: type[Value]
) -> None:
    store = Store(sink=sink())
    assert await blobs(bridge, store, "poll", 500_000) == f"500000 permitted, first {64 << 10}"
    assert max(map(len, store.sink.pieces)) <= 64 << 10


async def test_an_empty_value_is_closed_without_a_write(bridge: Bridge) -> None:
    store = Store()
    await blobs(bridge, store, "write", 0)
    assert (store.sink.pieces, store.sink.closed) == ([], 1)


class Full(Value):
    def write(self, data: bytes, /) -> Reply[None]:
        if len(self.content) >= 8192:
            raise Err("no space left")
        super().write(data)


class FullLater(Later):
    async def _take(self, data: bytes) -> None:
        await super()._take(data)
        if len(self.content) > 8192:
            raise OSError("/a/secret/path is full")


@pytest.mark.parametrize(("sink", "text"), [(Full, "no space left"), (FullLater, "its log tells")])
@pytest.mark.parametrize("how", ["write", "poll"])
async def test_what_a_sink_raises_is_the_streams_error(
    bridge: Bridge, sink: type[Value], text: str, how: str
) -> None:
    store = Store(sink=sink())
    with pytest.raises(Err, match="failed: ") as caught:
        await blobs(bridge, store, how, 900_000)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)
    await bridge.until(lambda: store.sink.drops)
    assert (store.sink.closed, store.sink.drops, store.calls) == (0, 1, [])


async def test_a_sink_of_a_guest_that_traps_is_dropped_and_not_closed(bridge: Bridge) -> None:
    store = Store()
    with pytest.raises(GuestError):
        await blobs(bridge, store, "keep", 5000)
    await bridge.until(lambda: store.sink.drops)
    assert (store.sink.closed, store.sink.drops) == (0, 1)


async def test_a_write_under_way_is_cancelled_with_its_guest(bridge: Bridge) -> None:
    class Stuck(Value):
        cancelled = False

        async def _wait(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise

        def write(self, data: bytes, /) -> Reply[None]:
            return self._wait()

    sink = Stuck()
    component = guest(bridge, "tables-bytes", "wasi:blobstore", Store(sink=sink), time=0.2)
    with pytest.raises(GuestError, match="longer than its limit"):
        await run(component, "write", 5000)
    await bridge.until(lambda: sink.cancelled and sink.drops)
    assert sink.closed == 0


def pieces(count: int, size: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"\x01" * size
        yield b""


async def pieces_later(count: int, size: int) -> AsyncIterator[bytes]:
    for piece in pieces(count, size):
        await asyncio.sleep(0)
        yield piece


@pytest.mark.parametrize(
    "content",
    [
        lambda: b"\x01" * 300_000,
        lambda: Stream(pieces(3, 100_000)),
        lambda: Stream(pieces_later(300, 1000)),
        lambda: pieces_later(1, 300_000),
    ],
)
@pytest.mark.parametrize("piece", [1000, 1 << 20])
async def test_an_input_stream_gives_all_its_bytes(
    bridge: Bridge, content: object, piece: int
) -> None:
    assert callable(content)
    said = await blobs(bridge, Store(content()), "read", piece)
    assert said == "12 300000 bytes, sum 300000"


async def test_what_a_source_raises_follows_the_bytes_before_it(bridge: Bridge) -> None:
    async def failing(error: Exception) -> AsyncIterator[bytes]:
        yield b"half"
        raise error

    said = await blobs(bridge, Store(Stream(failing(Err("torn off")))), "read", 100)
    assert said == "12 4 bytes, then failed: torn off"
    said = await blobs(bridge, Store(Stream(failing(OSError("secret")))), "read", 100)
    assert "4 bytes, then failed: " in said
    assert "secret" not in said


async def test_a_source_stops_when_its_guest_lets_go(bridge: Bridge) -> None:
    made = 0
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        nonlocal made
        try:
            while True:
                made += 1
                yield bytes(16 << 10)
        finally:
            ended.set()

    assert await blobs(bridge, Store(Stream(endless())), "some", 100) == "12 100 bytes"
    async with asyncio.timeout(30):
        await ended.wait()
    assert made <= 1 + 2 * 4


async def test_records_and_lists_of_blob_stores_have_their_shapes(bridge: Bridge) -> None:
    store = Store(b"\x05\x06")
    assert await blobs(bridge, store, "sync") == "[5, 6]"
    assert await blobs(bridge, store, "list") == '(["a", "b"], false) (2, true)'
    told = await blobs(bridge, store, "info")
    assert "created-at: 5" in told
    assert "size: 1099511627776" in told
    assert await blobs(bridge, store, "ids") == "true"
    ((source, target),) = store.calls
    assert isinstance(source, type(target))
    assert repr(source) == "Record(container='box', object='a')"
