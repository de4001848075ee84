"""The blob store capability: objects of bytes, by name, in containers.

Names of containers and objects are any Unicode text that is not empty. Bytes go
both ways in chunks, so that an object of any size costs little memory. Every
method may answer plain, with a coroutine or with a `Deferred` (see
`paddock.types.Reply`); a plain answer runs on the guest's thread and so must
not wait for anything.

All failures are of the `CapabilityError` tree; `NotFound` is an absent container
or object. A store is used by many threads at once. An object is visible whole or
not at all: readers see the old bytes until `Upload.finish` has put the new ones
in their place, and a guest reads its own writes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply

#: Bytes of a chunk, at most, on the way to a guest.
CHUNK = 64 * 1024

#: How many names a page holds unless asked otherwise.
PAGE = 1000


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """`created` is in nanoseconds since 1970 (UTC)."""

    name: str
    created: int


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """`size` in bytes; `created`, when these bytes were written, in nanoseconds since 1970."""

    container: str
    name: str
    size: int
    created: int


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Names one object."""

    container: str
    name: str


@dataclass(frozen=True, slots=True)
class NamePage:
    """Some names; `cursor` asks for the next ones and is None after the last."""

    names: list[str]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes of an object, `size` of them in all, in chunks of at most `CHUNK`.

    A plain iterator has its chunks at hand and never waits. Who stops half-way
    just lets go of it. Iterating raises `CapabilityError` where the bytes can't
    be had any more.
    """

    size: int
    chunks: Iterator[bytes] | AsyncIterator[bytes] = field(repr=False)


class Upload(Protocol):
    """An object that is being written; its methods are called one after another."""

    def write(self, chunk: bytes, /) -> Reply[None]:
        """Add bytes, as many as there are. Answers when more may come."""
        ...

    def finish(self) -> Reply[None]:
        """Put the object in its place, over whatever was there; nothing was seen of it before.

        When it fails, nothing is left behind. NotFound if the container is gone.
        """
        ...

    def abandon(self) -> Reply[None]:
        """Leave nothing behind; may be repeated, and has no effect after `finish`."""
        ...


class BlobStore(Protocol):
    """One open store of one application; it holds containers."""

    def create_container(self, name: str, /) -> Reply[bool]:
        """Make an empty container; False, and nothing is changed, if it is there already."""
        ...

    def delete_container(self, name: str, /) -> Reply[None]:
        """Remove a container with all its objects. An absent one is no error."""
        ...

    def has_container(self, name: str, /) -> Reply[bool]:
        """Whether the container is there."""
        ...

    def container_info(self, name: str, /) -> Reply[ContainerInfo]:
        """About a container; raises NotFound."""
        ...

    def containers(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[NamePage]:
        """At most `limit` containers, under the rules of `objects`."""
        ...

    def objects(
        self, container: str, cursor: str | None = None, /, limit: int = PAGE
    ) -> Reply[NamePage]:
        """At most `limit` names, from the start or from where `cursor` points.

        An object that is there from the first page to the last is named once;
        one that comes or goes meanwhile may or may not be. The order is the
        provider's. A cursor is opaque, valid in every process on the same
        store, and never fails for being old; a page may be empty and still have
        one. An absent container may be an empty page or NotFound.
        """
        ...

    def clear(self, container: str, /) -> Reply[None]:
        """Remove all objects of a container."""
        ...

    def has_object(self, container: str, name: str, /) -> Reply[bool]:
        """Whether the object is there."""
        ...

    def object_info(self, container: str, name: str, /) -> Reply[ObjectInfo]:
        """About an object; raises NotFound."""
        ...

    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Reply[Download]:
        """The bytes from `start` up to, not including, `end`; all by default.

        What lies beyond the object is left out, down to nothing. Raises NotFound.
        """
        ...

    def upload(self, container: str, name: str, /) -> Reply[Upload]:
        """Begin to write an object. An absent container is NotFound, here or at `finish`."""
        ...

    def delete(self, container: str, name: str, /) -> Reply[None]:
        """Remove an object. An absent one is no error, so it can be repeated."""
        ...

    def delete_many(self, container: str, names: Sequence[str], /) -> Reply[None]:
        """Remove all, as `delete` does; on failure perhaps only some."""
        ...

    def copy(self, source: ObjectId, target: ObjectId, /) -> Reply[None]:
        """Write `source` under `target`, over whatever was there. Onto itself it changes nothing.

        Raises NotFound for an absent source or an absent container.
        """
        ...

    def move(self, source: ObjectId, target: ObjectId, /) -> Reply[None]:
        """The same, and `source` is gone afterwards. Onto itself it changes nothing."""
        ...

    def close(self) -> Reply[None]:
        """Let go of connections; may be repeated. Data stays.

        After it, a call may fail with `Unavailable`.
        """
        ...


def checked(name: str, what: str) -> str:
    """A name of a container or an object; BadName for one that nothing can have."""
    if not name:
        from paddock.errors import BadName

        raise BadName(f"the name of {what} can't be empty")
    return name


def clipped(start: int, end: int | None, size: int) -> tuple[int, int]:
    """The part of a range that an object of `size` bytes has; empty: both are equal."""
    first = min(max(start, 0), size)
    last = size if end is None else min(max(end, 0), size)
    return first, max(first, last)


def sorted_page(names: Iterable[str], cursor: str | None, limit: int) -> NamePage:
    """A page of names that are all known; the cursor is the last name of the page before."""
    ordered = sorted(names)
    start = 0 if cursor is None else bisect_right(ordered, cursor)
    page = ordered[start : start + limit]
    return NamePage(page, page[-1] if page and start + limit < len(ordered) else None)


def sliced(data: bytes, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Bytes that are at hand, in chunks."""
    first, last = clipped(start, end, len(data))
    if first == 0 and last == len(data) <= CHUNK:
        if data:
            yield data
        return
    view = memoryview(data)
    for at in range(first, last, CHUNK):
        yield bytes(view[at : min(at + CHUNK, last)])


async def collected(download: Download) -> bytes:
    """All bytes of a download that is known to be small."""
    if isinstance(download.chunks, AsyncIterable):
        return b"".join([chunk async for chunk in download.chunks])
    return b"".join(download.chunks)


async def store_object(
    store: BlobStore,
    container: str,
    name: str,
    chunks: Iterable[bytes] | AsyncIterable[bytes],
    /,
) -> None:
    """Write a whole object; nothing of it stays if `chunks` or the store fails."""
    from paddock.types import resolve

    upload = await resolve(store.upload(container, name))
    try:
        if isinstance(chunks, AsyncIterable):
            async for chunk in chunks:
                await resolve(upload.write(chunk))
        else:
            for chunk in chunks:
                await resolve(upload.write(chunk))
        await resolve(upload.finish())
    except BaseException:
        await resolve(upload.abandon())
        raise
