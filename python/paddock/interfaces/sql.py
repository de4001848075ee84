"""What the facades of all SQL interfaces share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Protocol, TypeVar, cast

from paddock.capabilities.sql import BATCH, Column, Row, Rows, Session
from paddock.errors import CapabilityError
from paddock.types import Deferred, Page, Reply, Stream, resolve

T = TypeVar("T")

LOG = logging.getLogger("paddock.interfaces")

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the database failed; the host's log has the reason"


def message_of(exc: Exception) -> str:
    """What a guest is told of an exception."""
    return exc.message if isinstance(exc, CapabilityError) else INTERNAL


class Convert(Protocol):
    """Makes rows of an interface out of ours, for the columns of one result."""

    def __call__(self, columns: Sequence[Column], /) -> Callable[[Row], object]: ...


class SessionResource:
    """A resource with a session of its own, which ends with it."""

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    def drop(self) -> None:
        """The guest let go of it; called on the host's event loop."""
        close_later(self.session)


class _Closable(Protocol):
    def close(self) -> Reply[None]: ...


_CLOSING: set[asyncio.Task[None]] = set()


def close_later(opened: _Closable) -> None:
    """Close what a guest let go of; nobody waits for it."""
    reply = opened.close()
    if isinstance(reply, Coroutine):
        task = asyncio.get_running_loop().create_task(_quietly(reply))
        _CLOSING.add(task)
        task.add_done_callback(_CLOSING.discard)


async def _quietly(reply: Coroutine[object, object, None]) -> None:
    try:
        await reply
    except CapabilityError as error:
        # Undone by the database, which sees that the connection is gone.
        LOG.debug("closing what a guest left open: %s", error.message)


async def streamed(
    reply: Reply[Rows], head: Callable[[Sequence[Column]], object], convert: Convert
) -> Stream:
    """A stream of a query's rows after a head that is made of its columns."""
    rows = await resolve(reply)
    return Stream(_pages(rows, convert(rows.columns)), head=head(rows.columns))


async def _pages(rows: Rows, convert: Callable[[Row], object]) -> AsyncIterator[Page[object]]:
    try:
        while page := await resolve(rows.next(BATCH)):
            yield Page(map(convert, page))
    finally:
        await resolve(rows.close())


def once(session: Session, work: Callable[[Session], Reply[T]]) -> Reply[T]:
    """One call in a session that ends with it."""
    reply = work(session)
    if isinstance(reply, Coroutine):
        return _closing(session, reply)
    if isinstance(reply, Deferred):
        return _closing(session, resolve(cast("Deferred[T]", reply)))
    session.close()
    return reply


async def _closing(session: Session, reply: Coroutine[object, object, T]) -> T:
    try:
        return await reply
    finally:
        await resolve(session.close())
