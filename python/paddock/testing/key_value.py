"""The conformance suite for key-value providers, to be run by pytest.

    from paddock.testing.key_value import Requirements, suite

    TestEtcd = suite(lambda name: EtcdStore(prefix=name), Requirements(persistent=True))

or, where a store needs fixtures or cleaning up, a subclass:

    class TestEtcd(KeyValueSuite):
        requirements = Requirements(persistent=True)

        def make_store(self, name: str) -> KeyValueStore:
            return EtcdStore(prefix=name)

`make_store` answers an open store: two of one name share their data if the
provider is persistent, two of different names never do. It may answer a
coroutine; a store is only used on the event loop where it was opened. A persistent
one is also opened in threads with loops of their own, as two hosts would.
Each test uses names of its own, so nothing needs clearing between them.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, TypeAlias, TypeVar

from paddock.capabilities.key_value import LARGEST, SMALLEST, KeyPage, KeyValueStore
from paddock.errors import CapabilityError
from paddock.testing.suite import ProviderSuite, fresh, in_threads, plain
from paddock.types import Reply, resolve

T = TypeVar("T")

MakeStore: TypeAlias = Callable[[str], Reply[KeyValueStore]]
Work: TypeAlias = Callable[[KeyValueStore], Coroutine[object, object, None]]

#: Texts that have broken stores: blanks, patterns, separators, quotes, other scripts.
KEYS = (
    "a b", " a", "a ", "a/b", "a:b", "%", "_", "*", "a'b", 'a"b', "a\\b", "\x00", "a\nb", "é",
    "e\u0301", "日本", "🦆", "A", "a",
)  # fmt: skip
VALUES = (b"", b"\x00", b"text", bytes(range(256)), b"\xff\xfe", b"0")


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a provider claims beyond the contract, or can't do, as data.

    persistent: a store of the same name, opened after closing, has the data.
    empty_key: takes the empty key.
    largest_value: bytes that a value may have at least.
    longest_key: UTF-8 bytes that a key may have at least.
    many: keys used for listing and batches; lower it where each costs much.
    threads: tests at once from several threads; off for stores bound to a loop.
    """

    persistent: bool = False
    empty_key: bool = True
    largest_value: int = 1024 * 1024
    longest_key: int = 256
    many: int = 250
    threads: bool = True


