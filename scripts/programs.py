"""Where the programs of the real services are: in our own prefix, or already on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

#: Directories that are often missing on a user's PATH.
ALSO = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin")


def prefix() -> Path:
    """PADDOCK_SERVICES_DIR, or `paddock-services` in the user's cache.

    Root runs the servers as another user, who may not enter root's home: for
    root it is in the system's cache.
    """
    if chosen := os.environ.get("PADDOCK_SERVICES_DIR"):
        return Path(chosen).absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/paddock-services"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/cache/paddock-services")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paddock-services"


def find(name: str) -> Path | None:
    """The program `name`; what was installed for Paddock comes first."""
    ours = prefix() / "bin" / name
    return ours if ours.exists() else on_machine(name)


def on_machine(name: str) -> Path | None:
    """The program `name` of this machine, whoever installed it."""
    path = os.pathsep.join([*_postgres(), os.environ.get("PATH", ""), *ALSO])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def _postgres() -> list[str]:
    """Debian keeps these out of the PATH, by version, and has a script there that chooses."""
    return [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


class Missing(Exception):
    """Something can't be installed here; the text says what, and a hint what to do."""


def wrap(name: str, command: str, *exports: str) -> None:
    """Writes `bin/NAME`: a script that becomes `command`, in shell syntax, with `exports` set."""
    script = prefix() / "bin" / name
    lines = ["#!/bin/sh", *(f"export {export}" for export in exports), f'exec {command} "$@"']
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
