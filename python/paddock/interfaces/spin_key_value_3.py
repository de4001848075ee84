"""`spin:key-value/key-value@3.0.0`: as version 2, asynchronous, keys as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator

from paddock.capabilities.key_value import KeyPage, KeyValueStore
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Direct, Errors, Opener
from paddock.types import Page, Stream, resolve


class Store(Direct):
    """The resource."""

    __slots__ = ()

    def get_keys(self) -> Stream:
        """All keys; a page is fetched when the guest has read the one before."""
        try:
            first = self.store.keys()
        except Exception as error:
            return Stream(_fail(error))
        if isinstance(first, KeyPage):
            # What fits into one page needs no event loop.
            return Stream(first.keys if first.cursor is None else _later(self.store, first))
        if isinstance(first, Coroutine):
            # Unread streams would leave it never awaited, so it is asked anew.
            first.close()
        return Stream(_later(self.store))


class KeyValue(Errors):
    """The bound interface."""

    __slots__ = ("store",)

    def __init__(self, grants: Grants) -> None:
        self.store = Opener(grants, Store)


def _fail(error: Exception) -> Iterator[str]:
    raise error
    yield


async def _later(store: KeyValueStore, page: KeyPage | None = None) -> AsyncIterator[Page[str]]:
    while True:
        # Between two pages the store may have been moved, and answer in another way.
        if page is None:
            page = await resolve(store.keys())
        yield Page(page.keys)
        if page.cursor is None:
            return
        page = await resolve(store.keys(page.cursor))
