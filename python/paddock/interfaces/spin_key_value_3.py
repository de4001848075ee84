"""`spin:key-value/key-value@3.0.0`: as version 2, asynchronous, keys as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator

from paddock.capabilities.key_value import KeyPage, KeyValueStore
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Direct, Errors, Opener
from paddock.types import Deferred, Reply, Stream, resolve


class Store(Direct):
    """The resource."""

    __slots__ = ()

    def get_keys(self) -> Stream:
        """All keys; a page is fetched when the guest has read the one before."""
        try:
            first = self.store.keys()
        except Exception as error:
            return Stream(_fail(error))
        if isinstance(first, Coroutine):
            # Unread streams would leave it never awaited, so it is asked anew.
            first.close()
            return Stream(_later(self.store))
        if isinstance(first, Deferred):
            return Stream(_later(self.store))
        return Stream(_now(self.store, first))


class KeyValue(Errors):
    """The bound interface."""

    __slots__ = ("store",)

    def __init__(self, grants: Grants) -> None:
        self.store = Opener(grants, Store)


def _fail(error: Exception) -> Iterator[str]:
    raise error
    yield


def _now(store: KeyValueStore, page: KeyPage) -> Iterator[str]:
    while True:
        yield from page.keys
        if page.cursor is None:
            return
        reply: Reply[KeyPage] = store.keys(page.cursor)
        if not isinstance(reply, KeyPage):
            raise TypeError("a key-value provider must list all pages in the same way")
        page = reply


async def _later(store: KeyValueStore) -> AsyncIterator[str]:
    cursor: str | None = None
    while True:
        page = await resolve(store.keys(cursor))
        for key in page.keys:
            yield key
        cursor = page.cursor
        if cursor is None:
            return
