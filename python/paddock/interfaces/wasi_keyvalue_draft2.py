"""`wasi:keyvalue@0.2.0-draft2`: store, batch, atomics, as Spin has it."""

from __future__ import annotations

from collections.abc import Sequence

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Direct, Errors, Opener, error_payload
from paddock.types import Err, Reply, Steps, Variant, sequence, then


class Bucket(Direct):
    """The resource."""

    __slots__ = ()

    def list_keys(self, cursor: str | None) -> Reply[KeyPage]:
        """A page, which has the fields of the record `key-response`."""
        return self.store.keys(cursor)


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
    ) -> Reply[list[tuple[str, bytes | None]]]:
        """Each key with its value, or None."""
        return bucket.store.get_many(keys)

    def set_many(self, bucket: Bucket, key_values: Sequence[tuple[str, bytes]]) -> Reply[None]:
        """Set all."""
        return bucket.store.set_many(key_values)

    def delete_many(self, bucket: Bucket, keys: Sequence[str]) -> Reply[None]:
        """Delete all."""
        return bucket.store.delete_many(keys)


class Cas:
    """The resource `cas`: what a key held when it was made."""

    __slots__ = ("key", "seen", "store")

    def __init__(self, store: KeyValueStore, key: str, seen: Snapshot) -> None:
        self.store = store
        self.key = key
        self.seen = seen

    @staticmethod
    def new(bucket: Bucket, key: str) -> Reply[Cas]:
        """Remembers what `key` holds now; a later `swap` compares with that."""
        return _watch(bucket.store, key)

    def current(self) -> bytes | None:
        """The value that was remembered."""
        return self.seen.value


class Atomics(Errors):
    """`wasi:keyvalue/atomics`."""

    __slots__ = ()
    cas = Cas

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant

    def increment(self, bucket: Bucket, key: str, delta: int) -> Reply[int]:
        """The sum."""
        return bucket.store.increment(key, delta)

    def swap(self, cas: Cas, value: bytes) -> Reply[None]:
        """Set the value unless the key changed; then cas-failed has a fresh `cas`."""
        return sequence(_swap(cas, value), mixed=True)


def _watch(store: KeyValueStore, key: str) -> Reply[Cas]:
    return then(store.snapshot(key), lambda seen: Cas(store, key, seen))


def _swap(cas: Cas, value: bytes) -> Steps[None]:
    try:
        swapped: bool = yield cas.store.swap(cas.key, cas.seen, value)
        fresh: Cas | None = None if swapped else (yield _watch(cas.store, cas.key))
    except Exception as error:
        # Only here is the error type not the interface's `error`, but one around it.
        raise Err(Variant("store-error", error_payload(error))) from error
    if fresh is not None:
        raise Err(Variant("cas-failed", fresh))
