"""Every provider behind unmodified guests of every interface."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hosts import GUESTS, Running
from manifests import component, configuration, write

GUESTS_OF = ("kv-draft", "kv-draft2", "kv-spin", "kv-spin-unversioned", "kv3", "kv-wasmcloud")
SERVERS = ("redis", "nats", "postgres")


def table(request: pytest.FixtureRequest, kind: str) -> str:
    text = f'[key_value_store.default]\ntype = "{kind}"\n'
    if kind not in SERVERS:
        return text
    server = request.getfixturevalue(f"{kind}_server")
    # The shared servers keep what other runs of these tests left.
    name = f"e2e{os.getpid()}"
    own = f'table = "{name}"\n' if kind == "postgres" else f'prefix = "{name}"\n'
    return f'{text}url = "{server.url}"\n{own}'


@pytest.fixture(
    scope="module", params=["memory", "sqlite", "filesystem", "redis", "nats", "postgres"]
)
def ask(
    request: pytest.FixtureRequest, module_up: Callable[..., Running], tmp_path_factory
) -> Callable[..., httpx.Response]:
    directory: Path = tmp_path_factory.mktemp(request.param)
    config = configuration(directory, table(request, request.param))
    parts = [
        # Guests look at the whole path, so each has a host name of its own.
        f'[[trigger.http]]\nroute = "/..."\nhost = "{name}.test"\ncomponent = "{name}"\n'
        + component(
            name,
            GUESTS / "rust/kv-wasmcloud/kv-wasmcloud.wasm" if name == "kv-wasmcloud" else name,
            'key_value_stores = ["default"]\n',
        )
        for name in GUESTS_OF
    ]
    host = module_up(write(directory, *parts), "--config", config)

    def get(who: str, what: str, **query: str) -> httpx.Response:
        return host.client.get(f"/{what}", params=query, headers={"host": f"{who}.test"})

    return get


def test_what_one_guest_writes_all_others_read(ask: Callable[..., httpx.Response]) -> None:
    for writer in GUESTS_OF:
        assert ask(writer, "set", key="shared/key", value=writer).status_code == 200
        assert {ask(reader, "get", key="shared/key").text for reader in GUESTS_OF} == {writer}
        assert {ask(reader, "exists", key="shared/key").text for reader in GUESTS_OF} == {"true"}
    assert ask("kv-draft2", "delete", key="shared/key").status_code == 200
    assert {ask(reader, "get", key="shared/key").status_code for reader in GUESTS_OF} == {404}


def test_all_guests_count_on_one_number(ask: Callable[..., httpx.Response]) -> None:
    ask("kv-draft2", "delete", key="n")
    counting = ("kv-draft", "kv-draft2", "kv-wasmcloud")
    assert [ask(who, "incr", key="n", by="2").text for who in counting] == ["2", "4", "6"]


def test_all_guests_list_the_same_keys(ask: Callable[..., httpx.Response]) -> None:
    keys = ["b", "a", "ä", "🦆", "a b"]
    for who in ("kv-draft2", "kv-wasmcloud"):
        pairs = ",".join(f"{who} {key}:1" for key in keys)
        assert ask(who, "set-many", pairs=pairs).status_code == 200
    listed = [ask(who, "keys").text for who in GUESTS_OF]
    assert len(set(listed)) == 1
    assert {f"kv-draft2 {key}" for key in keys} <= set(listed[0].split("\n"))


def test_a_swap_fails_when_somebody_wrote_meanwhile(ask: Callable[..., httpx.Response]) -> None:
    ask("kv-draft2", "set", key="swap", value="old")
    swapped = ask("kv-draft2", "cas", key="swap", value="new")
    assert swapped.text == "swapped, before: old"
    failed = ask("kv-draft2", "cas", key="swap", value="late", meanwhile="other")
    assert failed.text == "failed, now: other"


@pytest.mark.parametrize("by", ["version", "value"])
def test_wasmclouds_swap_asks_for_a_version_or_a_value(
    ask: Callable[..., httpx.Response], by: str
) -> None:
    ask("kv-wasmcloud", "set", key="swap", value="old")
    swapped = ask("kv-wasmcloud", "cas", key="swap", value="new", by=by)
    assert swapped.status_code == 200 and swapped.text.startswith("swapped")
    failed = ask("kv-wasmcloud", "cas", key="swap", value="late", meanwhile="other", by=by)
    assert failed.status_code == 200 and not failed.text.startswith("swapped")
    assert ask("kv-draft2", "get", key="swap").text == "other"


def test_wasmclouds_options_are_kept_or_refused(ask: Callable[..., httpx.Response]) -> None:
    ask("kv-wasmcloud", "delete", key="once")
    assert ask("kv-wasmcloud", "set", key="once", value="1", new="").status_code == 200
    assert ask("kv-wasmcloud", "set", key="once", value="2", new="").status_code == 412
    assert ask("kv-wasmcloud", "set", key="once", value="2", ttl="1000").status_code == 500
    assert ask("kv-wasmcloud", "cas", key="once", value="2", by="nothing").status_code == 400
    assert ask("kv-wasmcloud", "get", key="once").text == "1"
