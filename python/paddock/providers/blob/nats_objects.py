"""Objects in the stream of a bucket, as other clients of NATS know them (NATS ADR-20).

The bytes of an object are messages of a subject of their own; its description,
the only message of the subject with its name, says which. Writing it is what
makes an object appear, so it comes last.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from paddock.capabilities.blob import Download, clipped, sliced
from paddock.errors import CapabilityError, NotFound, Unavailable
from paddock.providers.blob.nats_names import token_of
from paddock.providers.blob.nats_stream import Stream
from paddock.providers.connections.jetstream import Conflict

#: Bytes of one message, as other clients have it.
PART = 128 * 1024

#: Times that a description is written anew because somebody else was faster.
PATIENCE = 50


@dataclass(frozen=True, slots=True)
class Described:
    """A description: where the bytes are, and the message that says so.

    `sequence` is 0, and there are no bytes, for an object that is not there.
    """

    nuid: str = ""
    size: int = 0
    chunks: int = 0
    digest: str = ""
    sequence: int = 0
    time: int = 0
    deleted: bool = False

    @property
    def there(self) -> bool:
        """Whether it can be read."""
        return bool(self.sequence) and not self.deleted


async def described(stream: Stream, name: str) -> Described:
    """What is known of an object; raises NotFound for an absent container."""
    found = await stream.last(meta(stream, name))
    if found is None:
        return Described()
    try:
        data = cast("dict[str, object]", json.loads(found.data))
        return Described(
            str(data.get("nuid") or ""),
            int(cast("int", data.get("size") or 0)),
            int(cast("int", data.get("chunks") or 0)),
            str(data.get("digest") or ""),
            found.sequence,
            found.time,
            bool(data.get("deleted")),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise CapabilityError(f"the description of the object {name!r} can't be read") from error


async def put(stream: Stream, name: str, new: Described) -> Described:
    """Write a description in the place of another, which is answered."""
    text = {
        "name": name,
        "bucket": stream.bucket,
        "nuid": new.nuid,
        "size": new.size,
        "chunks": new.chunks,
        "digest": new.digest,
        "mtime": datetime.now(UTC).isoformat(),
        "options": {"max_chunk_size": PART},
    }
    data = json.dumps(text).encode()
    for _ in range(PATIENCE):
        old = await described(stream, name)
        headers = {
            "Nats-Rollup": "sub",
            "Nats-Expected-Last-Subject-Sequence": str(old.sequence),
        }
        try:
            sequence = await stream.publish(meta(stream, name), data, headers)
        except Conflict:
            continue
        if sequence <= new.sequence:
            # The bytes were in a stream that was deleted and made again since.
            await stream.purge(meta(stream, name), sequence + 1)
            raise NotFound(f"the container {stream.container!r} was deleted meanwhile")
        return old
    raise Unavailable(f"too many write the object {name!r} at once")


async def forget(stream: Stream, name: str, old: Described) -> None:
    """Remove a description unless it was replaced since, and then its bytes."""
    await stream.purge(meta(stream, name), old.sequence + 1)
    await drop(stream, old.nuid)


async def drop(stream: Stream, nuid: str) -> None:
    """Remove bytes that nothing describes; what can't be removed is left lying unseen."""
    if nuid:
        with contextlib.suppress(CapabilityError):
            await stream.purge(data(stream, nuid))


def download(stream: Stream, found: Described, start: int, end: int | None) -> Download:
    """The bytes of an object; they end with an error if it is replaced meanwhile."""
    first, last = clipped(start, end, found.size)
    if first == last:
        return Download(0, iter(()))
    return Download(last - first, _chunks(stream, found, first, last))


async def _chunks(stream: Stream, found: Described, first: int, last: int) -> AsyncIterator[bytes]:
    subject, sequence, at = data(stream, found.nuid), 0, 0
    digest = hashlib.sha256() if last - first == found.size else None
    while at < last:
        message = await stream.next(subject, sequence + 1)
        if message is None:
            raise Unavailable("the object was replaced or removed while it was read")
        sequence, part = message.sequence, message.data
        if digest is not None:
            digest.update(part)
            if at + len(part) >= last and not _same(digest.digest(), found.digest):
                raise CapabilityError("the bytes of the object are not those that were written")
        for chunk in sliced(part, first - at, last - at):
            yield chunk
        at += len(part)


def _same(digest: bytes, described: str) -> bool:
    kind, _, value = described.partition("=")
    if kind.upper() != "SHA-256":
        return True
    return base64.urlsafe_b64decode(f"{value.rstrip('=')}=") == digest


class NatsUpload:
    """The contract is `paddock.capabilities.blob.Upload`."""

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._nuid = secrets.token_hex(11)
        self._ready = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._chunks = 0
        self._sequence = 0
        self._done = False

    async def write(self, chunk: bytes, /) -> None:
        """Each message waits for the one before, which keeps them in order."""
        self._ready += chunk
        while len(self._ready) >= PART:
            part = bytes(self._ready[:PART])
            del self._ready[:PART]
            await self._send(part)

    async def finish(self) -> None:
        """The last bytes, then the description, then the old bytes go."""
        try:
            if self._ready:
                await self._send(bytes(self._ready))
                self._ready.clear()
            digest = "SHA-256=" + base64.urlsafe_b64encode(self._digest.digest()).decode()
            new = Described(self._nuid, self._size, self._chunks, digest, self._sequence)
            old = await put(self._stream, self._name, new)
        except BaseException:
            await self.abandon()
            raise
        self._done = True
        await drop(self._stream, old.nuid)

    async def abandon(self) -> None:
        """Remove what was sent; nothing described it."""
        if not self._done and self._chunks:
            await drop(self._stream, self._nuid)
        self._done = True
        self._ready.clear()

    async def _send(self, part: bytes) -> None:
        sequence = await self._stream.publish(data(self._stream, self._nuid), part)
        if sequence <= self._sequence:
            raise NotFound(f"the container {self._stream.container!r} was deleted meanwhile")
        self._sequence = sequence
        self._digest.update(part)
        self._size += len(part)
        self._chunks += 1


def meta(stream: Stream, name: str) -> str:
    """The subject of an object's description."""
    return f"$O.{stream.bucket}.M.{token_of(name)}"


def data(stream: Stream, nuid: str) -> str:
    """The subject of an object's bytes."""
    return f"$O.{stream.bucket}.C.{nuid}"
