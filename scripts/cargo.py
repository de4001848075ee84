"""Runs cargo with a toolchain that is new enough: `python scripts/cargo.py test --release …`.

Compiled dependencies go to one directory in the user's cache (or to
CARGO_TARGET_DIR), so that a fresh clone on the same machine reuses them; cargo's
own fingerprints decide what is still valid. Where Rust is missing, the
distribution's packages are offered: installed at once with CI=true, after a
question on a terminal, and otherwise only named.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import packages

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    formats = arguments[:1] == ["fmt"]
    env = environment(lint=formats or arguments[:1] == ["clippy"], builds=not formats)
    return subprocess.run(["cargo", *arguments], cwd=ROOT, env=env, check=False).returncode


def environment(*, lint: bool = False, builds: bool = True) -> dict[str, str]:
    """The process environment in which `cargo` is a toolchain that we can use.

    `lint` asks for rustfmt and clippy too; `builds` says that crates are compiled.
    Exits with what to install where there is none and none may be installed.
    """
    wanted = oldest_rust()
    directory = toolchain(wanted, lint=lint)
    if directory is None:
        packages.provide_rust(wanted, lint=lint)
        directory = toolchain(wanted, lint=lint)
    if directory is None:
        also = " with rustfmt and clippy" if lint else ""
        sys.exit(f"error: still no Rust {dotted(wanted)} or later{also}.\n{packages.RUSTUP}")
    path = os.pathsep.join([str(directory), os.environ.get("PATH", "")])
    target = target_directory()
    if builds:
        claim(target, ROOT)
    return {**os.environ, "PATH": path, "CARGO_TARGET_DIR": str(target)}


def oldest_rust() -> tuple[int, ...]:
    """The `rust-version` of Cargo.toml."""
    manifest = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^rust-version = "([\d.]+)"', manifest, re.MULTILINE)
    assert found, "Cargo.toml has no rust-version"
    return tuple(int(part) for part in found[1].split("."))


def toolchain(wanted: tuple[int, ...], *, lint: bool) -> Path | None:
    """The first directory with a cargo and a rustc that are new enough."""
    tools = ["cargo", "rustc", *(["cargo-fmt", "cargo-clippy"] if lint else [])]
    for directory in candidates():
        present = all(shutil.which(tool, path=str(directory)) for tool in tools)
        if present and min(version(directory / "rustc"), version(directory / "cargo")) >= wanted:
            return directory
    return None


def candidates() -> list[Path]:
    """Where toolchains live: the PATH, rustup's place, Ubuntu's versioned packages."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    on_path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    versioned = sorted(Path("/usr/lib").glob("rust-1.*/bin"), reverse=True)
    return [*on_path, home / "bin", *versioned]


def version(tool: Path) -> tuple[int, ...]:
    """`(1, 95, 0)`; `(0,)` where the tool doesn't answer, as a rustup proxy without a toolchain."""
    answer = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def target_directory() -> Path:
    if chosen := os.environ.get("CARGO_TARGET_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local"))
    elif sys.platform == "darwin":
        cache = Path.home() / "Library/Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "paddock-build"


def claim(target: Path, clone: Path) -> None:
    """Forget what another clone made of its own crates; compiled dependencies stay.

    Cargo tells a crate's state by the times of its files, and names it alike in every
    clone: it would take the other clone's newer code for this one's. Two that build at
    the same time need directories of their own.
    """
    owner = target / "clone.txt"
    if owner.is_file() and owner.read_text(encoding="utf-8") == str(clone):
        return
    for known in target.glob("**/.fingerprint"):
        with cargos_lock(known.parent):
            for made in known.glob("paddock-*"):
                shutil.rmtree(made, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    owner.write_text(str(clone), encoding="utf-8")


@contextlib.contextmanager
def cargos_lock(directory: Path) -> Iterator[None]:
    """Wait until no cargo builds there, where locks are files that can be held (POSIX)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(directory / ".cargo-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
