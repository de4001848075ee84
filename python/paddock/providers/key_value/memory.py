"""A key-value store in this process's memory, for development and for caches.

Everything answers in place. `get` and `exists` are the dictionary's own bound
methods, so a call enters no Python code at all.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paddock.capabilities.key_value import PAGE, KeyPage, Snapshot, counted
from paddock.providers.options import Options


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """Has no options."""

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> MemoryConfig:
        """Read a `[key_value_store.X]` table."""
        del base
        Options(options, "a memory key-value store").done()
        return cls()


class MemoryStore:
    """The contract is `paddock.capabilities.key_value.KeyValueStore`.

    Writes hold a lock, never across anything slow, so that `increment` and
    `swap` see no write between their reading and their writing.
    """

    get: Callable[[str], bytes | None]
    exists: Callable[[str], bool]

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._sorted: list[str] | None = None
        self.get = self._data.get
        self.exists = self._data.__contains__

    def set(self, key: str, value: bytes, /) -> None:
        """Put a value; a new key makes the next listing sort again."""
        with self._lock:
            if key not in self._data:
                self._sorted = None
            self._data[key] = value

    def delete(self, key: str, /) -> None:
        """Remove a key; an absent one is no error."""
        with self._lock:
            self._data.pop(key, None)

    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> KeyPage:
        """Sorted keys; the cursor is the last key of the page before."""
        with self._lock:
            names = self._sorted
            if names is None:
                names = self._sorted = sorted(self._data)
        start = 0 if cursor is None else bisect_right(names, cursor)
        page = names[start : start + limit]
        more = start + limit < len(names)
        # The list outlives deletions, which would otherwise cost a search each.
        return KeyPage([key for key in page if key in self._data], page[-1] if more else None)

    def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
        """Values in the order asked."""
        get = self._data.get
        return [(key, get(key)) for key in keys]

    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> None:
        """All at once."""
        with self._lock:
            self._data.update(items)
            self._sorted = None

    def delete_many(self, keys: Sequence[str], /) -> None:
        """All at once."""
        with self._lock:
            for key in keys:
                self._data.pop(key, None)

    def increment(self, key: str, delta: int, /) -> int:
        """Count under the lock."""
        with self._lock:
            total = counted(self._data.get(key), delta, key)
            self._put(key, b"%d" % total)
        return total

    def snapshot(self, key: str, /) -> Snapshot:
        """The value itself is compared: there is no version."""
        return Snapshot(self._data.get(key))

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        """Compare and set under the lock."""
        with self._lock:
            if self._data.get(key) != expected.value:
                return False
            self._put(key, value)
        return True

    def close(self) -> None:
        """Nothing to let go: the data goes with the last reference."""

    def _put(self, key: str, value: bytes) -> None:
        if key not in self._data:
            self._sorted = None
        self._data[key] = value


class MemoryKeyValue:
    """`type = "memory"`: each opening is a new, empty store."""

    Config = MemoryConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> MemoryStore:
        """A store of its own for each opening, so applications never meet."""
        del config, application, name, state_dir
        return MemoryStore()
