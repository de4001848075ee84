"""The facade `wasmcloud:blobstore`, called as the bridge calls it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from tests.interfaces.blob_guest import LaterStore, Place

from paddock.capabilities.blob import CHUNK, BlobStore, NamePage
from paddock.errors import (
    CapabilityError,
    Exhausted,
    NotFound,
    TimedOut,
    Unavailable,
)
from paddock.interfaces import Grants, bind
from paddock.interfaces.wasmcloud_blobstore import Blobstore, Container
from paddock.providers.blob.filesystem import FilesystemStore
from paddock.providers.blob.memory import MemoryBlobStore
from paddock.types import Err, Page, Stream, Variant


@pytest.fixture(params=["memory", "later", "filesystem"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    match request.param:
        case "memory":
            return MemoryBlobStore()
        case "later":
            return cast("BlobStore", LaterStore())
    return FilesystemStore(tmp_path, "app")


def bound(store: BlobStore | None) -> Blobstore:
    grants = Grants("app", "api", blob={"box": store, "other": store})
    for name in ("container", "types"):
        assert bind(f"wasmcloud:blobstore/{name}@0.1.0", grants)
    return cast("Blobstore", bind("wasmcloud:blobstore/blobstore@0.1.0", grants))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def items(stream: Stream) -> list[Any]:
    assert isinstance(stream, Stream)
    if isinstance(stream.items, AsyncIterable):
        found = [item async for item in stream.items]
    else:
        found = list(stream.items)
    return [each for item in found for each in (item if isinstance(item, Page) else [item])]


async def failure(call: Coroutine[object, object, object]) -> Variant:
    """The payload of the error that the guest gets."""
    try:
        await call
    except Err as error:
        return cast("Variant", error.payload)
    except Exception as error:
        return cast("Variant", bound(None).__paddock_error__(error))
    raise AssertionError("expected an error")


async def read(box: Container, name: str, start: int = 0, end: int = 2**64 - 1) -> bytes:
    return b"".join(await items(await box.get_data(name, start, end)))


async def test_bytes_go_in_and_come_back(store: BlobStore) -> None:
    box = await bound(store).create_container("box")
    parts = [b"a" * CHUNK, b"b" * 10, b"c" * (3 * CHUNK)]
    await box.write_data("thing", chunks(*parts))
    assert await read(box, "thing") == b"".join(parts)
    assert await read(box, "thing", 1, 3) == b"aaa"
    info = await box.object_info("thing")
    assert (info.name, info.container, info.size) == ("thing", "box", 4 * CHUNK + 10)
    record = await box.info()
    assert (await box.name(), record.name) == ("box", "box")
    # Nanoseconds, unlike the other interface.
    assert record.created_at > 10**18 < info.created_at


async def test_names_come_as_a_stream(store: BlobStore) -> None:
    box = await bound(store).create_container("box")
    assert await items(await box.list_objects()) == []
    for name in "abcde":
        await box.write_data(name, chunks())
    assert sorted(await items(await box.list_objects())) == list("abcde")
    await box.delete_object("a")
    await box.delete_objects(["b", "absent"])
    assert [await box.has_object(name) for name in "bc"] == [False, True]
    await box.clear()
    assert await items(await box.list_objects()) == []


async def test_a_page_of_names_is_asked_for_when_the_one_before_was_read() -> None:
    asked: list[str | None] = []

    class Paged(MemoryBlobStore):
        def objects(
            self, container: str, cursor: str | None = None, /, limit: int = 1000
        ) -> NamePage:
            asked.append(cursor)
            return super().objects(container, cursor, limit=2)

    store = Paged()
    box = await bound(store).create_container("box")
    for name in "abcde":
        await box.write_data(name, chunks())
    stream = (await box.list_objects()).items
    assert asked == [None]
    reading = aiter(cast("AsyncIterable[object]", stream))
    assert await anext(reading) == ["a", "b"]
    assert asked == [None]
    assert await anext(reading) == ["c", "d"]
    assert asked == [None, "b"]


async def test_copying_and_moving(store: BlobStore) -> None:
    api = bound(store)
    box, other = await api.create_container("box"), await api.create_container("other")
    await box.write_data("a", chunks(b"value"))
    await api.copy_object(Place("box", "a"), Place("other", "b"))
    await api.move_object(Place("box", "a"), Place("box", "c"))
    assert await read(other, "b") == await read(box, "c") == b"value"
    assert await box.has_object("a") is False


async def test_what_is_missing_has_a_case_of_its_own(store: BlobStore) -> None:
    api = bound(store)
    no_container, no_object = Variant("no-such-container"), Variant("no-such-object")
    assert await failure(api.get_container("box")) == no_container
    box = await api.create_container("box")
    assert await failure(api.create_container("box")) == Variant("container-already-exists")
    assert await failure(box.get_data("a", 0, 1)) == no_object
    assert await failure(box.object_info("a")) == no_object
    there, gone = Place("box", "a"), Place("other", "a")
    assert await failure(api.copy_object(there, there)) == no_object
    assert await failure(api.move_object(there, Place("box", "b"))) == no_object
    assert await failure(api.copy_object(there, gone)) == no_container
    await api.delete_container("box")
    assert await api.container_exists("box") is False
    for call in (
        box.get_data("a", 0, 1), box.object_info("a"), box.write_data("a", chunks(b"x")), box.info(),
    ):  # fmt: skip
        assert await failure(call) == no_container


async def test_what_is_not_granted_is_denied() -> None:
    api = bound(MemoryBlobStore())
    await api.create_container("box")
    denied = Variant("access-denied")
    for call in (
        api.create_container("no"), api.get_container("no"), api.delete_container("no"),
        api.container_exists("no"), api.copy_object(Place("box", "a"), Place("no", "a")),
        api.move_object(Place("no", "a"), Place("box", "a")),
    ):  # fmt: skip
        assert await failure(call) == denied
    assert await failure(bound(None).get_container("box")) == Variant("no-such-container")


class Failing(MemoryBlobStore):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def _fail(self, *_: object, **__: object) -> Any:
        raise self._error

    object_info = read = upload = objects = delete = delete_many = clear = copy = _fail


@pytest.mark.parametrize(
    ("error", "payload"),
    [
        (TimedOut("slow"), Variant("timeout")),
        (Exhausted("full"), Variant("quota-exceeded")),
        (Unavailable("away"), Variant("store-unavailable")),
        (NotFound("absent"), Variant("no-such-object")),
        (CapabilityError("odd", hint="secret"), Variant("other", "odd")),
        (
            ValueError("secret"),
            Variant("other", "the blob store failed; the host's log has the reason"),
        ),
    ],
)
async def test_each_failure_has_its_case(error: Exception, payload: Variant) -> None:
    api = bound(Failing(error))
    box = await api.create_container("box")
    place = Place("box", "a")
    for call in (
        box.object_info("a"), box.get_data("a", 0, 1), box.write_data("a", chunks(b"x")),
        box.list_objects(), box.delete_object("a"), box.delete_objects([]), box.clear(),
        api.copy_object(place, place),
    ):  # fmt: skip
        assert await failure(call) == payload


async def test_a_stream_that_breaks_off_leaves_nothing_behind(
    store: BlobStore, tmp_path: Path
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * CHUNK
        raise CapabilityError("the guest is gone")

    box = await bound(store).create_container("box")
    assert await failure(box.write_data("a", breaking())) == Variant("other", "the guest is gone")
    assert await box.has_object("a") is False
    uploads = tmp_path / ".uploads"
    assert not uploads.exists() or list(uploads.iterdir()) == []


async def test_a_call_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    import asyncio

    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * CHUNK
        begun.set()
        await asyncio.Event().wait()

    box = await bound(FilesystemStore(tmp_path, "app")).create_container("box")
    task = asyncio.create_task(box.write_data("a", endless()))
    await begun.wait()
    assert len(list((tmp_path / ".uploads").iterdir())) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / ".uploads").iterdir()) == []
    assert await box.has_object("a") is False


def test_both_interfaces_name_a_range_alike() -> None:
    from paddock.interfaces.blob import past

    cases: list[tuple[int, int | None]] = [(0, 1), (9, 10), (2**63 - 1, None), (2**64 - 1, None)]
    assert [past(end) for end, _ in cases] == [got for _, got in cases]
