"""`wasmcloud:keyvalue@0.2.0`: store, atomics, cas, batch, asynchronous, as wasmCloud has it.

Times to live are refused, as its WIT asks of a store that has none. A version is
made of the provider's own and the value's digest: where a provider has no
versions (all but NATS), a value that went and came back has its old version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.errors import (
    AccessDenied,
    BadName,
    CapabilityError,
    Exhausted,
    NotFound,
    TimedOut,
    TooLarge,
    Unavailable,
)
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import INTERNAL, Opener
from paddock.types import Err, Reply, Steps, Variant, sequence, then

#: The first class that fits gives the case.
_CASES: tuple[tuple[type[CapabilityError], str], ...] = (
    (AccessDenied, "access-denied"),
    (NotFound, "no-such-store"),
    (TooLarge, "invalid-argument"),
    (BadName, "invalid-argument"),
    (TimedOut, "timeout"),
    (Exhausted, "quota-exceeded"),
    (Unavailable, "store-unavailable"),
)


class SetOptions(Protocol):
    """The record `set-options`."""

    ttl_ms: int | None
    if_not_exists: bool


class CasOptions(Protocol):
    """The record `cas-options`."""

    require_version: str | None
    require_value: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The record `entry`."""

    value: bytes
    version: str


class Errors:
    """Gives a bound interface the variant `error`."""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        for kind, case in _CASES:
            if isinstance(exc, kind):
                return Variant(case)
        return Variant("other", exc.message if isinstance(exc, CapabilityError) else INTERNAL)


class Bucket:
    """The resource."""

    __slots__ = ("delete", "exists", "get", "store")

    def __init__(self, store: KeyValueStore) -> None:
        self.store = store
        self.get = store.get
        self.delete = store.delete
        self.exists = store.exists

    def set(self, key: str, value: bytes, options: SetOptions | None) -> Reply[None]:
        """Put a value; `if-not-exists` fails with precondition-failed where there is one."""
        if options is None:
            return self.store.set(key, value)
        if options.ttl_ms is not None:
            raise CapabilityError("ttl-ms is not supported: values stay until they are deleted")
        if not options.if_not_exists:
            return self.store.set(key, value)
        return sequence(_add(self.store, key, value), mixed=True)

    def list_keys(self, prefix: str | None, cursor: str | None) -> Reply[KeyPage]:
        """A page, which has the fields of the record `key-response`."""
        if not prefix:
            return self.store.keys(cursor)
        return sequence(_with_prefix(self.store, prefix, cursor), mixed=True)


class Store(Errors):
    """`wasmcloud:keyvalue/store`; the empty identifier is the default store."""

    __slots__ = ("_opener",)

    def __init__(self, grants: Grants) -> None:
        self._opener = Opener(grants, Bucket)

    def open(self, identifier: str) -> Bucket:
        """One bucket serves all who open it: it has no state."""
        return self._opener.open(identifier or "default")


class Types(Errors):
    """`wasmcloud:keyvalue/types`, where the resource is defined."""

    __slots__ = ()
    bucket = Bucket

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant


class Atomics(Errors):
    """`wasmcloud:keyvalue/atomics`."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant

    def increment(self, bucket: Bucket, key: str, delta: int) -> Reply[int]:
        """The sum."""
        return bucket.store.increment(key, delta)


class Cas(Errors):
    """`wasmcloud:keyvalue/cas`."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a bucket is the grant

    def current(self, bucket: Bucket, key: str) -> Reply[Entry | None]:
        """The value with its version; None for an absent key."""
        return then(bucket.store.snapshot(key), _entry)

    def swap(self, bucket: Bucket, key: str, value: bytes, options: CasOptions) -> Reply[Variant]:
        """`swapped`, or `stale` with what is there now."""
        if options.require_version is None and options.require_value is None:
            raise Err(Variant("invalid-argument"))
        return sequence(_swap(bucket.store, key, value, options), mixed=True)


class Batch(Errors):
    """`wasmcloud:keyvalue/batch`."""

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


def _entry(seen: Snapshot) -> Entry | None:
    if seen.value is None:
        return None
    digest = hashlib.sha256(seen.value).hexdigest()[:32]
    return Entry(seen.value, f"{seen.version}-{digest}")


def _add(store: KeyValueStore, key: str, value: bytes) -> Steps[None]:
    while True:
        seen: Snapshot = yield store.snapshot(key)
        if seen.value is not None:
            raise Err(Variant("precondition-failed"))
        added: bool = yield store.swap(key, seen, value)
        if added:
            return


def _swap(store: KeyValueStore, key: str, value: bytes, options: CasOptions) -> Steps[Variant]:
    while True:
        seen: Snapshot = yield store.snapshot(key)
        entry = _entry(seen)
        wanted = entry is not None and (
            options.require_version in (None, entry.version)
            and options.require_value in (None, entry.value)
        )
        if not wanted:
            return Variant("stale", entry)
        # Where somebody else was faster, it is asked anew whether the guest still wants to.
        swapped: bool = yield store.swap(key, seen, value)
        if swapped:
            return Variant("swapped")


def _with_prefix(store: KeyValueStore, prefix: str, cursor: str | None) -> Steps[KeyPage]:
    while True:
        page: KeyPage = yield store.keys(cursor)
        keys = [key for key in page.keys if key.startswith(prefix)]
        if keys or page.cursor is None:
            return KeyPage(keys, page.cursor)
        cursor = page.cursor


def _present(found: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes] | None]:
    return [None if value is None else (key, value) for key, value in found]
