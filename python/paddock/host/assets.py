"""Files of a component, gathered where only that content can be seen.

Patterns name files below the application's directory; they are copied into a
directory of the state directory named after their content, so that a change
beneath a running generation can't be seen by it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from paddock.errors import PlanError
from paddock.manifest.model import Application, Component, FileMount, FilePattern


def mounts(
    application: Application, component: Component, state_dir: Path
) -> list[tuple[Path, str, bool]]:
    """`(host directory, guest path, writable)` for each directory the guest sees.

    Blocks. Raises PlanError when a file is missing or lies outside the
    application.
    """
    found: dict[str, Path] = {}
    directories: list[tuple[Path, str, bool]] = []
    for entry in component.files:
        if isinstance(entry, FilePattern):
            found.update(_matching(application.base, entry))
        else:
            _mount(entry, found, directories)
    kept = {
        relative: path
        for relative, path in found.items()
        if not any(fnmatch(relative, pattern) for pattern in component.exclude_files)
    }
    if kept:
        directories.insert(0, (_gather(kept, state_dir / "assets"), "/", False))
    return directories


def check(application: Application, component: Component) -> None:
    """PlanError where `mounts` would raise it; copies nothing."""
    for entry in component.files:
        if isinstance(entry, FilePattern):
            for _ in _matching(application.base, entry):
                pass
        else:
            _mount(entry, {}, [])


def _mount(
    entry: FileMount, found: dict[str, Path], directories: list[tuple[Path, str, bool]]
) -> None:
    if entry.source.is_dir():
        directories.append((entry.source, entry.destination, entry.writable))
    elif entry.source.is_file() and entry.writable:
        raise PlanError(
            f"{entry.location}: {entry.source} is a file; only a directory can be writable",
            hint="mount the directory that the file is in",
        )
    elif entry.source.is_file():
        found[entry.destination.lstrip("/")] = entry.source
    else:
        raise PlanError(
            f"{entry.location}: {entry.source} does not exist",
            hint="correct `source`, or build the application first: paddock build",
        )


def _matching(base: Path, entry: FilePattern) -> Iterator[tuple[str, Path]]:
    root = base.resolve()
    matched = False
    for path in sorted(base.glob(entry.pattern)):
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if not file.resolve().is_relative_to(root):
                raise PlanError(
                    f"{entry.location}: {entry.pattern!r} matches {file}, "
                    f"which lies outside {base}",
                    hint="copy the file into the application's directory",
                )
            matched = True
            yield file.relative_to(base).as_posix(), file
    if not matched and "*" not in entry.pattern:
        raise PlanError(
            f"{entry.location}: {entry.pattern!r} matches no file below {base}",
            hint="correct the pattern, or build the application first: paddock build",
        )


def _gather(files: dict[str, Path], root: Path) -> Path:
    digest = hashlib.sha256()
    for relative in sorted(files):
        with files[relative].open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        digest.update(relative.encode() + b"\0" + content)
    directory = root / digest.hexdigest()[:32]
    if directory.is_dir():
        return directory
    part = root / f".part-{os.getpid()}-{directory.name}"
    shutil.rmtree(part, ignore_errors=True)
    for relative, path in files.items():
        target = part / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    try:
        part.rename(directory)
    except OSError:
        # Another host made the same directory first; its content is the same.
        shutil.rmtree(part, ignore_errors=True)
    return directory
