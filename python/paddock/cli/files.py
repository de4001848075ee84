"""Reads the WebAssembly file that a command was given."""

from __future__ import annotations

from pathlib import Path

from paddock.errors import ArtifactError


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
