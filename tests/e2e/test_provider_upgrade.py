"""A provider is replaced by a newer version of itself, and of what it depends on, under load."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from pathlib import Path

import plugins
import pytest
from hosts import Running, alive, wait_for
from load import Load
from manifests import configuration, routed, write

ACME = """
import acme_client
from paddock.providers.key_value.sqlite import SqliteKeyValue

VERSION = {version!r}

class AcmeKeyValue:
    Config = SqliteKeyValue.Config

    @staticmethod
    def open(config, **where):
        return AcmeStore(SqliteKeyValue.open(config, **where))

class AcmeStore:
    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def get(self, key):
        if key == "version":
            return f"acme {{VERSION}} on client {{acme_client.VERSION}}".encode()
        return self._inner.get(key)
"""


def package(place: Path, version: str, client: str) -> Path:
    """The provider at `version` with its dependency, as an installer would leave them."""
    entries = {"paddock.providers.key_value": {"acme": "acme:AcmeKeyValue"}}
    plugins.metadata(place, "acme-store", version, entries)
    plugins.metadata(place, "acme-client", client, {})
    (place / "acme.py").write_text(ACME.format(version=version))
    (place / "acme_client.py").write_text(f"VERSION = {client!r}\n")
    return place


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return plugins.installation(tmp_path / "old", package(tmp_path / "v1", "1.0", "3.1"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return plugins.installation(tmp_path / "new", package(tmp_path / "v2", "2.0", "4.0"))


@pytest.fixture
def host(up, tmp_path: Path, old: Path) -> Iterator[Running]:
    config = configuration(tmp_path, '[key_value_store.default]\ntype = "acme"\n')
    manifest = write(tmp_path, routed("kv-draft2", extra='key_value_stores = ["default"]\n'))
    host = up(manifest, "--config", config, python=old)
    yield host
    pid = int(str(host.status()["pid"]))
    if pid != host.process.pid:
        assert host.command("stop", "--wait").returncode == 0
        wait_for("the successor to end", lambda: not alive(pid))


def provider(host: Running) -> tuple[str, str, str]:
    (one,) = host.status()["applications"][0]["providers"]  # type: ignore[index]
    return one["type"], one["package"], one["version"]


def test_a_provider_is_upgraded_under_load_and_no_request_fails(host: Running, new: Path) -> None:
    assert provider(host) == ("acme", "acme-store", "1.0")
    assert host.get("/get?key=version").text.strip() == "acme 1.0 on client 3.1"
    first, stop = host.process.pid, threading.Event()
    with (
        Load(host.port, connections=8, paths=("/get?key=version",)) as load,
        concurrent.futures.ThreadPoolExecutor(4) as pool,
    ):
        counting = [pool.submit(count, host, stop) for _ in range(4)]
        wait_for("the load", lambda: load.done > 200)
        done = host.command("upgrade", "--python", new)
        assert done.returncode == 0, done.stderr + host.log
        wait_for("the new process", lambda: host.status()["pid"] != first)
        reached = load.done
        wait_for("more load", lambda: load.done > reached + 200)
        stop.set()
        acknowledged = sum(each.result() for each in counting)
    assert load.failures == []
    assert host.ended() == 0
    assert {body.strip() for body in load.seen} == {
        b"acme 1.0 on client 3.1", b"acme 2.0 on client 4.0",
    }  # fmt: skip
    assert provider(host) == ("acme", "acme-store", "2.0")
    assert "key-value store default  acme, acme-store 2.0" in host.command("status").stdout
    # Nothing that was acknowledged is lost, and nothing was counted twice.
    assert int(host.get("/get?key=n").text) == acknowledged > 0


def count(host: Running, stop: threading.Event) -> int:
    """Counts up until told to stop; how often that was acknowledged. Any other answer fails."""
    acknowledged = 0
    with host.new_client() as client:
        while not stop.is_set():
            answer = client.get("/incr?key=n&by=1")
            assert answer.status_code == 200, answer.text
            acknowledged += 1
    return acknowledged


def test_a_version_that_does_not_load_leaves_the_old_one_serving(
    host: Running, tmp_path: Path
) -> None:
    broken = package(tmp_path / "v3", "3.0", "5.0")
    (broken / "acme.py").write_text("import acme_of_another_name\n")
    done = host.command("upgrade", "--python", plugins.installation(tmp_path / "bad", broken))
    assert done.returncode == 6
    assert "the old one goes on" in done.stderr
    assert "reinstall the package that brings it" in host.log
    assert host.get("/get?key=version").text.strip() == "acme 1.0 on client 3.1"
    assert provider(host) == ("acme", "acme-store", "1.0")


def test_status_tells_what_runs_and_not_what_was_installed_since(
    host: Running, tmp_path: Path
) -> None:
    (tmp_path / "v1" / "acme_store-1.0.dist-info").rename(tmp_path / "v1" / "gone")
    plugins.metadata(
        tmp_path / "v1", "acme-store", "1.5",
        {"paddock.providers.key_value": {"acme": "acme:AcmeKeyValue"}},
    )  # fmt: skip
    assert provider(host) == ("acme", "acme-store", "1.0")
    host.apply()
    assert provider(host) == ("acme", "acme-store", "1.0")
