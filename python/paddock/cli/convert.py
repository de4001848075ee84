"""Write the paddock.toml that means the same as a manifest of another host.

PATH is what `paddock up` serves: a manifest of Spin, WAGI or wasmCloud, or a bare
component. What could not be said in it stands as a comment at the top; what a file
says of what stands behind names goes into a host's configuration of its own.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from paddock.cli import console
from paddock.cli.files import write
from paddock.cli.parser import Parser
from paddock.errors import UsageError

if TYPE_CHECKING:
    from paddock.manifest.document import Located


class Converted(NamedTuple):
    """The texts of a manifest and of a host's configuration; the second may be empty."""

    manifest: str
    configuration: str = ""


def configure(parser: Parser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("path", nargs="?", type=Path, default=Path(), help="default: .")
    add("-o", "--output", type=Path, metavar="FILE", help="default: stdout, also called -")
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
    from paddock.manifest.reader import find

    path = find(args.path)
    target, beside = _file(args.output), _file(args.config_output)
    made = _converted(path, Path(os.path.abspath(target)).parent if target else None)
    # A host's configuration may hold passwords of servers, so none goes to stdout unasked.
    wanted = args.config_output is not None and bool(made.configuration)
    _check(path, target, beside, force=args.force, both=wanted)
    _put(target, made.manifest)
    if wanted:
        _put(beside, made.configuration, private=True)
    elif made.configuration:
        console.warning(
            "the manifest also says what stands behind its names; "
            "--config-output HOST.TOML writes that, for: paddock up --config HOST.TOML"
        )
    return 0


def _file(path: Path | None) -> Path | None:
    return None if path == Path("-") else path


def _check(
    path: Path, target: Path | None, beside: Path | None, *, force: bool, both: bool
) -> None:
    """UsageError when an output must not be written, before any is."""
    outputs = [file for file in (target, beside if both else None) if file]
    if target and beside and os.path.realpath(target) == os.path.realpath(beside):
        raise UsageError(
            f"-o and --config-output name the same file, {target}",
            hint="the manifest and the host's configuration need a file each",
        )
    for file in outputs:
        if os.path.realpath(file) == os.path.realpath(path):
            raise UsageError(f"the output would replace {path}", hint="name another file")
        if file.is_dir():
            raise UsageError(f"{file} is a directory", hint=f"name a file: {file / 'paddock.toml'}")
        if file.is_file() and not force:
            raise UsageError(f"{file} exists", hint="name another file, or add --force")


def _put(target: Path | None, text: str, *, private: bool = False) -> None:
    if target is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # That is what TOML is made of, whatever the terminal's own characters are.
            sys.stdout.reconfigure(encoding="utf-8")
        console.data(text)
        return
    write(target, text.encode(), private=private)
    console.done(f"Wrote {target}.")


def _converted(path: Path, target: Path | None) -> Converted:
    from paddock.manifest.document import read_bytes
    from paddock.manifest.reader import COMPONENT_SUFFIXES, opened, read

    if path.suffix.lower() in COMPONENT_SUFFIXES:
        return Converted(_bare(path, target))
    data = read_bytes(path)
    application = read(data, path)
    document = opened(data, path)
    manifest = _manifest(document, application.base, target)
    return Converted(manifest, _providers(document))


def _manifest(document: Located, base: Path, target: Path | None) -> str:
    from paddock.host.logs import printable
    from paddock.manifest.moved import moved
    from paddock.manifest.toml_text import write

    table = cast("Mapping[str, object]", document.table)
    if target is not None and target != base:
        table = moved(table, base, target)
    body = write(table)
    head = [f"Made from {document.file} by: paddock convert", *_lost(document)]
    if target is None:
        head.append(f"Its paths start from {base}.")
    # Names of files and words of the manifest must not end a comment, or move a cursor.
    return "".join(f"# {printable(line, lines=False)}\n" for line in head) + body


def _lost(document: Located) -> Iterator[str]:
    from paddock.manifest.translation import Translation

    if not isinstance(document, Translation):
        return
    for note in document.notes:
        lost = "can't be had here: " if note.refuse else ""
        yield f"line {note.location.line}, {note.key}: {lost}{' '.join(note.reason.split())}"


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


def _bare(path: Path, target: Path | None) -> str:
    from paddock.manifest.moved import relative
    from paddock.manifest.reader import bare
    from paddock.manifest.toml_text import write

    name = bare(path).name
    source = relative(Path(os.path.abspath(path)), target) if target else str(path)
    return write(
        {
            "application": {"name": name},
            "trigger": {"http": [{"route": "/...", "component": name}]},
            "component": {name: {"source": source}},
        }
    )
