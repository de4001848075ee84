"""What the facades of all SQL interfaces share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Protocol, TypeVar

from paddock.capabilities.sql import BATCH, Column, Row, Rows, Session
from paddock.capabilities.sql_values import Value
from paddock.errors import CapabilityError
from paddock.types import Page, Reply, Stream, resolve

T = TypeVar("T")

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

    def drop(self) -> Reply[None]:
        """The guest let go of it."""
        return self.session.close()


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


async def alone(session: Session, work: Callable[[Session], Reply[T]]) -> T:
    """One call in a session that ends with it."""
    try:
        return await resolve(work(session))
    finally:
        await resolve(session.close())


def once(session: Session, work: Callable[[Session], Reply[T]]) -> Reply[T]:
    """The same, in place where the reply is plain and nothing was left open."""
    reply = work(session)
    if isinstance(reply, Coroutine):
        return _closing(session, reply)
    session.close()
    return reply


async def _closing(session: Session, reply: Coroutine[object, object, T]) -> T:
    try:
        return await reply
    finally:
        await resolve(session.close())


def values(row: Row) -> Sequence[Value]:
    """The row itself, typed."""
    return row
