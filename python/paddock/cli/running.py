"""Finds the control socket of a running host, for the commands that talk to one."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from paddock.errors import ManifestError


def state_dir_of(path: Path, chosen: Path | None) -> Path:
    """The state directory of the host that serves `path`.

    Without a manifest there, `.paddock` in the directory itself is taken: the
    host may have been started with a bare component.
    """
    from paddock.host.state import state_directory
    from paddock.manifest.reader import find

    if chosen is not None:
        return chosen
    try:
        return state_directory(find(path), None)
    except ManifestError:
        if path.is_dir():
            return path / ".paddock"
        raise


def lines(answer: dict[str, object], key: str) -> list[str]:
    """A list of sentences out of a host's answer."""
    return [str(line) for line in cast("list[object]", answer.get(key, []))]
