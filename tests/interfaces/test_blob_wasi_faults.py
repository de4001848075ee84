"""The facade `wasi:blobstore` over stores that fail, are behind, or have too much."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast

import pytest
from tests.interfaces.blob_guest import Guest, LaterStore, LaterUpload

from paddock.capabilities.blob import (
    CHUNK,
    BlobStore,
    Download,
)
from paddock.errors import CapabilityError, Unavailable
from paddock.interfaces.blob_pipe import AHEAD
from paddock.providers.blob.memory import MemoryBlobStore


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


def writing(store: LaterStore) -> tuple[Guest, Any, Any, Any]:
    """A guest that writes "thing" to a store which is held up; its container, value and body."""
    guest = Guest({"box": cast("BlobStore", store)})
    box = guest.call(guest.blobstore.create_container, "box")
    value = guest.value()
    guest.call(box.write_data, "thing", value)
    store.uploads[0].go.clear()
    return guest, box, value, value.outgoing_value_write_body()


def test_a_guest_waits_for_a_store_that_is_far_behind() -> None:
    later = LaterStore()
    guest, box, value, body = writing(later)
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
    guest, box, value, body = writing(later)
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
    guest, _, value, body = writing(broken)
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
