"""The shipped suite finds the mistakes that it is there to find."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.providers.key_value.memory import MemoryStore
from paddock.testing.key_value import KeyValueSuite, Requirements, suite


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


class Twice(MemoryStore):
    """Lists some keys again, as SCAN does."""

    def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
        page = super().keys(cursor, limit=limit)
        again = [] if cursor is None else ["key-00001"]
        return KeyPage([*again, *page.keys], page.cursor)


class Skipping(MemoryStore):
    """Has a cursor that is a number of keys."""

    def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
        names, start = sorted(self._data), int(cursor or 0)
        more = start + limit < len(names)
        return KeyPage(names[start : start + limit], f"{start + limit}" if more else None)


@pytest.mark.parametrize(
    ("store", "test"),
    [
        (Forgetful, "test_keys_are_told_apart_exactly"),
        (Endless, "test_pages_hold_every_key_once"),
        (Careless, "test_a_swap_fails_when_the_key_changed"),
        (Racing, "test_threads_that_count_lose_nothing"),
        (Racing, "test_counting_reaches_both_ends_and_not_beyond"),
        (Twice, "test_keys_that_stay_are_listed_once_while_others_come_and_go"),
        (Skipping, "test_listing_survives_deletion_on_the_way"),
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


class Slow(MemoryStore):
    """Counts and swaps in two steps."""

    def increment(self, key: str, delta: int, /) -> int:
        total = int(self.get(key) or b"0") + delta
        time.sleep(0.0005)
        self.set(key, b"%d" % total)
        return total

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        if self.get(key) != expected.value:
            return False
        time.sleep(0.0005)
        self.set(key, value)
        return True


@pytest.mark.parametrize(
    "test",
    [
        "test_two_hosts_that_count_lose_nothing",
        "test_two_hosts_that_swap_lose_nothing",
        "test_a_swap_never_undoes_a_set_that_it_has_not_seen",
    ],
)
def test_two_hosts_find_a_store_that_is_not_atomic(test: str) -> None:
    shared: dict[str, MemoryStore] = {}
    faulty = suite(
        lambda name: cast("KeyValueStore", shared.setdefault(name, Slow())),
        Requirements(persistent=True),
    )()
    faulty.setup_method()
    with pytest.raises(AssertionError):
        for _ in range(20):
            getattr(faulty, test)()
    faulty.teardown_method()


def test_a_cursor_of_one_host_alone_is_found() -> None:
    class Private(MemoryStore):
        """Remembers where a listing is."""

        def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
            if cursor is not None and cursor not in seen.get(id(self), ()):
                return KeyPage([])
            page = super().keys(cursor, limit=limit)
            seen.setdefault(id(self), []).append(page.cursor)
            return page

    seen: dict[int, list[str | None]] = {}
    data: dict[str, dict[str, bytes]] = {}

    def opened(name: str) -> KeyValueStore:
        store = Private()
        store._data = data.setdefault(name, {})
        return cast("KeyValueStore", store)

    faulty = suite(opened, Requirements(persistent=True))()
    faulty.setup_method()
    with pytest.raises(AssertionError):
        faulty.test_a_cursor_is_good_on_another_host()
    faulty.teardown_method()


def test_a_subclass_must_give_stores() -> None:
    with pytest.raises(NotImplementedError):
        KeyValueSuite().make_store("name")
