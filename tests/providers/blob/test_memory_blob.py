"""The memory blob store: the shipped suite, and its limit."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from paddock.capabilities.blob import BlobStore, ObjectId
from paddock.errors import Exhausted
from paddock.providers.blob.memory import MemoryBlob, MemoryBlobStore, MemoryConfig
from paddock.providers.options import OptionError
from paddock.testing.blob import suite


def opened(name: str) -> BlobStore:
    return MemoryBlob.open(MemoryConfig(), application="app", name=name, state_dir=Path())


TestMemory = suite(opened)


def filled(size: int) -> MemoryBlobStore:
    store = MemoryBlobStore(limit=10)
    store.create_container("box")
    write(store, "thing", size)
    return store


def write(store: MemoryBlobStore, name: str, size: int) -> None:
    upload = store.upload("box", name)
    upload.write(b"x" * size)
    upload.finish()


def test_a_full_store_refuses_more_and_keeps_what_it_has() -> None:
    store = filled(6)
    with pytest.raises(Exhausted, match="full"):
        write(store, "more", 5)
    with pytest.raises(Exhausted, match="full"):
        store.copy(ObjectId("box", "thing"), ObjectId("box", "copy"))
    write(store, "more", 4)
    assert store.objects("box").names == ["more", "thing"]


@pytest.mark.parametrize("way", ["delete", "clear", "container", "abandon", "drop", "move"])
def test_room_is_given_back(way: str) -> None:
    store = filled(6)
    match way:
        case "delete":
            store.delete("box", "thing")
        case "clear":
            store.clear("box")
        case "container":
            store.delete_container("box")
            store.create_container("box")
        case "move":
            store.move(ObjectId("box", "thing"), ObjectId("box", "there"))
            store.delete("box", "there")
        case _:
            store.clear("box")
            upload = store.upload("box", "half")
            upload.write(b"x" * 10)
            if way == "abandon":
                upload.abandon()
            del upload
            gc.collect()
    write(store, "all", 10)


def test_replacing_counts_only_the_new_bytes() -> None:
    store = filled(5)
    for _ in range(10):
        write(store, "thing", 5)
    assert store.object_info("box", "thing").size == 5


def test_options_are_checked() -> None:
    assert MemoryConfig.from_table({"type": "memory"}) == MemoryConfig()
    assert MemoryConfig.from_table({"limit": 5}) == MemoryConfig(5)
    for table, key in (({"limit": 0}, "limit"), ({"path": "x"}, "path")):
        with pytest.raises(OptionError) as raised:
            MemoryConfig.from_table(table)
        assert raised.value.key == key
