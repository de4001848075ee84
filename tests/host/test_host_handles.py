"""Providers: opened once, shared by generations, closed by the last that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from paddock import __version__
from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import ManifestError, PlanError
from paddock.host.handles import Handle, Handles, unknown_name
from paddock.host.kinds import KINDS
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.types import resolve

MEMORY = HostConfig({"key_value_store": {"default": ProviderConfig("memory")}})


def store(handle: Handle) -> KeyValueStore:
    return cast("KeyValueStore", handle.opened)


async def test_the_same_configuration_is_the_same_provider(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "key_value", "default", MEMORY)
    assert key is not None
    assert await handles.acquire(key) is await handles.acquire(key)
    assert handles.describe() == [
        {"application": "app", "kind": "key_value", "name": "default", "type": "memory"}
    ]
    await handles.close()


async def test_a_store_closes_with_its_last_user_and_not_before(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "key_value", "default", MEMORY)
    assert key is not None
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
        keys = [handles.key(name, "key_value", "default", configuration) for name in ("a", "b")]
        held = [await handles.acquire(key) for key in keys if key is not None]
        assert len(held) == 2
        await resolve(store(held[0]).set("k", b"v"))
        assert await resolve(store(held[1]).get("k")) is None
        await handles.release(held)
    await handles.close()


async def test_an_open_provider_knows_the_package_that_it_came_from(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "key_value", "default", MEMORY)
    assert key is not None
    handle = await handles.acquire(key)
    assert (handle.package, handle.version) == ("paddock", __version__)
    await handles.close()


def test_without_configuration_there_is_the_default_store_and_no_other(tmp_path: Path) -> None:
    handles = Handles(tmp_path)
    key = handles.key("app", "key_value", "default", HostConfig())
    assert key is not None and key.type == "sqlite"
    assert handles.key("app", "key_value", "cellar", HostConfig()) is None


def test_a_name_that_the_host_lacks_is_told_with_those_it_has() -> None:
    error = unknown_name(KINDS["key_value"], "api", "cellar", "paddock.toml:3", ["attic"])
    assert isinstance(error, PlanError)
    assert "paddock.toml:3" in error.message and "attic, default" in error.message
    assert error.hint and "[key_value_store.cellar]" in error.hint


def test_an_interface_of_a_users_own_that_nothing_brings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match='no provider of type "default" for the interface'):
        Handles(tmp_path).key("app", "interface", "acme:none/none@1.0.0", HostConfig())
