"""The programs that are compared: Paddock as installed, our load, the peer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUESTS = ROOT / "tests" / "guests"
WAT_HELLO = GUESTS / "wat" / "hello.wasm"
RUST_HELLO = GUESTS / "rust" / "hello" / "hello.wasm"

PEER_VERSION = "48.0.8"


@dataclass(frozen=True, slots=True)
class Tools:
    """`peer` is None where there is no Wasmtime CLI and none could be installed."""

    paddock: tuple[str, ...]
    load: Path
    instance_cost: Path
    peer: Path | None
    peer_version: str


def find(*, install: bool) -> Tools:
    """All of them, built where needed. `install` allows minutes for the peer."""
    built = _examples()
    peer = _peer(install=install)
    return Tools(
        paddock=(sys.executable, "-m", "paddock"),
        load=built["load"],
        instance_cost=built["instance_cost"],
        peer=peer,
        peer_version=_version(peer) if peer else "none",
    )


def _examples() -> dict[str, Path]:
    command = [sys.executable, "scripts/cargo.py", "build", "--release", "--locked"]
    command += ["-p", "paddock-engine", "--examples", "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit("error: the benchmarks' programs can't be built; the compiler says why above")
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in messages
        if message.get("executable")
    }


def _peer(*, install: bool) -> Path | None:
    chosen = os.environ.get("WASMTIME") or shutil.which("wasmtime")
    if chosen and _version(Path(chosen)).startswith("wasmtime 48."):
        return Path(chosen)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = base / "paddock-bench" / f"wasmtime-{PEER_VERSION}"
    program = root / "bin" / "wasmtime"
    if program.exists() or not install:
        return program if program.exists() else None
    print(f"Installing wasmtime-cli {PEER_VERSION} into {root}: some ten minutes, once", flush=True)
    command = ["cargo", "install", f"wasmtime-cli@{PEER_VERSION}", "--locked", "--root", str(root)]
    subprocess.run(command, check=False)
    return program if program.exists() else None


def _version(program: Path) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
