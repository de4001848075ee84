"""Offers the system packages that a build needs; installs none unasked.

With CI=true the offer counts as accepted. On a terminal it is a question. Anywhere
else the command is printed and the build stops.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

RUSTUP = "hint: install Rust from https://rustup.rs, then run the same command again"


def provide_rust(wanted: tuple[int, ...], *, lint: bool) -> None:
    """Installs Rust `wanted` or later from the distribution, if it has one and we may."""
    number = ".".join(map(str, wanted))
    print(f"There is no Rust {number} or later on this machine.", flush=True)
    if shutil.which("apt-get"):
        install(lambda: _apt_rust(wanted, lint=lint), refresh=["apt-get", "update", "-q"])
    elif command := _other_manager():
        install(lambda: command)
    else:
        sys.exit(f"error: no package manager that we know.\n{RUSTUP} ({number} or later)")


def provide_venv() -> None:
    """Installs what Debian and Ubuntu split from Python: the module `ensurepip`."""
    if not shutil.which("apt-get"):
        sys.exit("error: this Python has no 'ensurepip'.\nhint: install Python's venv and pip")
    name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    print("This Python can't create virtual environments.", flush=True)
    install(lambda: _apt(name), refresh=["apt-get", "update", "-q"])


def install(
    command_of: Callable[[], list[str] | None], *, refresh: Sequence[str] | None = None
) -> None:
    """Runs the command that `command_of` answers, after asking; refreshes the lists before that.

    Without a permission it prints the command and ends the process.
    """
    command = command_of()
    shown = " ".join(command) if command else "the package lists have to be refreshed to know which"
    if not _may(shown):
        hint = f"hint: run: sudo {shown}\n      then the same command again" if command else RUSTUP
        sys.exit(f"error: nothing was installed.\n{hint}")
    if refresh:
        _run(refresh)
        command = command_of()
    if not command:
        sys.exit(f"error: the distribution has no package that is new enough.\n{RUSTUP}")
    _run(command)


def _may(command: str) -> bool:
    if os.environ.get("CI") == "true":
        return True
    if not sys.stdin.isatty():
        return False
    answer = input(f"Install from the distribution ({command})? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _run(command: Sequence[str]) -> None:
    root = not hasattr(os, "geteuid") or os.geteuid() == 0 or command[0] == "brew"
    full = [*command] if root else ["sudo", *command]
    print("+", " ".join(full), flush=True)
    if subprocess.run(full, check=False).returncode:
        sys.exit(f"error: '{' '.join(full)}' failed.\n{RUSTUP}")


def _apt(*names: str) -> list[str]:
    return ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]


def _apt_rust(wanted: tuple[int, ...], *, lint: bool) -> list[str] | None:
    """The packages of the first family whose candidate is new enough.

    Debian 12 carries a recent Rust for its browsers as `rustc-web`; Ubuntu names
    packages after versions. Where each tool is a package of its own, its name
    follows the family's.
    """
    for suffix in ["", "-web", *_versioned_suffixes()]:
        if _candidate(f"rustc{suffix}") >= wanted:
            clippy = "rust-web-clippy" if suffix == "-web" else f"rust-clippy{suffix}"
            # Linking, and the crate `ring`, need a C compiler with its headers.
            compilers = [f"rustc{suffix}", f"cargo{suffix}", "gcc", "libc6-dev"]
            return _apt(*compilers, *([f"rustfmt{suffix}", clippy] if lint else []))
    return None


def _versioned_suffixes() -> list[str]:
    names = _output("apt-cache", "search", "--names-only", r"^rustc-1\.[0-9]+$")
    found = re.findall(r"^rustc(-1\.\d+) ", names, re.MULTILINE)
    return sorted(found, key=lambda suffix: int(suffix.rsplit(".", 1)[1]), reverse=True)


def _candidate(package: str) -> tuple[int, ...]:
    found = re.search(r"Candidate: (?:\d+:)?(\d+)\.(\d+)", _output("apt-cache", "policy", package))
    return (int(found[1]), int(found[2])) if found else (0,)


def _other_manager() -> list[str] | None:
    """Other distributions' commands; these have not been tried."""
    for command in (
        ["dnf", "install", "-y", "cargo", "rustfmt", "clippy", "gcc"],
        ["pacman", "-S", "--noconfirm", "rust", "gcc"],
        ["apk", "add", "cargo", "rust-clippy", "rustfmt", "gcc", "musl-dev"],
        ["zypper", "install", "-y", "cargo", "gcc"],
        ["brew", "install", "rust"],
    ):
        if shutil.which(command[0]):
            return command
    return None


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
