"""The WebAssembly file that a command was given: reading it, and naming it in errors."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import ArtifactError

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
