"""`spin:key-value/key-value@3.0.0`: as version 2, asynchronous, keys as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator

from paddock.capabilities.key_value import KeyPage, KeyValueStore
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Errors
from paddock.types import Deferred, Reply, Stream, resolve


class Store:
    """The resource. What needs no conversion is the provider's own method."""

    __slots__ = ("_store", "delete", "exists", "get", "set")

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self.get = store.get
        self.set = store.set
        self.delete = store.delete
        self.exists = store.exists

    def get_keys(self) -> Stream:
        """All keys; a page is fetched when the guest has read the one before."""
        try:
            first = self._store.keys()
        except Exception as error:
            return Stream(_fail(error))
        if isinstance(first, Coroutine):
            # Unread streams would leave it never awaited, so it is asked anew.
            first.close()
            return Stream(_later(self._store))
        if isinstance(first, Deferred):
            return Stream(_later(self._store))
        return Stream(_now(self._store, first))


class Opener:
    """Holds the resource's static function `open`."""

    __slots__ = ("_grants", "_stores")

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._stores = {
            label: Store(store) for label, store in grants.key_value.items() if store is not None
        }

    def open(self, label: str) -> Store:
        """One object serves all who open a store: it has no state."""
        return self._stores.get(label) or Store(self._grants.store(label))


class KeyValue(Errors):
    """The bound interface."""

    __slots__ = ("store",)

    def __init__(self, grants: Grants) -> None:
        self.store = Opener(grants)


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
