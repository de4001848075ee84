"""Directories, the key of the cache, addresses and handed-over sockets."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from paddock.errors import HostError, UsageError
from paddock.host import handover, listen
from paddock.host.state import cache_directory, cache_key, private_directory, state_directory


def test_a_private_directory_is_its_users_alone(tmp_path: Path) -> None:
    path = private_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_directory_that_can_not_be_made_is_a_host_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="can't create the directory"):
        private_directory(tmp_path / "file" / "x")


def test_state_stands_beside_the_manifest_unless_chosen(tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"
    assert state_directory(manifest, None) == tmp_path / ".paddock"
    assert state_directory(manifest, tmp_path / "x") == tmp_path / "x"


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PADDOCK_CACHE_DIR", str(tmp_path))
    assert cache_directory() == tmp_path


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = cache_key(tmp_path)
    assert len(key) == 32 and cache_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["readable", "short"])
def test_a_key_that_can_not_be_trusted_is_replaced(tmp_path: Path, spoil: str) -> None:
    key = cache_key(tmp_path)
    if spoil == "readable":
        (tmp_path / "key").chmod(0o640)
    else:
        (tmp_path / "key").write_bytes(key[:7])
    assert cache_key(tmp_path) != key


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:3000", "127.0.0.1", 3000),
        (":80", "0.0.0.0", 80),
        ("[::1]:0", "::1", 0),
        ("name:65535", "name", 65535),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    assert listen.parse_address(text) == listen.Address(host, port)


@pytest.mark.parametrize("text", ["", "3000", "a:", "a:b", "a:65536", "a:-1", "a:٣"])
def test_what_is_no_address_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        listen.parse_address(text)
    assert caught.value.hint and "HOST:PORT" in caught.value.hint


def test_a_taken_port_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HostError, match=f"127.0.0.1:{port}"):
            listen.bind(listen.Address("127.0.0.1", port))


def test_a_url_is_one_that_a_client_on_this_machine_can_use() -> None:
    with listen.bind(listen.Address("0.0.0.0", 0)) as everywhere:
        port = everywhere.getsockname()[1]
        assert listen.url(everywhere, tls=True) == f"https://127.0.0.1:{port}"


def test_what_is_inherited_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handover.inherited() is None
    monkeypatch.setenv(handover.VARIABLE, json.dumps({"listeners": [7], "ready": 8}))
    assert handover.inherited() == handover.Inherited((7,), 8)
    told = {"listeners": [7], "ready": 8, "manifest": "/m.toml", "state_dir": "/s"}
    monkeypatch.setenv(handover.VARIABLE, json.dumps(told))
    expected = handover.Inherited((7,), 8, Path("/m.toml"), None, Path("/s"))
    assert handover.inherited() == expected
    assert handover.VARIABLE not in os.environ


def test_what_no_host_handed_over_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(handover.VARIABLE, json.dumps({"listeners": 7, "ready": 8}))
    with pytest.raises(HostError):
        handover.inherited()


async def test_a_successor_that_ends_without_serving_is_an_error(tmp_path: Path) -> None:
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\nexit 3\n")
    false.chmod(0o755)
    with pytest.raises(HostError, match=r"exit code 3 .* the old one goes on"):
        await handover.start_successor((), ("up",), str(false), {})
    with pytest.raises(HostError, match="can't start"):
        await handover.start_successor((), ("up",), str(tmp_path / "absent"), {})


async def test_a_successor_that_says_ready_is_known_by_its_process(tmp_path: Path) -> None:
    ready = tmp_path / "python"
    ready.write_text(
        f"#!{sys.executable}\nimport json, os\n"
        f"os.write(json.loads(os.environ[{handover.VARIABLE!r}])['ready'], b'ready\\n')\n"
    )
    ready.chmod(0o755)
    assert await handover.start_successor((), ("up",), str(ready), {}) > 0
