"""One interface imported twice, under labels of the component's own, each with its provider."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hosts import GUESTS, paddock

GUEST = GUESTS / "rust/cli-labels/cli-labels.wasm"
GRANTED = ("--key-value-store", "cache", "--key-value-store", "sessions", "--config", "host.toml")


@pytest.fixture
def run(cache: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs the guest with a store of its own behind each of the names that are granted."""
    tables = (
        f'[key_value_store.{name}]\ntype = "filesystem"\npath = "{name}"\n'
        for name in ("cache", "sessions", "default")
    )
    (tmp_path / "host.toml").write_text("".join(tables))

    def start(options: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
        return paddock("run", *options, str(GUEST), *words, cache=cache, cwd=tmp_path)

    return start


def test_each_label_has_the_store_of_its_name(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run(GRANTED, "set", "cache", "default", "k", "short").stdout == "ok\n"
    assert run(GRANTED, "set", "sessions", "default", "k", "long").stdout == "ok\n"
    assert run(GRANTED, "get", "cache", "default", "k").stdout == "short\n"
    assert run(GRANTED, "get", "sessions", "default", "k").stdout == "long\n"
    # By its own name each store is there under either label.
    assert run(GRANTED, "get", "cache", "sessions", "k").stdout == "long\n"
    assert (tmp_path / "cache").is_dir() and (tmp_path / "sessions").is_dir()


def test_a_label_without_a_grant_of_its_name_is_the_interface_as_it_is(run) -> None:  # type: ignore[no-untyped-def]
    default = ("--key-value-store", "default", "--config", "host.toml")
    assert run(default, "set", "cache", "default", "k", "v").stdout == "ok\n"
    assert run(default, "get", "sessions", "default", "k").stdout == "v\n"


def test_a_label_grants_nothing(run) -> None:  # type: ignore[no-untyped-def]
    only = ("--key-value-store", "cache", "--config", "host.toml")
    assert run(only, "set", "cache", "default", "k", "v").stdout == "ok\n"
    denied = run(only, "get", "sessions", "default", "k")
    assert (denied.returncode, denied.stdout) == (1, "")
    assert "AccessDenied" in denied.stderr
