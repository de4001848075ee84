"""Prepares this clone: `python scripts/setup.py run|dev`.

Creates `.venv`, installs the locked Python tools, builds the Rust core in the
release profile and installs Paddock there, editable. Each step leaves a stamp in
`.venv` with a digest of what it was made from, and is skipped while that holds.
Needs nothing but Python 3.11.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cargo
import packages

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")
KINDS = ("run", "dev")


def main(kind: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"error: Python 3.11 or later is needed, this is {sys.version.split()[0]}.")
    step("Create .venv", "venv", [sys.executable, sys.version], create_environment)
    lock = ROOT / "requirements" / f"{kind}.txt"
    step(f"Install Python packages ({kind})", kind, [lock], lambda: install_packages(kind))
    if not any(path.suffix in (".so", ".pyd") for path in (ROOT / "python/paddock").glob("_core*")):
        (VENV / "paddock-core.stamp").unlink(missing_ok=True)
    step("Build the Rust core and install Paddock", "core", sources(), build_core)


def step(
    title: str, name: str, made_from: Iterable[Path | str], action: Callable[[], None]
) -> None:
    stamp, digest = VENV / f"paddock-{name}.stamp", digest_of(made_from)
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"== {title} ...", flush=True)
    began = time.monotonic()
    action()
    stamp.write_text(digest)
    print(f"== {title}: {time.monotonic() - began:.1f} s", flush=True)


def digest_of(parts: Iterable[Path | str]) -> str:
    """One digest over texts and over the names and contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            content = part.read_bytes() if part.exists() else b"absent"
            digest.update(
                f"{part.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content
            )
        else:
            digest.update(f"{part}\n".encode())
    return digest.hexdigest()


def create_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        packages.provide_venv()
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])


def install_packages(kind: str) -> None:
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", f"requirements/{kind}.txt"])


def sources() -> list[Path | str]:
    """What the compiled core and the installed metadata are made from."""
    crates = sorted(path for path in (ROOT / "crates").rglob("*") if path.is_file())
    return [*(ROOT / name for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml")), *crates]


def build_core() -> None:
    print("   (the first time compiles the engine: some minutes)", flush=True)
    environment = {**cargo.environment(), "VIRTUAL_ENV": str(VENV), "PIP_QUIET": "1"}
    run([str(BIN / "maturin"), "develop", "--release", "--locked", "--quiet"], environment)


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        sys.exit(f"error: '{' '.join(command)}' failed.")


if __name__ == "__main__":
    if sys.argv[1:] not in ([kind] for kind in KINDS):
        sys.exit(f"usage: python scripts/setup.py {'|'.join(KINDS)}")
    main(sys.argv[1])
