"""A guest of `wasi:blobstore`, and a store that answers later."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, cast

from paddock.capabilities.blob import (
    CHUNK,
    BlobStore,
    Download,
)
from paddock.interfaces import Grants, bind
from paddock.providers.blob.memory import MemoryBlobStore, MemoryUpload
from paddock.types import Deferred, Err


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
