"""Reads an application: a directory, a manifest of any known format, or a bare component.

pydantic and everything that needs it is imported only when a manifest has to
be parsed, so that a start from a cached plan does not pay for it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import ManifestError
from paddock.manifest import formats
from paddock.manifest.model import Application, Component, HttpTrigger, Location
from paddock.manifest.names import did_you_mean, kebab

if TYPE_CHECKING:
    from paddock.manifest.document import Located

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
        for name in (*MANIFEST_NAMES, *formats.NAMES):
            if (path / name).is_file():
                return path / name
        raise ManifestError(
            f"no {' or '.join(MANIFEST_NAMES)} in {path}, nor a manifest of another host",
            hint="give the path of a manifest or of a .wasm file, or start with 'paddock new'",
        )
    if not path.exists():
        raise ManifestError(f"{path} does not exist")
    if path.suffix.lower() not in (".toml", *formats.YAML, *COMPONENT_SUFFIXES):
        raise ManifestError(
            f"can't tell what {path} is",
            hint="give a directory, a .toml or .yaml manifest, or a .wasm or .wat file",
        )
    return path


def load(path: Path | str, profile: str | None = None) -> Application:
    """Read the application at `path`, in its build `profile`.

    A directory is searched for `paddock.toml`, then `spin.toml`, then the manifests of
    other hosts. A bare component becomes an application that answers every route with
    it. Raises ManifestError with all mistakes of the file; nothing that the manifest
    refers to is opened, but for the sources of a wash project's configuration.
    """
    from paddock.manifest.document import read_bytes

    file = find(path)
    if file.suffix.lower() in COMPONENT_SUFFIXES:
        return _profiled(bare(file), profile, ())
    return read(read_bytes(file), file, profile)


def opened(data: bytes, path: Path | str) -> Located:
    """The tables of a manifest's content as those of a `paddock.toml`, unchecked.

    Of a foreign format it is a `translation.Translation`.
    """
    path = Path(path)
    document = _document(data, path)
    name = formats.recognised(document.table, path)
    if name is not None:
        return formats.translate(name, document, Path(os.path.abspath(path)))
    if path.suffix.lower() in formats.YAML:
        raise ManifestError(
            f"can't tell what {path} is",
            hint="YAML files that are read: applications of wadm (core.oam.dev), workloads "
            "(runtime.wasmcloud.dev), and .wash/config.yaml",
        )
    return document


def read(data: bytes, path: Path | str, profile: str | None = None) -> Application:
    """Read a manifest's content; `path` names it in messages and is where it stands.

    Raises ManifestError (`problems.ManifestMistakes`) with all its mistakes.
    """
    from paddock.manifest.assemble import assemble
    from paddock.manifest.crosscheck import cross_check
    from paddock.manifest.problems import ManifestMistakes
    from paddock.manifest.shape_errors import validate
    from paddock.manifest.shapes import ManifestTable
    from paddock.manifest.translation import Translation
    from paddock.manifest.versions import check_version

    path = Path(path)
    document = opened(data, path)
    foreign = document if isinstance(document, Translation) else None
    spin_only = path.name == "spin.toml" and foreign is None
    problems = [*foreign.problems] if foreign else check_version(document, spin_only=spin_only)
    table, mistakes = validate(ManifestTable, document)
    problems += mistakes
    problems += cross_check(document, spin_only=spin_only)
    if problems or table is None:
        raise ManifestMistakes(problems)
    base = foreign.base if foreign else None
    made = assemble(table, document, Path(os.path.abspath(path)), base=base, profile=profile)
    if foreign:
        unsupported = (*made.unsupported, *foreign.notes)
        made = replace(made, unsupported=unsupported, providers=foreign.providers)
    known = {name for component in table.component.values() for name in component.profile}
    return _profiled(made, profile, sorted(known))


def _profiled(
    application: Application, profile: str | None, known: list[str] | tuple[()]
) -> Application:
    if profile is None or profile in known:
        return application
    raise ManifestError(
        f"{application.location}: no component has a profile '{profile}'",
        hint=did_you_mean(profile, known, what="profiles"),
    )


def _document(data: bytes, path: Path) -> Located:
    if path.suffix.lower() in formats.YAML:
        from paddock.manifest.yaml_document import YamlDocument

        return YamlDocument(data, str(path), lambda table: bool(formats.recognised(table, path)))
    from paddock.manifest.document import Document

    return Document(data, str(path))


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
