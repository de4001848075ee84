"""Clones share compiled dependencies, and never each other's own crates."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def cargo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    spec = importlib.util.spec_from_file_location("scripts_cargo", SCRIPTS / "cargo.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_the_crates_of_another_clone_are_forgotten(tmp_path: Path, cargo: ModuleType) -> None:
    target, one, other = tmp_path / "target", tmp_path / "one", tmp_path / "other"
    made = [
        target / profile / ".fingerprint" / name
        for profile in ("release", "x86_64-unknown-linux-gnu/release")
        for name in ("paddock-engine-1", "wasmtime-1")
    ]

    def build(clone: Path) -> list[str]:
        cargo.claim(target, clone)
        left = [str(path.relative_to(target)) for path in made if path.is_dir()]
        for path in made:
            path.mkdir(parents=True, exist_ok=True)
        return left

    assert build(one) == []
    assert len(build(one)) == 4
    assert build(other) == [str(path.relative_to(target)) for path in made if "wasm" in path.name]
    assert len(build(other)) == 4
