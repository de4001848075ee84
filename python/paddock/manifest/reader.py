"""Reads an application: a directory, a manifest, or a bare component.

pydantic and everything that needs it is imported only when a manifest has to
be parsed, so that a start from a cached plan does not pay for it.
"""

from __future__ import annotations

import os
from pathlib import Path

from paddock.errors import ManifestError
from paddock.manifest.model import Application, Component, HttpTrigger, Location
from paddock.manifest.names import kebab

#: File names of manifests, the first found in a directory wins.
MANIFEST_NAMES = ("paddock.toml", "spin.toml")
#: Suffixes of files that are an application on their own.
COMPONENT_SUFFIXES = (".wasm", ".wat", ".cwasm")


def find(path: Path | str) -> Path:
    """The file that `load` would read for `path`; ManifestError when there is none."""
    path = Path(path)
    if "\0" in str(path):
        raise ManifestError("a path can't contain a NUL character")
    if path.is_dir():
        for name in MANIFEST_NAMES:
            if (path / name).is_file():
                return path / name
        raise ManifestError(
            f"no {' or '.join(MANIFEST_NAMES)} in {path}",
            hint="give the path of a manifest or of a .wasm file, or start with 'paddock new'",
        )
    if not path.exists():
        raise ManifestError(f"{path} does not exist")
    if path.suffix.lower() not in (".toml", *COMPONENT_SUFFIXES):
        raise ManifestError(
            f"can't tell what {path} is",
            hint="give a directory, a .toml manifest, or a .wasm or .wat file",
        )
    return path


def load(path: Path | str) -> Application:
    """Read the application at `path`.

    A directory is searched for `paddock.toml`, then `spin.toml`. A bare
    component becomes an application that answers every route with it. Raises
    ManifestError with all mistakes of the file; nothing that the manifest
    refers to is opened.
    """
    from paddock.manifest.document import read_bytes

    file = find(path)
    if file.suffix.lower() in COMPONENT_SUFFIXES:
        return bare(file)
    return read(read_bytes(file), file)


def read(data: bytes, path: Path | str) -> Application:
    """Read a manifest's content; `path` names it in messages and is where it stands.

    Raises ManifestError (`problems.ManifestMistakes`) with all its mistakes.
    """
    from paddock.manifest.assemble import assemble
    from paddock.manifest.crosscheck import cross_check
    from paddock.manifest.document import Document
    from paddock.manifest.problems import ManifestMistakes
    from paddock.manifest.shape_errors import validate
    from paddock.manifest.shapes import ManifestTable
    from paddock.manifest.versions import check_version

    path = Path(path)
    document = Document(data, str(path))
    spin_only = path.name == "spin.toml"
    problems = check_version(document, spin_only=spin_only)
    table, mistakes = validate(ManifestTable, document)
    problems += mistakes
    problems += cross_check(document, spin_only=spin_only)
    if problems or table is None:
        raise ManifestMistakes(problems)
    return assemble(table, document, Path(os.path.abspath(path)))


def bare(path: Path | str) -> Application:
    """The application that a bare component is: named by its file, on every route."""
    path = Path(path)
    source = Path(os.path.abspath(path))
    location = Location(str(path))
    name = kebab(source.stem)
    component = Component(id=name, source=source, location=location)
    trigger = HttpTrigger(f"{name}-http-trigger", "/...", component=name, location=location)
    return Application(
        name=name,
        components={name: component},
        http=(trigger,),
        base=source.parent,
        source=source,
        location=location,
    )
