"""Directories of a host: its own state beside the manifest, the user's cache."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from paddock.errors import HostError
from paddock.manifest.formats import is_wash


def private_directory(path: Path) -> Path:
    """Make a directory that only the user can read; HostError if that fails.

    Directories above it that are missing are made so too.
    """
    try:
        for missing in reversed([one for one in (path, *path.parents) if not one.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise HostError(
            f"can't create the directory {path}: {error.strerror}",
            hint="choose another with --state-dir or --cache-dir",
        ) from error
    return path


def state_directory(manifest: Path, configured: Path | None) -> Path:
    """`.paddock` beside the manifest, unless another was chosen."""
    if configured is not None:
        return configured
    # A wash project's manifest stands in a directory of its own.
    return (manifest.parent.parent if is_wash(manifest) else manifest.parent) / ".paddock"


def cache_directory() -> Path:
    """The user's cache directory by the platform's convention."""
    if configured := os.environ.get("PADDOCK_CACHE_DIR"):
        return Path(configured)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "paddock"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "paddock" / "cache"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "paddock"


def cache_key(directory: Path) -> bytes:
    """The user's key of 32 bytes that authenticates cached machine code.

    It is made at the first use. Who can read it could forge entries, so it is
    the user's alone, and one that others can read is replaced.
    """
    path = private_directory(directory) / "key"
    try:
        status = path.stat()
        if len(key := path.read_bytes()) == 32 and not _exposed(status):
            return key
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(32)
    part = path.with_name(f".key-{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    os.replace(part, path)
    return path.read_bytes()


def _exposed(status: os.stat_result) -> bool:
    if sys.platform == "win32":
        return False
    return bool(status.st_mode & 0o077) or status.st_uid != os.getuid()
