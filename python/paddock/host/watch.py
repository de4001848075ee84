"""`up --watch`: applies what changed on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from paddock.host.compose import sources
from paddock.host.desired import Desired
from paddock.manifest.model import FileMount


def watched(desired: Desired, manifest: Path, config: Path | None) -> set[Path]:
    """Files whose change means an apply: manifest, configuration, components, assets."""
    paths = {manifest} | ({config.absolute()} if config else set[Path]())
    for each in desired.applications:
        application = each.application
        paths.update(sources(application))
        for component in application.components.values():
            if isinstance(component.source, Path):
                paths.add(component.source)
            for entry in component.files:
                if isinstance(entry, FileMount):
                    paths.add(entry.source)
                else:
                    paths |= set(application.base.glob(entry.pattern))
    return paths


async def watch(
    desired: Callable[[], Desired],
    apply: Callable[[], Awaitable[None]],
    manifest: Path,
    config: Path | None,
) -> None:
    """Call `apply` after each burst of changes, for ever.

    Directories are watched, not files: editors and compilers replace a file by
    another, and a watch on the old one would never tell.
    """
    from watchfiles import awatch

    while True:
        paths = watched(desired(), manifest, config)
        directories = {path.parent for path in paths if path.parent.is_dir()}
        stop = asyncio.Event()
        async for changes in awatch(
            *directories, recursive=False, stop_event=stop, debounce=100, step=20
        ):
            if any(Path(changed) in paths for _, changed in changes):
                await apply()
                # What is watched may have changed with the manifest.
                if watched(desired(), manifest, config) != paths:
                    break