class KeyValueSuite(ProviderSuite):
    """Subclass it under a name that begins with `Test`, and give `make_store`."""

    requirements: ClassVar[Requirements] = Requirements()

    def make_store(self, name: str) -> Reply[KeyValueStore]:
        """Open the store `name`."""
        raise NotImplementedError

    @cached_property
    def store(self) -> KeyValueStore:
        """The test's own store, opened at first use so that fixtures come before it."""
        return self.opened(fresh())

    def opened(self, name: str) -> KeyValueStore:
        """A store that is closed after the test."""
        return self.kept(self.value(self.make_store(name)))

    def test_an_absent_key_has_no_value(self) -> None:
        assert self.value(self.store.get("absent")) is None
        assert self.value(self.store.exists("absent")) is False

    def test_a_value_comes_back_as_it_was_set(self) -> None:
        for value in VALUES:
            assert self.value(self.store.set("key", value)) is None
            got = self.value(self.store.get("key"))
            assert type(got) is bytes
            assert got == value
            assert self.value(self.store.exists("key")) is True

    def test_keys_are_told_apart_exactly(self) -> None:
        for number, key in enumerate(KEYS):
            self.value(self.store.set(key, b"%d" % number))
        for number, key in enumerate(KEYS):
            assert self.value(self.store.get(key)) == b"%d" % number, repr(key)
        assert sorted(self._listed(self.store)) == sorted(KEYS)

    def test_the_empty_key_is_a_key(self) -> None:
        self.need("empty_key")
        self.value(self.store.set("", b"value"))
        assert self.value(self.store.get("")) == b"value"
        assert self._listed(self.store) == [""]

    def test_large_values_and_long_keys_are_kept(self) -> None:
        value = bytes(range(256)) * (self.requirements.largest_value // 256)
        key = "k" * self.requirements.longest_key
        self.value(self.store.set(key, value))
        assert self.value(self.store.get(key)) == value

    def test_deleting_can_be_repeated(self) -> None:
        self.value(self.store.set("key", b"value"))
        for _ in range(2):
            assert self.value(self.store.delete("key")) is None
            assert self.value(self.store.get("key")) is None
        self.value(self.store.set("key", b"again"))
        assert self.value(self.store.get("key")) == b"again"

    def test_stores_of_different_names_share_nothing(self) -> None:
        other = self.opened(fresh())
        self.value(self.store.set("key", b"mine"))
        assert self.value(other.get("key")) is None
        assert self._listed(other) == []

    def test_an_empty_store_lists_one_empty_page(self) -> None:
        page = self.value(self.store.keys(None))
        assert (list(page.keys), page.cursor) == ([], None)

    def test_pages_hold_every_key_once(self) -> None:
        names = self._filled()
        for limit in (1, 7, len(names), len(names) + 1):
            if len(names) // limit > 300:
                continue
            pages = list(self._pages(self.store, limit))
            assert all(len(page.keys) <= limit for page in pages)
            listed = [key for page in pages for key in page.keys]
            assert sorted(listed) == names

    def test_listing_survives_deletion_on_the_way(self) -> None:
        names = self._filled()
        seen: list[str] = []
        for page in self._pages(self.store, 10):
            seen += page.keys
            for key in page.keys:
                self.value(self.store.delete(key))
        assert sorted(seen) == names
        assert self._listed(self.store) == []

    def test_a_deleted_key_is_not_listed_and_a_new_one_is(self) -> None:
        self._filled()
        first = self._listed(self.store)
        self.value(self.store.delete(first[0]))
        self.value(self.store.set("a new one", b""))
        assert sorted(self._listed(self.store)) == sorted([*first[1:], "a new one"])

    def test_many_keys_are_read_in_the_order_asked(self) -> None:
        self.value(self.store.set_many([("a", b"1"), ("b", b"2"), ("c", b"")]))
        got = self.value(self.store.get_many(["c", "absent", "a", "a"]))
        assert [tuple(each) for each in got] == [
            ("c", b""), ("absent", None), ("a", b"1"), ("a", b"1"),
        ]  # fmt: skip
        assert list(self.value(self.store.get_many([]))) == []

    def test_of_a_key_set_twice_in_a_batch_the_last_counts(self) -> None:
        self.value(self.store.set_many([("a", b"1"), ("b", b"2"), ("a", b"3")]))
        assert self.value(self.store.get("a")) == b"3"
        self.value(self.store.set_many([]))

    def test_batches_may_be_large(self) -> None:
        names = self._filled()
        got = self.value(self.store.get_many(names))
        assert got == [(name, name.encode()) for name in names]
        assert self.value(self.store.delete_many([*names, "absent"])) is None
        assert self._listed(self.store) == []
        self.value(self.store.delete_many([]))

    def test_counting_starts_at_nothing_and_goes_both_ways(self) -> None:
        assert self.value(self.store.increment("n", 5)) == 5
        assert self.value(self.store.increment("n", -7)) == -2
        assert self.value(self.store.increment("n", 0)) == -2
        assert self.value(self.store.get("n")) == b"-2"

    def test_a_number_that_was_set_as_text_is_counted_on(self) -> None:
        self.value(self.store.set("n", b"41"))
        assert self.value(self.store.increment("n", 1)) == 42

    def test_counting_reaches_both_ends_and_not_beyond(self) -> None:
        for end, step in ((LARGEST, 1), (SMALLEST, -1)):
            self.value(self.store.delete("n"))
            assert self.value(self.store.increment("n", end)) == end
            self._fails(partial(self.store.increment, "n", step))
            assert self.value(self.store.get("n")) == b"%d" % end

    def test_what_is_no_number_is_not_counted(self) -> None:
        for value in (b"", b"text", b"1.5", b" 1", b"1_0", b"\xff", b"9" * 40):
            self.value(self.store.set("n", value))
            self._fails(partial(self.store.increment, "n", 1))
            assert self.value(self.store.get("n")) == value

    def test_a_swap_replaces_what_was_seen(self) -> None:
        seen = self.value(self.store.snapshot("key"))
        assert seen.value is None
        assert self.value(self.store.swap("key", seen, b"one")) is True
        seen = self.value(self.store.snapshot("key"))
        assert seen.value == b"one"
        assert self.value(self.store.swap("key", seen, b"two")) is True
        assert self.value(self.store.get("key")) == b"two"

    def test_a_swap_fails_when_the_key_changed(self) -> None:
        seen = self.value(self.store.snapshot("key"))
        self.value(self.store.set("key", b"other"))
        assert self.value(self.store.swap("key", seen, b"mine")) is False
        seen = self.value(self.store.snapshot("key"))
        self.value(self.store.delete("key"))
        assert self.value(self.store.swap("key", seen, b"mine")) is False
        assert self.value(self.store.get("key")) is None

    def test_threads_that_count_lose_nothing(self) -> None:
        self.need("threads")
        self._race(lambda store: plain(store.increment("n", 1)))
        assert self.value(self.store.get("n")) == b"200"

    def test_threads_that_swap_lose_nothing(self) -> None:
        self.need("threads")

        def add_one(store: KeyValueStore) -> None:
            while True:
                seen = plain(store.snapshot("n"))
                value = b"%d" % (int(seen.value or b"0") + 1)
                if plain(store.swap("n", seen, value)):
                    return

        self._race(add_one)
        assert self.value(self.store.get("n")) == b"200"

    def test_two_hosts_that_count_lose_nothing(self) -> None:
        self.need("persistent")

        async def count(store: KeyValueStore) -> None:
            for _ in range(10):
                await resolve(store.increment("n", 1))

        name = fresh()
        self._two_hosts(name, [count] * 4, [count] * 4)
        assert self.value(self.opened(name).get("n")) == b"80"

    def test_two_hosts_that_swap_lose_nothing(self) -> None:
        self.need("persistent")

        async def add_one(store: KeyValueStore) -> None:
            for _ in range(10):
                while True:
                    seen = await resolve(store.snapshot("n"))
                    value = b"%d" % (int(seen.value or b"0") + 1)
                    if await resolve(store.swap("n", seen, value)):
                        break

        name = fresh()
        self._two_hosts(name, [add_one] * 3, [add_one] * 3)
        assert self.value(self.opened(name).get("n")) == b"60"

    def test_a_swap_never_undoes_a_set_that_it_has_not_seen(self) -> None:
        self.need("persistent")
        done = threading.Event()

        async def put(store: KeyValueStore) -> None:
            try:
                for number in range(40):
                    value = b"%d" % number
                    await resolve(store.set("key", value))
                    # Until the other side has seen it; it may have seen the one before, too late.
                    for _ in range(10_000):
                        got = await resolve(store.get("key")) or b""
                        assert got.strip() == value
                        if got != value:
                            break
                        await asyncio.sleep(0)
            finally:
                done.set()

        async def mark(store: KeyValueStore) -> None:
            while not done.is_set():
                seen = await resolve(store.snapshot("key"))
                await resolve(store.swap("key", seen, (seen.value or b"") + b" "))
                # Lets the other side of this loop have its turn too.
                await asyncio.sleep(0)

        self._two_hosts(fresh(), [put], [mark])

    def test_a_cursor_is_good_on_another_host(self) -> None:
        self.need("persistent")
        name = fresh()
        store = self.opened(name)
        names = [f"key-{number:05}" for number in range(self.requirements.many)]
        self.value(store.set_many([(key, b"") for key in names]))
        seen: list[str] = []
        cursor: str | None = None
        for _ in range(len(names)):
            page = self._elsewhere(name, cursor)
            seen += page.keys
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(seen) == names

    def test_keys_that_stay_are_listed_once_while_others_come_and_go(self) -> None:
        names = self._filled()
        seen: list[str] = []
        for number, page in enumerate(self._pages(self.store, 17)):
            seen += page.keys
            come = [(f"key-{each:05}-{number}", b"") for each in range(0, len(names), 9)]
            self.value(self.store.set_many(come))
            self.value(self.store.delete_many([key for key, _ in come[::2]]))
        steady = [key for key in seen if key.count("-") == 1]
        assert sorted(steady) == names
        assert len(set(seen)) == len(seen)

    def test_a_batch_of_large_values_is_kept(self) -> None:
        size = self.requirements.largest_value // 4
        items = [(f"{number}", bytes([number]) * size) for number in range(12)]
        self.value(self.store.set_many(items))
        assert self.value(self.store.get_many([key for key, _ in items])) == items

    def test_data_outlives_closing(self) -> None:
        self.need("persistent")
        name = fresh()
        first = self.opened(name)
        self.value(first.set("key", b"value"))
        self.value(first.increment("n", 3))
        self.value(first.close())
        second = self.opened(name)
        assert self.value(second.get("key")) == b"value"
        assert self.value(second.increment("n", 1)) == 4

    def test_two_openings_see_each_others_writes(self) -> None:
        self.need("persistent")
        name = fresh()
        one, other = self.opened(name), self.opened(name)
        for writer, reader in ((one, other), (other, one)):
            value = uuid.uuid4().bytes
            self.value(writer.set("key", value))
            assert self.value(reader.get("key")) == value

    def test_closing_can_be_repeated(self) -> None:
        store = self.opened(fresh())
        for _ in range(2):
            self.value(store.close())

    def _filled(self) -> list[str]:
        names = [f"key-{number:05}" for number in range(self.requirements.many)]
        self.value(self.store.set_many([(name, name.encode()) for name in names]))
        return names

    def _pages(self, store: KeyValueStore, limit: int) -> Iterator[KeyPage]:
        cursor: str | None = None
        # More pages than keys would mean that the cursor does not move on.
        for _ in range(2 * self.requirements.many + 2):
            page = self.value(store.keys(cursor, limit=limit))
            yield page
            cursor = page.cursor
            if cursor is None:
                return
        raise AssertionError("the listing does not end")

    def _listed(self, store: KeyValueStore) -> list[str]:
        return [key for page in self._pages(store, 1000) for key in page.keys]

    def _fails(self, call: Callable[[], Reply[object]]) -> None:
        try:
            self.value(call())
        except CapabilityError:
            return
        raise AssertionError("expected a CapabilityError")

    def _race(self, work: Callable[[KeyValueStore], object]) -> None:
        # Opened here: threads that came first to the property would open several.
        store = self.store

        def loop() -> None:
            for _ in range(50):
                work(store)

        in_threads(*[loop] * 4)

    def _two_hosts(self, name: str, *sides: Sequence[Work]) -> None:
        """Each side in a thread with a loop and a store of its own, its works at once."""

        async def side(works: Sequence[Work]) -> None:
            store = await resolve(self.make_store(name))
            try:
                await asyncio.gather(*(work(store) for work in works))
            finally:
                await resolve(store.close())

        in_threads(*(partial(asyncio.run, side(works)) for works in sides))

    def _elsewhere(self, name: str, cursor: str | None) -> KeyPage:
        """A page of a store that is opened for it, on a loop of its own."""
        pages: list[KeyPage] = []

        async def list_(store: KeyValueStore) -> None:
            pages.append(await resolve(store.keys(cursor, 60)))

        self._two_hosts(name, [list_])
        return pages[0]


def suite(make_store: MakeStore, requirements: Requirements | None = None) -> type[KeyValueSuite]:
    """A test class for the stores that `make_store` opens; assign it to a `Test…` name."""

    class Suite(KeyValueSuite):
        def make_store(self, name: str) -> Reply[KeyValueStore]:
            return make_store(name)

    Suite.requirements = requirements or Requirements()
    return Suite
