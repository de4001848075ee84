"""`wasi:keyvalue@0.2.0-draft`: store, batch, atomics, as Wasmtime and wasmCloud have it.

Its numbers are unsigned and its cursor is a number, of keys to skip here, as in
Wasmtime: keys that are deleted between two pages shift the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddock.capabilities.key_value import LARGEST, KeyPage, KeyValueStore
from paddock.errors import CapabilityError
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Direct, Errors, Opener
from paddock.types import Reply, Steps, sequence, then

#: Keys in one answer.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class KeyResponse:
    """The record `key-response`."""

    keys: list[str]
    cursor: int | None


class Bucket(Direct):
    """The resource."""

    __slots__ = ()

    def list_keys(self, cursor: int | None) -> Reply[KeyResponse]:
        """The keys after the first `cursor` ones."""
        return sequence(self._list(cursor or 0), mixed=True)

    def _list(self, skip: int) -> Steps[KeyResponse]:
        found: list[str] = []
        position: str | None = None
        seen = 0
        while True:
            page: KeyPage = yield self.store.keys(position)
            found += page.keys[max(skip - seen, 0) :]
            seen += len(page.keys)
            position = page.cursor
            if position is None:
                return KeyResponse(found, None)
            if len(found) >= MOST:
                return KeyResponse(found, seen)


class Store(Errors):
    """`wasi:keyvalue/store`; the empty identifier is the default store."""

    __slots__ = ("_opener",)

    def __init__(self, grants: Grants) -> None:
        self._opener = Opener(grants, Bucket)

    def open(self, identifier: str) -> Bucket:
        """One bucket serves all who open it: it has no state."""
        return self._opener.open(identifier or "default")


class Batch(Errors):
    """`wasi:keyvalue/batch`."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant

    def get_many(
        self, bucket: Bucket, keys: Sequence[str]
    ) -> Reply[list[tuple[str, bytes] | None]]:
        """None for each key that is absent."""
        return then(bucket.store.get_many(keys), _present)

    def set_many(self, bucket: Bucket, key_values: Sequence[tuple[str, bytes]]) -> Reply[None]:
        """Set all."""
        return bucket.store.set_many(key_values)

    def delete_many(self, bucket: Bucket, keys: Sequence[str]) -> Reply[None]:
        """Delete all."""
        return bucket.store.delete_many(keys)


class Atomics(Errors):
    """`wasi:keyvalue/atomics`; the store counts in signed 64 bits."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant

    def increment(self, bucket: Bucket, key: str, delta: int) -> Reply[int]:
        """The sum, which must be from 0 to 2^63 - 1."""
        return sequence(_increment(bucket.store, key, delta), mixed=True)


def _increment(store: KeyValueStore, key: str, delta: int) -> Steps[int]:
    if delta > LARGEST:
        raise CapabilityError(f"can't increment key {key!r} by {delta}: at most {LARGEST}")
    total: int = yield store.increment(key, delta)
    if total < 0:
        # Another interface counted below zero, which this one has no number for.
        yield store.increment(key, -delta)
        raise CapabilityError(f"can't increment key {key!r}: its value is negative")
    return total


def _present(found: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes] | None]:
    return [None if value is None else (key, value) for key, value in found]
