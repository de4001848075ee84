"""The shipped suite finds the mistakes that it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.providers.key_value.memory import MemoryStore
from paddock.testing.key_value import KeyValueSuite, suite


class Forgetful(MemoryStore):
    def set(self, key: str, value: bytes, /) -> None:
        super().set(key.strip(), value)


class Endless(MemoryStore):
    def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
        return KeyPage(super().keys(None, limit=limit).keys, "again")


class Careless(MemoryStore):
    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        self.set(key, value)
        return True


class Racing(MemoryStore):
    def increment(self, key: str, delta: int, /) -> int:
        total = int(self.get(key) or b"0") + delta
        # Gives way exactly where another thread does harm.
        Path("/").exists()
        self.set(key, b"%d" % total)
        return total


@pytest.mark.parametrize(
    ("store", "test"),
    [
        (Forgetful, "test_keys_are_told_apart_exactly"),
        (Endless, "test_pages_hold_every_key_once"),
        (Careless, "test_a_swap_fails_when_the_key_changed"),
        (Racing, "test_threads_that_count_lose_nothing"),
        (Racing, "test_counting_reaches_both_ends_and_not_beyond"),
    ],
)
def test_a_faulty_store_fails(store: type[MemoryStore], test: str) -> None:
    faulty = suite(lambda name: cast("KeyValueStore", store()))()
    faulty.setup_method()
    run = cast("Callable[[], None]", getattr(faulty, test))

    def often() -> None:
        for _ in range(20):
            run()
            faulty.store.delete("n")

    with pytest.raises(AssertionError):
        often()
    faulty.teardown_method()


def test_a_subclass_must_give_stores() -> None:
    with pytest.raises(NotImplementedError):
        KeyValueSuite().make_store("name")
