"""The blob trigger: each object is told of until it was handled, and again when it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from paddock.capabilities.blob import BlobStore
from paddock.errors import ManifestError, NotFound
from paddock.providers.options import Options
from paddock.providers.registry import find
from paddock.triggers import blob
from paddock.triggers.blob import BlobTrigger
from paddock.triggers.source import Context, Event
from paddock.types import resolve

HANDLER = ("wasmcloud:messaging/handler@0.2.0",)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[BlobStore]:
    provider = find("blob", "filesystem")
    config = provider.Config.from_table({}, None)
    opened = provider.open(config, application="app", name="default", state_dir=tmp_path)
    store: BlobStore = opened  # type: ignore[assignment]
    await resolve(store.create_container("inbox"))
    yield store
    await resolve(store.close())


async def put(store: BlobStore, name: str, data: bytes) -> None:
    upload = await resolve(store.upload("inbox", name))
    await resolve(upload.write(data))
    await resolve(upload.finish())


def trigger(store: BlobStore, tmp_path: Path, **options: object) -> BlobTrigger:
    table = Options({"container": "inbox", "interval": "50ms", **options}, "a blob trigger")
    context = Context(
        "app", "thumbnails", "blobs", HANDLER, tmp_path, tmp_path / "trigger", opened=store
    )
    made = BlobTrigger(context, table)
    table.done()
    return made


def told(event: Event) -> dict[str, object]:
    assert event.call is not None
    (message,) = event.call.arguments
    assert getattr(message, "subject", "") == "blobs.inbox"
    about: dict[str, object] = json.loads(getattr(message, "body", b""))
    return about


async def test_an_object_is_told_of_with_its_size(store: BlobStore, tmp_path: Path) -> None:
    await put(store, "a.jpg", b"12345")
    async with asyncio.timeout(10):
        about = told(await anext(trigger(store, tmp_path).events()))
    assert (about["name"], about["size"], about["container"]) == ("a.jpg", 5, "inbox")


async def test_what_was_not_acknowledged_is_told_of_after_a_restart(
    store: BlobStore, tmp_path: Path
) -> None:
    await put(store, "a", b"1")
    await put(store, "b", b"1")
    async with asyncio.timeout(10):
        events = trigger(store, tmp_path).events()
        first, second = await anext(events), await anext(events)
        await first.ack()
        again = await anext(trigger(store, tmp_path).events())
    assert told(again)["name"] == told(second)["name"]


async def test_an_object_that_is_replaced_is_told_of_again(
    store: BlobStore, tmp_path: Path
) -> None:
    await put(store, "a", b"1")
    async with asyncio.timeout(10):
        events = trigger(store, tmp_path).events()
        await (await anext(events)).ack()
        await put(store, "a", b"22")
        assert told(await anext(events))["size"] == 2


async def test_only_names_of_the_pattern_are_told_of(store: BlobStore, tmp_path: Path) -> None:
    for name in ("a.txt", "b.jpg", "c.txt"):
        await put(store, name, b"1")
    async with asyncio.timeout(10):
        event = await anext(trigger(store, tmp_path, pattern="*.jpg").events())
    assert told(event)["name"] == "b.jpg"


async def test_what_is_acknowledged_together_is_remembered_together(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        await put(store, f"{number:02}", b"1")
    writes: list[int] = []
    append = blob._append

    def counted(path: Path, seen: Mapping[str, list[int]]) -> None:
        writes.append(len(seen))
        append(path, seen)

    monkeypatch.setattr(blob, "_append", counted)
    async with asyncio.timeout(10):
        events = trigger(store, tmp_path).events()
        told_of = [await anext(events) for _ in range(40)]
        await asyncio.gather(*(event.ack() for event in told_of))
        await put(store, "last", b"1")
        again = await anext(trigger(store, tmp_path).events())
    assert [event.name for event in told_of] == [f"inbox/{number:02}" for number in range(40)]
    assert told(again)["name"] == "last"
    assert writes == [1, 39]


async def test_what_could_not_be_remembered_is_with_the_next(
    store: BlobStore, tmp_path: Path
) -> None:
    for name in "abc":
        await put(store, name, b"1")
    async with asyncio.timeout(10):
        events = trigger(store, tmp_path).events()
        first, second = await anext(events), await anext(events)
        (tmp_path / "trigger").rename(tmp_path / "away")
        with pytest.raises(FileNotFoundError):
            await first.ack()
        (tmp_path / "away").rename(tmp_path / "trigger")
        await second.ack()
        again = await anext(trigger(store, tmp_path).events())
    assert told(again)["name"] == "c"


async def test_an_object_that_goes_while_it_is_looked_at_is_not_told_of(
    store: BlobStore, tmp_path: Path
) -> None:
    for name in "abc":
        await put(store, name, b"1")

    class Vanishing:
        """Lists an object that is gone when it is asked about."""

        def objects(self, container: str, cursor: str | None) -> object:
            return store.objects(container, cursor)

        async def object_info(self, container: str, name: str) -> object:
            if name == "b":
                raise NotFound("gone")
            return await resolve(store.object_info(container, name))

    watching = trigger(cast("BlobStore", Vanishing()), tmp_path)
    async with asyncio.timeout(10):
        events = watching.events()
        names = [told(await anext(events))["name"] for _ in range(2)]
    assert names == ["a", "c"]


async def test_a_stopped_trigger_ends(store: BlobStore, tmp_path: Path) -> None:
    watching = trigger(store, tmp_path)
    ended = asyncio.ensure_future(anext(watching.events(), None))
    await asyncio.sleep(0)
    await watching.stop()
    async with asyncio.timeout(10):
        assert await ended is None


def test_a_table_without_a_container_is_refused() -> None:
    with pytest.raises(ManifestError, match="container"):
        BlobTrigger.need({}, {})
