"""Write the paddock.toml that means the same as a manifest of another host.

PATH is what `paddock up` serves: a manifest of Spin, WAGI or wasmCloud, or a bare
component. What could not be said in it stands as a comment at the top; what a file
says of what stands behind names goes into a host's configuration of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.cli import console
from paddock.cli.parser import Parser
from paddock.errors import UsageError

if TYPE_CHECKING:
    from paddock.manifest.document import Located

#: The keys that are paths, by where they stand in a component's table.
_PATHS = (("source",), ("build", "workdir"))


def configure(parser: Parser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("path", nargs="?", type=Path, default=Path(), help="default: .")
    add("-o", "--output", type=Path, metavar="FILE", help="default: stdout")
    add(
        "--config-output",
        type=Path,
        metavar="FILE",
        help="where the host's configuration goes, if the manifest says any of it",
    )
    add("--force", action="store_true", help="overwrite files that are there")


def run(parser: Parser, argv: list[str]) -> int:
    """Convert; a manifest with mistakes is refused like everywhere."""
    args = parser.parse(argv)
    from paddock.manifest.document import read_bytes
    from paddock.manifest.reader import COMPONENT_SUFFIXES, find, opened, read

    path = find(args.path)
    target: Path | None = args.output
    base = Path(os.path.abspath(target)).parent if target else None
    if path.suffix.lower() in COMPONENT_SUFFIXES:
        text = _bare(path, base)
        providers = ""
    else:
        data = read_bytes(path)
        application = read(data, path)
        document = opened(data, path)
        text = _converted(document, application.base, base)
        providers = _providers(document)
    _put(target, text, force=args.force)
    if providers:
        _configuration(args.config_output, providers, force=args.force)
    return 0


def _converted(document: Located, base: Path, target: Path | None) -> str:
    from paddock.manifest.toml_text import write

    table = cast("Mapping[str, object]", document.table)
    if target is not None and target != base:
        table = _moved(table, base, target)
    body = write(table)
    head = [f"# Made from {document.file} by: paddock convert", *_lost(document)]
    if target is None:
        head.append(f"# Its paths start from {base}.")
    return "\n".join(head) + "\n" + body


def _lost(document: Located) -> Iterator[str]:
    from paddock.manifest.translation import Translation

    if not isinstance(document, Translation):
        return
    for note in document.notes:
        lost = "can't be had here: " if note.refuse else ""
        reason = " ".join(note.reason.split())
        yield f"# line {note.location.line}, {note.key}: {lost}{reason}"


def _providers(document: Located) -> str:
    from paddock.manifest.toml_text import write_host
    from paddock.manifest.translation import Translation

    if not isinstance(document, Translation) or not document.providers:
        return ""
    tables = {
        table: {name: {"type": one.type, **one.options} for name, one in named.items()}
        for table, named in document.providers.items()
    }
    return write_host(tables)


def _configuration(target: Path | None, text: str, *, force: bool) -> None:
    if target is None:
        console.warning(
            "the manifest also says what stands behind its names; "
            "--config-output HOST.TOML writes that, for: paddock up --config HOST.TOML"
        )
        return
    _put(target, text, force=force, private=True)


def _put(target: Path | None, text: str, *, force: bool, private: bool = False) -> None:
    if target is None:
        print(text, end="")
        return
    if target.exists() and not force:
        raise UsageError(f"{target} exists", hint="name another file, or add --force")
    # A host's configuration may hold passwords of servers.
    with open(target, "w", encoding="utf-8", opener=_owners if private else None) as file:
        file.write(text)
    console.done(f"Wrote {target}.")


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _bare(path: Path, target: Path | None) -> str:
    from paddock.manifest.reader import bare
    from paddock.manifest.toml_text import write

    name = bare(path).name
    source = os.path.relpath(path, target) if target else str(path)
    return write(
        {
            "application": {"name": name},
            "trigger": {"http": [{"route": "/...", "component": name}]},
            "component": {name: {"source": source}},
        }
    )


def _moved(table: Mapping[str, object], base: Path, target: Path) -> Mapping[str, object]:
    """The same tables with paths that start from `target`."""
    from copy import deepcopy

    made = deepcopy(dict(table))
    components = cast("dict[str, dict[str, object]]", made.get("component", {}))
    for name, component in components.items():
        for path in _PATHS:
            place: object = component
            for part in path[:-1]:
                place = cast("dict[str, object]", place).get(part, {})
            holder = cast("dict[str, object]", place)
            if isinstance(text := holder.get(path[-1]), str):
                holder[path[-1]] = os.path.relpath(base / text, target)
        for one in cast("dict[str, object]", component.get("dependencies", {})).values():
            _move(one, base, target)
        for entry in cast("list[object]", component.get("files", [])):
            if not isinstance(entry, dict):
                raise UsageError(
                    f"component '{name}' has patterns of files, which start from {base}",
                    hint=f"write the file into that directory: -o {base / 'paddock.toml'}",
                )
            mount = cast("dict[str, object]", entry)
            mount["source"] = os.path.relpath(base / str(mount["source"]), target)
        if "build" in component and "workdir" not in cast("dict[str, object]", component["build"]):
            relative = os.path.relpath(base, target)
            cast("dict[str, object]", component["build"])["workdir"] = relative
    for trigger in cast("dict[str, list[dict[str, object]]]", made.get("trigger", {})).get(
        "http", []
    ):
        middleware = cast("dict[str, list[object]]", trigger.get("dependencies", {}))
        for one in middleware.get("middleware", []):
            _move(one, base, target)
    return made


def _move(dependency: object, base: Path, target: Path) -> None:
    """Lets the path of a dependency start from `target`."""
    table = cast("dict[str, object]", dependency) if isinstance(dependency, dict) else {}
    if "path" in table:
        table["path"] = os.path.relpath(base / str(table["path"]), target)
