"""Files that a command was given: reading one, naming it in errors, writing one whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import ArtifactError, HostError

if TYPE_CHECKING:
    from paddock.manifest.model import Component


def read(path: Path) -> bytes:
    """The file's bytes; ArtifactError when it can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{path} does not exist", hint="give the path of a .wasm or .wat file"
        ) from error
    except IsADirectoryError as error:
        raise ArtifactError(
            f"{path} is a directory",
            hint="give a .wasm or .wat file; an application's directory is for paddock up",
        ) from error
    except OSError as error:
        raise ArtifactError(f"can't read {path}: {error.strerror}") from error


def composed(component: Component, path: Path) -> bytes:
    """A component of the file at `path` with what its manifest plugs into it.

    Raises PlanError for a dependency that does not fit.
    """
    from paddock.host.artifacts import as_component
    from paddock.host.compose import compose, parts

    data, inside = read(path), parts(component)
    return compose(inside, as_component(data, None)).data if inside else data


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Put the file's name in front of what the core says about its content."""
    try:
        yield
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error.message}", hint=error.hint) from error


def write(path: Path, data: bytes, *, private: bool = False) -> None:
    """Make the file's content `data`, whole or not at all; HostError when that fails.

    Only the owner reads a `private` one, whoever could read what was there. What is no
    regular file, a terminal or a pipe, is written to as it is.
    """
    try:
        known = _mode(path)
        if known is not None and not stat.S_ISREG(known):
            path.write_bytes(data)
            return
        # What a symbolic link leads to is replaced, and not the link.
        _replace(Path(os.path.realpath(path)), data, None if private else known, private)
    except OSError as error:
        raise HostError(
            f"can't write {path}: {error.strerror}", hint=_HINTS.get(type(error), _OTHERWISE)
        ) from error


_HINTS: dict[type[OSError], str] = {
    FileNotFoundError: "make its directory first",
    NotADirectoryError: "make its directory first",
    IsADirectoryError: "name a file in it",
    PermissionError: "name a file in a directory of yours",
}
_OTHERWISE = "name a file in another place"


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes, mode: int | None, private: bool) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, 0o600 if private else 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        if mode is not None:
            part.chmod(stat.S_IMODE(mode))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
