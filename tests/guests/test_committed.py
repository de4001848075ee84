"""The committed guests are the ones that their checksums and sources name."""

from __future__ import annotations

import hashlib
from pathlib import Path

GUESTS = Path(__file__).resolve().parent


def listed() -> dict[str, str]:
    lines = (GUESTS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_each_listed_guest_is_unchanged() -> None:
    for name, digest in listed().items():
        assert hashlib.sha256((GUESTS / name).read_bytes()).hexdigest() == digest, name


def test_each_crate_and_each_hostile_text_has_its_component_listed() -> None:
    crates = {
        f"rust/{path.parent.name}/{path.parent.name}.wasm"
        for path in GUESTS.glob("rust/*/Cargo.toml")
    }
    texts = {f"hostile/{path.stem}.wasm" for path in GUESTS.glob("hostile/*.wat")}
    assert crates and texts
    assert crates | texts <= set(listed())


def test_each_committed_component_is_listed() -> None:
    found = {
        path.relative_to(GUESTS)
        for pattern in ("*.wasm", "*.wasm.gz")
        for path in GUESTS.rglob(pattern)
    }
    committed = {path.as_posix() for path in found if "target" not in path.parts}
    assert committed == set(listed())
