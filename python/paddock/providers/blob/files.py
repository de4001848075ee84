"""Files of a blob store: read in chunks, written aside and renamed."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from paddock.capabilities.blob import CHUNK, Download, clipped, sliced
from paddock.errors import CapabilityError, Exhausted, NotFound
from paddock.providers.blob import file_names
from paddock.types import blocking

#: Bytes read at once; a trip to the pool of threads for each chunk would cost more than reading.
AHEAD = 4 * CHUNK

#: Chunks after which the event loop has a turn.
TURNS = 16


def download(path: str, start: int, end: int | None) -> Download:
    """Opens a file, and reads it at once if it is small. Raises OSError."""
    file = _Open(path)
    first, last = clipped(start, end, file.size)
    size = last - first
    if size <= AHEAD:
        return Download(size, sliced(file.read(first, size)))
    return Download(size, _Chunks(file, first, last))


class _Open:
    """A file that is closed with the last reference: who reads may just stop."""

    __slots__ = ("_number", "size")

    def __init__(self, path: str) -> None:
        self._number = -1
        self._number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self.size = os.fstat(self._number).st_size

    def read(self, at: int, size: int) -> bytes:
        """One reader, one call after another."""
        parts: list[bytes] = []
        os.lseek(self._number, at, os.SEEK_SET)
        while size > 0:
            part = os.read(self._number, size)
            if not part:
                raise CapabilityError("the object became shorter while it was read")
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def cached(self, at: int, size: int) -> bytes | None:
        """At most so many bytes if reading them does not wait for a disk; None otherwise."""
        if _NOW is None:
            return None
        buffer = bytearray(size)
        try:
            count = os.preadv(self._number, (buffer,), at, _NOW)
        except OSError:
            # Not in memory, or a file system that can't tell.
            return None
        return bytes(memoryview(buffer)[:count]) if count else None

    def __del__(self) -> None:
        if self._number >= 0:
            os.close(self._number)


#: Linux reads without waiting where it is asked to.
_NOW: int | None = getattr(os, "RWF_NOWAIT", None)


class _Chunks:
    """A large file: in place what the system has in memory, on the pool what it has not."""

    __slots__ = ("_at", "_end", "_file", "_ready", "_turns")

    def __init__(self, file: _Open, at: int, end: int) -> None:
        self._file = file
        self._at = at
        self._end = end
        self._ready: Iterator[bytes] = iter(())
        self._turns = 0

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        chunk = next(self._ready, None)
        if chunk is not None:
            return chunk
        if self._at >= self._end:
            raise StopAsyncIteration
        self._turns += 1
        if self._turns % TURNS == 0:
            # Others have a turn too while a whole file is copied out of memory.
            await asyncio.sleep(0)
        chunk = self._file.cached(self._at, min(CHUNK, self._end - self._at))
        if chunk is not None:
            self._at += len(chunk)
            return chunk
        size = min(AHEAD, self._end - self._at)
        try:
            data = await asyncio.to_thread(self._file.read, self._at, size)
        except OSError as error:
            raise failure("the object can't be read", error) from error
        self._at += size
        self._ready = sliced(data)
        return next(self._ready)


class FileUpload:
    """The contract is `paddock.capabilities.blob.Upload`."""

    def __init__(self, aside: Path, target: Path, name: str, *, power: bool) -> None:
        self._aside = aside
        self._target = target
        self._name = name
        self._power = power
        # Read by its owner only, as all that the host writes.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._number = os.open(aside, flags, 0o600)

    @blocking
    def write(self, chunk: bytes, /) -> None:
        """Raises Exhausted when the disk is full."""
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._number, view) :]
        except OSError as error:
            self._drop()
            raise failure("the object can't be written", error) from error

    @blocking
    def finish(self) -> None:
        """Rename it into its place."""
        try:
            if self._power:
                os.fsync(self._number)
            self._close()
            writing(self._aside, self._target, self._name)
            if self._power:
                synced(self._target.parent)
        except FileNotFoundError as error:
            raise NotFound("the container of the object is gone") from error
        except OSError as error:
            raise failure("the object can't be written", error) from error
        finally:
            self._drop()

    @blocking
    def abandon(self) -> None:
        """Remove the file."""
        self._drop()

    def _close(self) -> None:
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def _drop(self) -> None:
        self._close()
        self._aside.unlink(missing_ok=True)

    def __del__(self) -> None:
        if getattr(self, "_number", -1) >= 0:
            self._drop()


def failure(what: str, error: OSError) -> CapabilityError:
    """What the system says, as an error of ours; paths are not for guests."""
    text = f"{what}: {error.strerror or type(error).__name__}"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Exhausted(text) if full else CapabilityError(text)


def writing(source: Path, target: Path, name: str) -> None:
    """Rename `source` to the file of an object, whose name may not fit into its own."""
    if file_names.is_digest(target.name):
        # It stays when the object goes: somebody may be writing that again just now.
        Path(f"{target}{file_names.NAME}").write_text(name, encoding="utf-8")
    os.replace(source, target)


def synced(path: Path) -> None:
    """Wait until a file or a folder is on the disk; Windows has no such thing for folders."""
    if os.name == "nt" and path.is_dir():
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
