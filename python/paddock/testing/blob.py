"""The conformance suite for blob store providers, to be run by pytest.

    from paddock.testing.blob import Requirements, suite

    TestCeph = suite(lambda name: CephStore(prefix=name), Requirements(persistent=True))

or, where a store needs fixtures or cleaning up, a subclass of `BlobSuite` with a
`make_store` of its own. It answers an open store: two of one name share their
data if the provider is persistent, two of different names never do. It may
answer a coroutine; all of one test runs on one event loop.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar, TypeAlias, TypeVar, cast

from paddock.capabilities.blob import (
    CHUNK,
    BlobStore,
    Download,
    NamePage,
    ObjectId,
    store_object,
)
from paddock.errors import CapabilityError, NotFound
from paddock.testing.suite import ProviderSuite, fresh, in_threads, plain
from paddock.types import Reply

T = TypeVar("T")

MakeStore: TypeAlias = Callable[[str], Reply[BlobStore]]

#: Texts that have broken stores: blanks, patterns, separators, quotes, ways out of a folder.
NAMES = (
    "a b", " a", "a ", "a:b", "%", "%41", "_", "*", "a'b", 'a"b', "a\\b", "a\nb", "é", "e\u0301",
    "日本", "🦆", "A", "a", "#", "?", "..", ".", ".hidden", "../../up", "x/y/z", "/x", "x//y", "x/",
    "x/../y", "CON", "$O.a.>", "a+b&c=d", "<x>",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a provider claims beyond the contract, or can't do, as data.

    persistent: a store of the same name, opened after closing, has the data.
    beneath: an object `a/b` may stand beside an object `a`.
    longest_name: UTF-8 bytes that a name of an object may have at least.
    large: bytes of the largest object of the tests.
    many: objects used for listing; lower it where each costs much.
    reads_go_on: who began to read gets the old bytes after the object is replaced.
    threads: tests at once from several threads; off for stores bound to a loop.
    """

    persistent: bool = False
    beneath: bool = True
    longest_name: int = 500
    large: int = 3 * 1024 * 1024 + 17
    many: int = 60
    reads_go_on: bool = True
    threads: bool = True


