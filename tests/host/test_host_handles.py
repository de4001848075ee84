"""Providers: opened once, shared by generations, closed by the last that holds them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import cast

import pytest

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import CapabilityError, ManifestError, PlanError
from paddock.host.handles import Handle, Handles, Key, provider_of, unknown_name
from paddock.host.kinds import KINDS
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.types import resolve


def stores(**providers: ProviderConfig) -> HostConfig:
    return HostConfig({"key_value_store": providers})


MEMORY = stores(default=ProviderConfig("memory"))


def store(handle: Handle) -> KeyValueStore:
    return cast("KeyValueStore", handle.opened)


def key_of(handles: Handles, application: str, configuration: HostConfig) -> Key:
    key = handles.key(application, "key_value", "default", configuration)
    assert key is not None
    return key


async def test_the_same_configuration_is_the_same_store(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = key_of(handles, "app", MEMORY)
    first = await handles.acquire(key)
    assert first is await handles.acquire(key_of(handles, "app", MEMORY))
    assert handles.running("app", "key_value", "default") == [first]
    assert handles.describe() == [
        {"application": "app", "kind": "key_value", "name": "default", "type": "memory"}
    ]
    await handles.close()


async def test_a_store_closes_with_its_last_user_and_not_before(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = key_of(handles, "app", MEMORY)
    first, second = await handles.acquire(key), await handles.acquire(key)
    await resolve(store(first).set("k", b"v"))
    await handles.release([first])
    assert await resolve(store(second).get("k")) == b"v"
    await handles.release([second])
    assert handles.describe() == []
    third = await handles.acquire(key)
    assert await resolve(store(third).get("k")) is None
    await handles.close()


async def test_stores_of_two_applications_are_apart(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    for configuration in (MEMORY, HostConfig()):
        held = [await handles.acquire(key_of(handles, name, configuration)) for name in ("a", "b")]
        await resolve(store(held[0]).set("k", b"v"))
        assert await resolve(store(held[1]).get("k")) is None
        await handles.release(held)
    await handles.close()


async def test_a_store_that_is_opened_when_nobody_waits_any_more_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    closed: list[object] = []

    class Slow:
        def close(self) -> None:
            closed.append(self)

    def opened(config: object, **_: object) -> Slow:
        began.set()
        assert go_on.wait(30)
        return Slow()

    handles = Handles(tmp_path)
    key = key_of(handles, "app", MEMORY)
    provider = provider_of(key.kind, key.name, key.type)
    monkeypatch.setattr(provider, "open", staticmethod(opened))
    acquiring = asyncio.create_task(handles.acquire(key))
    await asyncio.to_thread(began.wait, 30)
    acquiring.cancel()
    await asyncio.gather(acquiring, return_exceptions=True)
    assert acquiring.cancelled() and handles.describe() == [] and closed == []
    go_on.set()
    await handles.close()
    assert len(closed) == 1


def test_without_configuration_there_is_the_default_store_and_no_other(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    assert key_of(handles, "app", HostConfig()).type == "sqlite"
    assert handles.key("app", "key_value", "cellar", HostConfig()) is None


def test_a_blob_container_without_a_store_of_its_own_is_in_the_default_one(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "blob", "pictures", HostConfig())
    assert key is not None and key.name == "default"


def test_a_table_that_its_provider_refuses_is_a_mistake_of_the_configuration(
    tmp_path: Path,
) -> None:
    wrong = stores(default=ProviderConfig("memory", {"size": 1}))
    with pytest.raises(ManifestError, match="no option `size`"):
        Handles(tmp_path).key("app", "key_value", "default", wrong)


def test_where_data_comes_from_is_no_option_of_a_provider(tmp_path: Path) -> None:
    moved = stores(default=ProviderConfig("memory", {"migrate_from": "old"}))
    handles = Handles(tmp_path)
    assert key_of(handles, "app", moved) == key_of(handles, "app", MEMORY)


def test_a_key_shows_no_configuration(tmp_path: Path) -> None:
    options = {"url": "redis://u:hunter2@host", "password": "hunter3"}
    key = key_of(Handles(tmp_path), "app", stores(default=ProviderConfig("redis", options)))
    assert "hunter" not in repr(key)


class Closing:
    """Closes with a coroutine, and fails at it."""

    def __init__(self, fails: bool = False) -> None:
        self.closed = 0
        self._fails = fails

    async def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise ValueError("no")


def held(key: Key, opened: object) -> Handle:
    return Handle(key, opened, users=1)


async def test_who_went_on_with_a_successor_keeps_it_open(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = key_of(handles, "app", MEMORY)
    old, new = held(key, Closing()), held(key, Closing())
    handles.detach(old, new)
    await handles.release([new])
    assert cast("Closing", new.opened).closed == 0
    await handles.release([old])
    assert (cast("Closing", old.opened).closed, cast("Closing", new.opened).closed) == (1, 1)


async def test_what_moved_on_is_opened_anew_by_whoever_asks_for_it(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    old = await handles.acquire(key_of(handles, "app", HostConfig()))
    new = await handles.acquire(key_of(handles, "app", MEMORY))
    handles.detach(old, new)
    assert old not in handles.running("app", "key_value", "default")
    assert await handles.acquire(old.key) is not old
    await handles.close()


async def test_a_store_that_fails_to_close_is_logged_and_no_obstacle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handles = Handles(tmp_path)
    key = key_of(handles, "app", MEMORY)
    bad, good = held(key, Closing(fails=True)), held(key, Closing())
    await handles.release([bad, good])
    assert cast("Closing", good.opened).closed == 1
    assert "closing the key-value store 'default' failed" in caplog.text


async def test_a_provider_may_open_with_a_coroutine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paddock.providers.key_value.memory import MemoryKeyValue, MemoryStore

    async def later() -> MemoryStore:
        return MemoryStore()

    def open_(config: object, **names: object) -> Coroutine[object, object, MemoryStore]:
        return later()

    monkeypatch.setattr(MemoryKeyValue, "open", staticmethod(open_))
    handles = Handles(tmp_path)
    handle = await handles.acquire(key_of(handles, "app", MEMORY))
    await resolve(store(handle).set("k", b"v"))
    assert await resolve(store(handle).get("k")) == b"v"
    await handles.close()


@pytest.mark.parametrize("later", [False, True])
async def test_a_provider_that_fails_to_open_in_its_own_way_refuses_the_plan(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    later: bool,
) -> None:
    from paddock.providers.key_value.memory import MemoryKeyValue

    async def failing() -> object:
        raise ConnectionError("nobody is there")

    def open_(config: object, **names: object) -> object:
        if later:
            return failing()
        raise ConnectionError("nobody is there")

    monkeypatch.setattr(MemoryKeyValue, "open", staticmethod(open_))
    handles = Handles(tmp_path)
    with pytest.raises(CapabilityError, match="'memory' raised ConnectionError"):
        await handles.acquire(key_of(handles, "app", MEMORY))
    assert "nobody is there" in caplog.text
    assert handles.describe() == []


def test_a_store_that_the_host_lacks_is_told_with_those_it_has() -> None:
    error = unknown_name(KINDS["key_value"], "api", "cellar", "paddock.toml:3", ["attic"])
    assert isinstance(error, PlanError)
    assert "paddock.toml:3" in error.message and "attic, default" in error.message
    assert error.hint and "[key_value_store.cellar]" in error.hint
