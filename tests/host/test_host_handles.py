"""Providers: opened once, shared by generations, closed by the last that holds them."""

from __future__ import annotations

from pathlib import Path

from paddock.errors import PlanError
from paddock.host.handles import Handles, unknown_store
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.types import resolve

MEMORY = HostConfig(key_value_stores={"default": ProviderConfig("memory")})


def test_the_same_configuration_is_the_same_store(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "default", MEMORY)
    assert key is not None
    assert handles.acquire(key) is handles.acquire(key)
    assert handles.describe() == [{"application": "app", "store": "default", "type": "memory"}]


async def test_a_store_closes_with_its_last_user_and_not_before(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "default", MEMORY)
    assert key is not None
    first, second = handles.acquire(key), handles.acquire(key)
    await resolve(first.store.set("k", b"v"))
    await handles.release([first])
    assert await resolve(second.store.get("k")) == b"v"
    await handles.release([second])
    assert handles.describe() == []
    third = handles.acquire(key)
    assert await resolve(third.store.get("k")) is None
    await handles.close()


async def test_stores_of_two_applications_are_apart(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    for configuration in (MEMORY, HostConfig()):
        one, other = (handles.key(name, "default", configuration) for name in ("a", "b"))
        assert one is not None and other is not None
        held = [handles.acquire(one), handles.acquire(other)]
        await resolve(held[0].store.set("k", b"v"))
        assert await resolve(held[1].store.get("k")) is None
        await handles.release(held)
    await handles.close()


def test_without_configuration_there_is_the_default_store_and_no_other(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "default", HostConfig())
    assert key is not None and key.type == "sqlite"
    assert handles.key("app", "cellar", HostConfig()) is None


def test_a_store_that_the_host_lacks_is_told_with_those_it_has() -> None:
    error = unknown_store("api", "cellar", "paddock.toml:3", ["attic"])
    assert isinstance(error, PlanError)
    assert "paddock.toml:3" in error.message and "attic, default" in error.message
    assert error.hint and "[key_value_store.cellar]" in error.hint
