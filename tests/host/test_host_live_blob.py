"""A blob store is moved to another provider while it is used."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from tests.interfaces.blob_guest import LaterStore

from paddock.capabilities.blob import BlobStore, ObjectId, collected, store_object
from paddock.errors import CapabilityError, NotFound, Unavailable
from paddock.host.live import Live, empty_check, wrapped
from paddock.host.live.blob import LiveBlob
from paddock.providers.blob.filesystem import FilesystemStore
from paddock.providers.blob.memory import MemoryBlobStore
from paddock.testing.blob import Requirements, suite
from paddock.types import resolve

TestLiveMemory = suite(lambda name: LiveBlob(MemoryBlobStore()), Requirements(threads=False))


@pytest.fixture(params=["memory", "later", "filesystem"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], BlobStore]:
    numbers = itertools.count()

    def made() -> BlobStore:
        match request.param:
            case "memory":
                return MemoryBlobStore()
            case "later":
                return cast("BlobStore", LaterStore())
        return FilesystemStore(tmp_path / f"{next(numbers)}", "app")

    return made


def ignore(copied: int) -> None:
    del copied


async def contents(store: BlobStore) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for container in (await resolve(store.containers())).names:
        names = (await resolve(store.objects(container, None, limit=1_000_000))).names
        found[container] = {
            name: await collected(await resolve(store.read(container, name))) for name in names
        }
    return found


async def filled(store: BlobStore) -> dict[str, dict[str, bytes]]:
    for container in ("box", "other", "empty"):
        await resolve(store.create_container(container))
    for number in range(30):
        await store_object(store, "box", f"name/{number}", [b"%d" % number])
    await store_object(store, "other", "large", [b"x" * 65536] * 20)
    return await contents(store)


async def switch(live: LiveBlob, target: BlobStore) -> int:
    move = await live.migrate(target, ignore)
    await move.hold()
    move.commit(target)
    return move.copied


async def test_everything_is_copied_and_calls_go_on_there(make: Callable[[], BlobStore]) -> None:
    old, new = make(), make()
    live = LiveBlob(old)
    before = await filled(live)
    told: list[int] = []
    move = await live.migrate(new, told.append)
    await move.hold()
    move.commit(new)
    assert move.copied == told[-1] == 31
    assert await contents(new) == await contents(live) == before
    await store_object(live, "box", "new", [b"value"])
    assert await resolve(new.has_object("box", "new")) is True
    assert await resolve(old.has_object("box", "new")) is False


async def test_what_is_written_during_the_copy_is_carried_over(
    make: Callable[[], BlobStore],
) -> None:
    old, new = make(), make()
    live = LiveBlob(old)
    await filled(live)
    move = await live.migrate(new, ignore)
    await store_object(live, "box", "name/1", [b"changed"])
    await store_object(live, "box", "late", [b"late"])
    await live.delete("box", "name/2")
    await live.delete_many("box", ["name/3", "name/4"])
    await live.copy(ObjectId("box", "name/5"), ObjectId("other", "copy"))
    await live.move(ObjectId("box", "name/6"), ObjectId("box", "moved"))
    await live.clear("other")
    await live.create_container("more")
    await store_object(live, "more", "a", [b"a"])
    await live.delete_container("empty")
    await live.delete_container("other")
    await live.create_container("other")
    await store_object(live, "other", "again", [b"again"])
    await move.hold()
    assert await contents(new) == await contents(old)
    move.commit(new)
    assert await contents(live) == await contents(old)


async def test_a_write_that_comes_at_the_last_moment_waits_and_goes_to_the_new_store(
    make: Callable[[], BlobStore],
) -> None:
    old, new = make(), make()
    live = LiveBlob(old)
    await filled(live)
    move = await live.migrate(new, ignore)
    await move.hold()
    writing = asyncio.create_task(store_object(live, "box", "late", [b"value"]))
    upload = await live.upload("box", "begun")
    await resolve(upload.write(b"value"))
    finishing = asyncio.create_task(upload.finish())
    assert await collected(await resolve(live.read("box", "name/1"))) == b"1"
    assert not writing.done()
    assert not finishing.done()
    move.commit(new)
    await asyncio.gather(writing, finishing)
    for name in ("late", "begun"):
        assert await collected(await resolve(new.read("box", name))) == b"value"


async def test_an_object_that_is_being_written_is_there_after_the_move(
    make: Callable[[], BlobStore],
) -> None:
    live, new = LiveBlob(make()), make()
    await filled(live)
    upload = await live.upload("box", "slow")
    dropped = await live.upload("box", "dropped")
    for each in (upload, dropped):
        await resolve(each.write(b"first "))
    await switch(live, new)
    assert await resolve(live.has_object("box", "slow")) is False
    await resolve(upload.write(b"second"))
    await upload.finish()
    await resolve(dropped.abandon())
    for store in (live, new):
        assert await collected(await resolve(store.read("box", "slow"))) == b"first second"
    assert await resolve(new.has_object("box", "dropped")) is False


async def test_who_reads_goes_on_reading_where_it_began(make: Callable[[], BlobStore]) -> None:
    live, new = LiveBlob(make()), make()
    await filled(live)
    download = await resolve(live.read("other", "large"))
    await switch(live, new)
    await resolve(new.clear("other"))
    assert len(await collected(download)) == 20 * 65536


async def test_a_migration_that_is_given_up_changes_nothing(make: Callable[[], BlobStore]) -> None:
    old, new = make(), make()
    live = LiveBlob(old)
    await filled(live)
    for late in (False, True):
        move = await live.migrate(new, ignore)
        if late:
            await move.hold()
        move.abandon()
        await store_object(live, "box", "after", [b"value"])
        assert await resolve(old.has_object("box", "after")) is True
    assert await switch(live, new) == 32


async def test_a_store_is_not_moved_onto_itself(tmp_path: Path) -> None:
    live = LiveBlob(FilesystemStore(tmp_path, "app"))
    before = await filled(live)
    with pytest.raises(CapabilityError, match="same one"):
        await live.migrate(FilesystemStore(tmp_path, "app"), ignore)
    assert await contents(live) == before


async def test_a_copy_that_fails_leaves_the_store_as_it_was(make: Callable[[], BlobStore]) -> None:
    class Full(MemoryBlobStore):
        pass

    live = LiveBlob(make())
    before = await filled(live)
    with pytest.raises(CapabilityError, match="full"):
        await live.migrate(Full(limit=1000), ignore)
    await store_object(live, "box", "after", [b"value"])
    assert await contents(live) == {**before, "box": {**before["box"], "after": b"value"}}


async def test_nothing_is_lost_and_nothing_fails_when_it_moves_under_load(
    make: Callable[[], BlobStore],
) -> None:
    live = LiveBlob(make())
    await live.create_container("box")
    written: dict[str, bytes] = {}
    gone: set[str] = set()
    done = False

    async def work(number: int) -> None:
        for turn in itertools.count():
            if done:
                return
            name, data = f"{number}-{turn}", b"%d" % turn
            # Between two calls a guest is elsewhere.
            await asyncio.sleep(0)
            await store_object(live, "box", name, [data])
            written[name] = data
            assert await collected(await resolve(live.read("box", name))) == data
            if turn % 3 == 0:
                await live.delete("box", name)
                gone.add(name)

    tasks = [asyncio.create_task(work(number)) for number in range(6)]
    # Each move begins where the one before ended, as in a host.
    chain = live
    for _ in range(3):
        successor = LiveBlob(make())
        await switch(chain, cast("BlobStore", successor))
        chain = successor
        seen = len(written)
        while len(written) < seen + 30:
            await asyncio.sleep(0)
    done = True
    await asyncio.gather(*tasks)
    kept = {name: data for name, data in written.items() if name not in gone}
    assert (await contents(chain))["box"] == kept
    assert len(kept) > 60


async def test_a_write_does_not_wait_for_ever(
    make: Callable[[], BlobStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    from paddock.host.live import gate

    monkeypatch.setattr(gate, "PATIENCE", 0.05)
    live = LiveBlob(make())
    await live.create_container("box")
    move = await live.migrate(make(), ignore)
    await move.hold()
    with pytest.raises(Unavailable, match="being moved"):
        await live.create_container("late")
    move.abandon()
    assert await live.create_container("late") is True


async def test_the_host_hands_blob_stores_out_behind_what_can_move_them() -> None:
    live = wrapped("blob", MemoryBlobStore())
    assert isinstance(live, Live)
    assert await empty_check("blob")(live) is True
    await cast("LiveBlob", live).create_container("box")
    assert await empty_check("blob")(live) is False
    with pytest.raises(NotFound):
        await resolve(cast("LiveBlob", live).read("box", "absent"))
