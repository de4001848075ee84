"""What follows from six methods passes the suite, whatever kind of reply they give."""

from __future__ import annotations

import threading
from dataclasses import replace

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot
from paddock.capabilities.key_value_defaults import KeyValueDefaults
from paddock.testing.key_value import Requirements, suite
from paddock.types import blocking


class InPlace(KeyValueDefaults):
    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def get(self, key: str, /) -> bytes | None:
        return self.data.get(key)

    def set(self, key: str, value: bytes, /) -> None:
        # Or it could fall between what `swap` sees and what it writes.
        with self.lock:
            self.data[key] = value

    def delete(self, key: str, /) -> None:
        with self.lock:
            self.data.pop(key, None)

    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        left = sorted(key for key in [*self.data] if cursor is None or key > cursor)
        return KeyPage(left[:limit], left[limit - 1] if len(left) > limit else None)

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        with self.lock:
            same = self.data.get(key) == expected.value
            if same:
                self.data[key] = value
            return same

    def close(self) -> None: ...


class Blocking(InPlace):
    get = blocking(InPlace.get)  # type: ignore[assignment]
    set = blocking(InPlace.set)  # type: ignore[assignment]
    delete = blocking(InPlace.delete)  # type: ignore[assignment]
    keys = blocking(InPlace.keys)  # type: ignore[assignment]
    swap = blocking(InPlace.swap)  # type: ignore[assignment]


class Waiting(InPlace):
    async def get(self, key: str, /) -> bytes | None:  # type: ignore[override]
        return super().get(key)

    async def set(self, key: str, value: bytes, /) -> None:  # type: ignore[override]
        super().set(key, value)

    async def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:  # type: ignore[override]
        return super().swap(key, expected, value)


STORES: dict[tuple[type[InPlace], str], InPlace] = {}


def store(kind: type[InPlace], name: str) -> InPlace:
    return STORES.setdefault((kind, name), kind())


KEPT = Requirements(persistent=True)

TestInPlace = suite(lambda name: store(InPlace, name), KEPT)
TestBlocking = suite(lambda name: store(Blocking, name), KEPT)
# A coroutine is bound to its loop, so not to be called from several threads.
TestWaiting = suite(lambda name: store(Waiting, name), replace(KEPT, threads=False))
