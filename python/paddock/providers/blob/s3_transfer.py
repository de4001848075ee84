"""Bytes on their way to a bucket and back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

from paddock.capabilities.blob import CHUNK, sliced
from paddock.errors import CapabilityError
from paddock.providers.blob.s3_link import S3Link, first

if TYPE_CHECKING:
    from obstore import AsyncWritableFile, BytesStream

#: Bytes that are had at once: of an object that is read, and of one that is written before
#: it is known whether a multipart upload pays.
SMALL = 4 * CHUNK

#: Bytes of one step of a longer transfer: each step costs a way through the event loop.
STEP = 1 << 20


class _Store(Protocol):
    @property
    def link(self) -> S3Link: ...
    @property
    def part_size(self) -> int: ...
    async def must_exist(self, container: str) -> None: ...


class S3Upload:
    """The contract is `paddock.capabilities.blob.Upload`."""

    def __init__(self, store: _Store, container: str, key: str) -> None:
        self._store = store
        self._container = container
        self._key = key
        self._ready: list[bytes] = []
        self._size = 0
        self._writer: AsyncWritableFile | None = None

    async def write(self, chunk: bytes, /) -> None:
        """Waits while a part is on its way and the next one is complete."""
        import obstore

        self._ready.append(bytes(chunk))
        self._size += len(chunk)
        if self._size <= (SMALL if self._writer is None else STEP):
            return
        if self._writer is None:
            self._writer = obstore.open_writer_async(
                self._store.link.store,
                self._key,
                buffer_size=self._store.part_size,
                max_concurrency=1,
            )
        await self._hand_over(self._writer)

    async def finish(self) -> None:
        """Complete it."""
        import obstore

        link = self._store.link
        try:
            await self._store.must_exist(self._container)
            if self._writer is None:
                async with link.call():
                    await obstore.put_async(
                        link.store, self._key, b"".join(self._ready), use_multipart=False
                    )
            else:
                await self._hand_over(self._writer)
                async with link.call(bounded=False):
                    await self._writer.close()
                self._writer = None
        except BaseException:
            await self.abandon()
            raise
        self._ready = []

    async def _hand_over(self, writer: AsyncWritableFile) -> None:
        data, self._ready, self._size = b"".join(self._ready), [], 0
        async with self._store.link.call(bounded=False):
            await writer.write(data)

    async def abandon(self) -> None:
        """Tell the server to forget the parts; one that is away keeps them until it is told to."""
        writer, self._writer = self._writer, None
        self._ready = []
        if writer is None:
            return
        stop = RuntimeError("abandoned")
        with contextlib.suppress(CapabilityError):
            # A part that arrives after the end of its upload would stay on the server. With
            # one part at a time on its way, whoever writes more waits for that one first.
            async with self._store.link.call():
                await writer.write(b"\0")
        with contextlib.suppress(CapabilityError):
            # Only leaving the block with an error aborts the upload.
            async with self._store.link.call():
                await writer.__aexit__(RuntimeError, stop, None)


async def chunks(link: S3Link, stream: BytesStream, size: int) -> AsyncIterator[bytes]:
    """The `size` bytes of an answer, as they come."""
    left = size
    pieces = aiter(stream)
    while left > 0:
        async with link.call(bounded=False):
            piece = await first(pieces)
        if piece is None:
            raise CapabilityError(f"{link.what} sent less of the object than it promised")
        data = bytes(piece)
        left -= len(data)
        for chunk in sliced(data):
            yield chunk
