"""The methods of a key-value store that follow from the others, for who writes a provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot, counted
from paddock.types import Reply, Steps, sequence, then

if TYPE_CHECKING:
    from paddock.capabilities.key_value import KeyValueStore


class KeyValueDefaults(ABC):
    """Subclass it, and give `get`, `set`, `delete`, `keys`, `swap` and `close`.

    The rest is made of these, one call after another, whether they answer in place,
    block or are coroutines. `increment` is as atomic as `swap`. Replace whatever the
    thing behind can do better, such as many keys in one call.
    """

    @abstractmethod
    def get(self, key: str, /) -> Reply[bytes | None]:
        """See the contract, also for the next five."""

    @abstractmethod
    def set(self, key: str, value: bytes, /) -> Reply[None]: ...

    @abstractmethod
    def delete(self, key: str, /) -> Reply[None]: ...

    @abstractmethod
    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[KeyPage]: ...

    @abstractmethod
    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> Reply[bool]: ...

    @abstractmethod
    def close(self) -> Reply[None]: ...

    def exists(self, key: str, /) -> Reply[bool]:
        """It is there if it has a value."""
        return then(self.get(key), lambda value: value is not None)

    def get_many(self, keys: Sequence[str], /) -> Reply[list[tuple[str, bytes | None]]]:
        """One after another."""
        return sequence(_get_many(self, keys))

    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> Reply[None]:
        """One after another."""
        return sequence(_set_many(self, items))

    def delete_many(self, keys: Sequence[str], /) -> Reply[None]:
        """One after another."""
        return sequence(_delete_many(self, keys))

    def snapshot(self, key: str, /) -> Reply[Snapshot]:
        """The value, without a version."""
        return then(self.get(key), Snapshot)

    def increment(self, key: str, delta: int, /) -> Reply[int]:
        """Reads and swaps until nobody came between."""
        return sequence(_increment(self, key, delta))


def _get_many(store: KeyValueStore, keys: Sequence[str]) -> Steps[list[tuple[str, bytes | None]]]:
    found: list[tuple[str, bytes | None]] = []
    for key in keys:
        value: bytes | None = yield store.get(key)
        found.append((key, value))
    return found


def _set_many(store: KeyValueStore, items: Sequence[tuple[str, bytes]]) -> Steps[None]:
    for key, value in items:
        yield store.set(key, value)


def _delete_many(store: KeyValueStore, keys: Sequence[str]) -> Steps[None]:
    for key in keys:
        yield store.delete(key)


def _increment(store: KeyValueStore, key: str, delta: int) -> Steps[int]:
    while True:
        seen: Snapshot = yield store.snapshot(key)
        total = counted(seen.value, delta, key)
        swapped: bool = yield store.swap(key, seen, b"%d" % total)
        if swapped:
            return total
