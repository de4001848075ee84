"""The shipped suite finds the mistakes that it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from paddock.capabilities.blob import BlobStore, Download, NamePage, ObjectId, sorted_page
from paddock.errors import CapabilityError
from paddock.providers.blob.memory import MemoryBlobStore, MemoryUpload
from paddock.testing.blob import BlobSuite, suite


class Forgetful(MemoryBlobStore):
    def upload(self, container: str, name: str, /) -> MemoryUpload:
        return super().upload(container, name.strip())


class Early(MemoryBlobStore):
    """Shows an object while it is being written."""

    def upload(self, container: str, name: str, /) -> MemoryUpload:
        begun = super().upload(container, name)
        begun.write(b"")
        begun.finish()
        return super().upload(container, name)


class Kept(MemoryUpload):
    def abandon(self) -> None:
        self.finish()


class Leaving(MemoryBlobStore):
    """Takes what is abandoned for finished."""

    def upload(self, container: str, name: str, /) -> MemoryUpload:
        super().upload(container, name)
        return Kept(self, container, name)


class Endless(MemoryBlobStore):
    def objects(self, container: str, cursor: str | None = None, /, limit: int = 1000) -> NamePage:
        return NamePage(super().objects(container, None, limit).names, "again")


class Counting(MemoryBlobStore):
    """Its cursor is a number of names, which deletions make wrong."""

    def objects(self, container: str, cursor: str | None = None, /, limit: int = 1000) -> NamePage:
        names = sorted_page(super().objects(container, None, 10**6).names, None, 10**6).names
        start = int(cursor or 0)
        more = start + limit < len(names)
        return NamePage(names[start : start + limit], str(start + limit) if more else None)


class Inclusive(MemoryBlobStore):
    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        return super().read(container, name, start, None if end is None else end + 1)


class Destructive(MemoryBlobStore):
    """Moves an object onto itself by removing it."""

    def move(self, source: ObjectId, target: ObjectId, /) -> None:
        self.copy(source, target)
        self.delete(source.container, source.name)


class Whole(MemoryBlobStore):
    def read(
        self, container: str, name: str, start: int = 0, end: int | None = None, /
    ) -> Download:
        found = super().read(container, name, start, end)
        return Download(found.size, iter([b"".join(cast("Any", found.chunks))]))


@pytest.mark.parametrize(
    ("store", "test"),
    [
        (Forgetful, "test_names_are_told_apart_exactly"),
        (Early, "test_nothing_is_seen_of_an_object_before_it_is_finished"),
        (Early, "test_the_old_bytes_are_read_until_the_new_ones_are_complete"),
        (Leaving, "test_an_abandoned_object_leaves_nothing_behind"),
        (Endless, "test_pages_name_every_object_once"),
        (Counting, "test_a_cursor_outlives_changes_during_listing"),
        (Inclusive, "test_ranges_begin_and_end_where_they_should"),
        (Destructive, "test_moving_takes_an_object_away"),
        (Whole, "test_a_large_object_goes_both_ways_in_chunks"),
    ],
)
def test_a_faulty_store_fails(store: type[MemoryBlobStore], test: str) -> None:
    faulty = suite(lambda name: cast("BlobStore", store()))()
    faulty.setup_method()
    with pytest.raises((AssertionError, CapabilityError)):
        cast("Callable[[], None]", getattr(faulty, test))()
    faulty.teardown_method()


def test_a_subclass_must_give_stores() -> None:
    with pytest.raises(NotImplementedError):
        BlobSuite().make_store("name")