class BlobSuite(ProviderSuite):
    """Subclass it under a name that begins with `Test`, and give `make_store`."""

    requirements: ClassVar[Requirements] = Requirements()

    def make_store(self, name: str) -> Reply[BlobStore]:
        """Open the store `name`."""
        raise NotImplementedError

    @cached_property
    def store(self) -> BlobStore:
        """The test's own store with the container `box`, opened at first use."""
        store = self.opened(fresh())
        assert self.value(store.create_container("box")) is True
        return store

    def opened(self, name: str) -> BlobStore:
        """A store that is closed after the test."""
        return self.kept(self.value(self.make_store(name)))

    def put(self, name: str, data: bytes, container: str = "box") -> None:
        """Write an object in chunks as a guest does."""
        chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
        self.stored(self.store, container, name, chunks)

    def stored(self, store: BlobStore, container: str, name: str, chunks: Iterable[bytes]) -> None:
        """Write an object into any store."""
        reply: Reply[None] = store_object(store, container, name, chunks)
        self.value(reply)

    def get(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Read an object, or a part of it."""
        return self.data(self.value(self.store.read("box", name, start, end)))

    def data(self, download: Download) -> bytes:
        """All bytes of a download; its promises are checked."""
        chunks = list(self.chunks(download))
        assert all(type(chunk) is bytes and 0 < len(chunk) <= CHUNK for chunk in chunks)
        data = b"".join(chunks)
        assert len(data) == download.size
        return data

    def chunks(self, download: Download) -> Iterator[bytes]:
        """One by one."""
        if not isinstance(download.chunks, AsyncIterable):
            yield from download.chunks
            return
        items = aiter(download.chunks)
        while True:
            try:
                yield self.loop.run_until_complete(anext(items))
            except StopAsyncIteration:
                return

    def test_an_object_comes_back_as_it_was_written(self) -> None:
        for data in (b"", b"\x00", b"text", bytes(range(256)) * 10):
            self.put("thing", data)
            assert self.get("thing") == data
            info = self.value(self.store.object_info("box", "thing"))
            assert (info.container, info.name, info.size) == ("box", "thing", len(data))
            assert abs(info.created - time.time_ns()) < 3600 * 10**9
            assert self.value(self.store.has_object("box", "thing")) is True

    def test_a_large_object_goes_both_ways_in_chunks(self) -> None:
        data = bytes(range(251)) * (self.requirements.large // 251)
        self.put("large", data)
        assert self.get("large") == data
        assert self.value(self.store.object_info("box", "large")).size == len(data)

    def test_ranges_begin_and_end_where_they_should(self) -> None:
        data = bytes(range(256)) * 2000
        self.put("thing", data)
        for start, end in (
            (0, 1), (0, len(data)), (5, 5), (1, None), (255, 300_000), (len(data) - 1, None),
            (131_071, 131_073), (200_000, 2**60),
        ):  # fmt: skip
            assert self.get("thing", start, end) == data[start:end], (start, end)

    def test_what_lies_beyond_an_object_is_nothing(self) -> None:
        self.put("thing", b"0123456789")
        self.put("empty", b"")
        assert self.get("thing", 5, 100) == b"56789"
        for start, end in ((10, None), (10, 20), (11, 12), (7, 3), (2**60, None)):
            assert self.get("thing", start, end) == b"", (start, end)
        for start, end in ((0, 1), (0, None), (3, 9)):
            assert self.get("empty", start, end) == b""

    def test_names_are_told_apart_exactly(self) -> None:
        names = [name for name in NAMES if self.requirements.beneath or "/" not in name]
        for number, name in enumerate(names):
            self.put(name, b"%d" % number)
        for number, name in enumerate(names):
            assert self.get(name) == b"%d" % number, repr(name)
        assert sorted(self.listed("box")) == sorted(names)
        for name in names:
            self.value(self.store.delete("box", name))
        assert self.listed("box") == []

    def test_an_object_may_stand_beneath_another(self) -> None:
        self.need("beneath")
        for name in ("a", "a/b", "a/b/c"):
            self.put(name, name.encode())
        assert sorted(self.listed("box")) == ["a", "a/b", "a/b/c"]
        self.value(self.store.delete("box", "a/b"))
        assert self.get("a/b/c") == b"a/b/c"

    def test_containers_of_any_name_are_told_apart(self) -> None:
        names = [name for name in NAMES if "/" not in name or self.requirements.beneath]
        for name in names:
            assert self.value(self.store.create_container(name)) is True, repr(name)
            self.put("thing", name.encode(), name)
        for name in names:
            download = self.value(self.store.read(name, "thing"))
            assert self.data(download) == name.encode()
        assert sorted(self.contained()) == sorted(["box", *names])

    def test_long_names_are_kept(self) -> None:
        name = "é" + "n" * (self.requirements.longest_name - 2)
        self.put(name, b"value")
        assert self.get(name) == b"value"
        assert self.listed("box") == [name]
        self.value(self.store.delete("box", name))
        assert self.listed("box") == []

    def test_a_container_is_made_once(self) -> None:
        self.put("thing", b"value")
        assert self.value(self.store.create_container("box")) is False
        assert self.get("thing") == b"value"
        assert self.value(self.store.has_container("box")) is True
        info = self.value(self.store.container_info("box"))
        assert info.name == "box"
        assert abs(info.created - time.time_ns()) < 3600 * 10**9

    def test_a_container_goes_with_its_objects(self) -> None:
        self.put("thing", b"value")
        for _ in range(2):
            assert self.value(self.store.delete_container("box")) is None
        assert self.value(self.store.has_container("box")) is False
        self.fails(lambda: self.store.container_info("box"), NotFound)
        assert self.value(self.store.has_object("box", "thing")) is False
        assert self.value(self.store.create_container("box")) is True
        assert self.listed("box") == []
        self.fails(lambda: self.store.read("box", "thing"), NotFound)

    def test_what_is_absent_is_not_found(self) -> None:
        store = self.store
        assert self.value(store.has_object("box", "absent")) is False
        assert self.value(store.has_container("absent")) is False
        self.fails(lambda: store.object_info("box", "absent"), NotFound)
        self.fails(lambda: store.read("box", "absent"), NotFound)
        self.fails(lambda: store.read("absent", "thing"), NotFound)
        self.fails(lambda: store.object_info("absent", "thing"), NotFound)
        absent, thing = ObjectId("box", "absent"), ObjectId("box", "thing")
        self.fails(lambda: store.copy(absent, thing), NotFound)
        self.fails(lambda: store.move(absent, thing), NotFound)
        self.fails(lambda: store_object(store, "absent", "thing", [b"x"]), NotFound)
        self.put("thing", b"value")
        self.fails(lambda: store.copy(thing, ObjectId("absent", "thing")), NotFound)
        self.fails(lambda: store.move(thing, ObjectId("absent", "thing")), NotFound)
        assert self.get("thing") == b"value"

    def test_nothing_is_seen_of_an_object_before_it_is_finished(self) -> None:
        upload = self.value(self.store.upload("box", "thing"))
        for _ in range(5):
            self.value(upload.write(b"x" * CHUNK))
        assert self.value(self.store.has_object("box", "thing")) is False
        assert self.listed("box") == []
        self.fails(lambda: self.store.read("box", "thing"), NotFound)
        self.value(upload.finish())
        assert self.get("thing") == b"x" * (5 * CHUNK)

    def test_the_old_bytes_are_read_until_the_new_ones_are_complete(self) -> None:
        self.put("thing", b"old")
        upload = self.value(self.store.upload("box", "thing"))
        self.value(upload.write(b"new"))
        assert self.get("thing") == b"old"
        self.value(upload.finish())
        assert self.get("thing") == b"new"

    def test_an_abandoned_object_leaves_nothing_behind(self) -> None:
        self.put("kept", b"old")
        for name in ("thing", "kept"):
            upload = self.value(self.store.upload("box", name))
            for _ in range(self.requirements.large // CHUNK):
                self.value(upload.write(b"x" * CHUNK))
            for _ in range(2):
                self.value(upload.abandon())
        assert self.listed("box") == ["kept"]
        assert self.get("kept") == b"old"

    def test_abandoning_a_finished_object_changes_nothing(self) -> None:
        upload = self.value(self.store.upload("box", "thing"))
        self.value(upload.write(b"value"))
        self.value(upload.finish())
        self.value(upload.abandon())
        assert self.get("thing") == b"value"

    def test_an_object_in_a_container_that_went_is_not_written(self) -> None:
        upload = self.value(self.store.upload("box", "thing"))
        self.value(upload.write(b"value"))
        self.value(self.store.delete_container("box"))
        try:
            self.value(upload.finish())
        except CapabilityError:
            self.value(upload.abandon())
        assert self.value(self.store.has_object("box", "thing")) is False

    def test_who_reads_an_object_gets_all_of_it_although_it_is_replaced(self) -> None:
        self.need("reads_go_on")
        changes: tuple[Callable[[], None], ...] = (
            lambda: self.put("thing", b"new" * CHUNK),
            lambda: self.value(self.store.delete("box", "thing")),
        )
        for change in changes:
            self.put("thing", b"old" * CHUNK)
            download = self.value(self.store.read("box", "thing"))
            items = self.chunks(download)
            first = next(items)
            change()
            assert first + b"".join(items) == b"old" * CHUNK

    def test_reading_may_stop_half_way(self) -> None:
        data = b"x" * self.requirements.large
        self.put("thing", data)
        for _ in range(20):
            next(self.chunks(self.value(self.store.read("box", "thing"))))
        assert self.get("thing") == data

    def test_pages_name_every_object_once(self) -> None:
        names = self._filled()
        for limit in (1000, len(names), 7):
            listed = [name for page in self.pages("box", limit) for name in page.names]
            assert sorted(listed) == names
        assert all(len(page.names) <= 7 for page in self.pages("box", 7))

    def test_a_cursor_outlives_changes_during_listing(self) -> None:
        names = self._filled()
        listed: list[str] = []
        for number, page in enumerate(self.pages("box", 9)):
            listed += page.names
            if number == 1:
                for name in names[::3]:
                    self.value(self.store.delete("box", name))
                self.put("zzz", b"")
        for name in names[1::3] + names[2::3]:
            assert listed.count(name) == 1
        assert max(listed.count(name) for name in listed) == 1

    def test_an_empty_container_has_no_names(self) -> None:
        assert [page.names for page in self.pages("box", 1000)] == [[]]

    def test_deleting_can_be_repeated(self) -> None:
        self.put("thing", b"value")
        for _ in range(2):
            assert self.value(self.store.delete("box", "thing")) is None
            assert self.value(self.store.has_object("box", "thing")) is False
        names = self._filled()
        for _ in range(2):
            assert self.value(self.store.delete_many("box", [*names, "absent"])) is None
        assert self.listed("box") == []
        self.value(self.store.delete_many("box", []))

    def test_clearing_leaves_an_empty_container(self) -> None:
        self._filled()
        assert self.value(self.store.create_container("other")) is True
        self.put("thing", b"value", "other")
        assert self.value(self.store.clear("box")) is None
        assert self.listed("box") == []
        assert self.value(self.store.has_container("box")) is True
        assert self.listed("other") == ["thing"]

    def test_copies_are_independent(self) -> None:
        data = b"value" * CHUNK
        self.value(self.store.create_container("other"))
        self.put("thing", data)
        self.put("there", b"something else")
        source = ObjectId("box", "thing")
        for target in (ObjectId("box", "there"), ObjectId("other", "thing"), source):
            assert self.value(self.store.copy(source, target)) is None
        self.put("thing", b"changed")
        assert self.get("there") == data
        assert self.data(self.value(self.store.read("other", "thing"))) == data

    def test_moving_takes_an_object_away(self) -> None:
        data = b"value" * CHUNK
        self.value(self.store.create_container("other"))
        self.put("thing", data)
        self.put("there", b"something else")
        first, second = ObjectId("box", "thing"), ObjectId("box", "there")
        third = ObjectId("other", "there")
        for source, target in ((first, second), (second, third), (third, third)):
            assert self.value(self.store.move(source, target)) is None
        assert self.data(self.value(self.store.read("other", "there"))) == data
        assert self.listed("box") == []

    def test_empty_names_are_refused(self) -> None:
        self.fails(lambda: self.store.create_container(""), CapabilityError)
        self.fails(lambda: store_object(self.store, "box", "", [b"x"]), CapabilityError)

    def test_writers_at_once_leave_one_whole_object(self) -> None:
        uploads = [self.value(self.store.upload("box", "thing")) for _ in range(4)]
        for _ in range(8):
            for letter, upload in zip(b"abcd", uploads, strict=True):
                self.value(upload.write(bytes([letter]) * CHUNK))
        for upload in uploads:
            self.value(upload.finish())
        assert self.get("thing") in {bytes([letter]) * (8 * CHUNK) for letter in b"abcd"}

    def test_threads_write_and_read_at_once(self) -> None:
        self.need("threads")
        store = self.store

        def work(number: int) -> None:
            for turn in range(20):
                name, data = f"{number}-{turn}", b"%d" % turn
                upload = plain(store.upload("box", name))
                plain(upload.write(data))
                plain(upload.finish())
                found = plain(store.read("box", name))
                assert b"".join(cast("Iterator[bytes]", found.chunks)) == data

        in_threads(*(partial(work, number) for number in range(4)))
        assert len(self.listed("box")) == 80

    def test_data_outlives_closing(self) -> None:
        self.need("persistent")
        name = fresh()
        first = self.opened(name)
        self.value(first.create_container("box"))
        self.stored(first, "box", "thing", [b"va", b"lue"])
        self.value(first.close())
        second = self.opened(name)
        assert self.data(self.value(second.read("box", "thing"))) == b"value"
        assert self.value(second.containers()).names == ["box"]

    def test_two_openings_see_each_others_writes(self) -> None:
        self.need("persistent")
        name = fresh()
        one, other = self.opened(name), self.opened(name)
        assert self.value(one.create_container("box")) is True
        assert self.value(other.create_container("box")) is False
        for writer, reader in ((one, other), (other, one)):
            data = uuid.uuid4().bytes
            self.stored(writer, "box", "thing", [data])
            assert self.data(self.value(reader.read("box", "thing"))) == data

    def test_stores_of_different_names_share_nothing(self) -> None:
        self.put("thing", b"value")
        other = self.opened(fresh())
        assert self.value(other.containers()).names == []
        assert self.value(other.has_object("box", "thing")) is False

    def test_closing_can_be_repeated(self) -> None:
        store = self.opened(fresh())
        for _ in range(2):
            self.value(store.close())

    def pages(self, container: str, limit: int) -> Iterator[NamePage]:
        """All pages of a container's names."""
        cursor: str | None = None
        # More pages than names would mean that the cursor does not move on.
        for _ in range(2 * self.requirements.many + 100):
            page = self.value(self.store.objects(container, cursor, limit=limit))
            yield page
            cursor = page.cursor
            if cursor is None:
                return
        raise AssertionError("the listing does not end")

    def listed(self, container: str) -> list[str]:
        """All names of a container."""
        return [name for page in self.pages(container, 1000) for name in page.names]

    def contained(self) -> list[str]:
        """All containers, in small pages."""
        names: list[str] = []
        cursor: str | None = None
        for _ in range(200):
            page = self.value(self.store.containers(cursor, limit=5))
            names += page.names
            cursor = page.cursor
            if cursor is None:
                return names
        raise AssertionError("the listing does not end")

    def fails(self, call: Callable[[], Reply[object]], kind: type[CapabilityError]) -> None:
        """The call raises an error of that kind."""
        try:
            self.value(call())
        except kind:
            return
        raise AssertionError(f"expected a {kind.__name__}")

    def _filled(self) -> list[str]:
        names = [f"name-{number:05}" for number in range(self.requirements.many)]
        for name in names:
            self.put(name, name.encode())
        return names


def suite(make_store: MakeStore, requirements: Requirements | None = None) -> type[BlobSuite]:
    """A test class for the stores that `make_store` opens; assign it to a `Test…` name."""

    class Suite(BlobSuite):
        def make_store(self, name: str) -> Reply[BlobStore]:
            return make_store(name)

    Suite.requirements = requirements or Requirements()
    return Suite
