"""Tell what a WebAssembly file is, without running or compiling it.

Its kind, size, producers, imports and exports as WIT, and which lines of a
manifest would grant what it imports. With --component FILE is a manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.cli import console
from paddock.cli.parser import Parser

if TYPE_CHECKING:
    from paddock.cli.needs import Need

Table = dict[str, object]

#: Names of a component that say how it is used, by the start of the export.
_USES = (
    ("wasi:http/incoming-handler@", "an HTTP component: paddock serve, paddock up"),
    ("wasi:http/handler@", "an HTTP component: paddock serve, paddock up"),
    ("wasi:cli/run@", "a command: paddock run"),
)


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .wasm, .wat or .cwasm file")
    parser.add_argument(
        "--component", metavar="ID", help="that component of the manifest FILE, as it runs"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--wit", action="store_true", help="only the WIT, of every package")


def run(parser: Parser, argv: list[str]) -> int:
    """Print what FILE is to stdout."""
    args = parser.parse(argv)
    file: Path = args.file
    from paddock.cli.files import naming, read

    data = read(file) if args.component is None else _composed(file, args.component)
    from paddock import _core
    from paddock.cli.needs import needs

    with naming(file):
        facts = cast("Table", json.loads(_core.inspect(data)))
    needed = needs(import_names(facts), _core.built_in)
    if args.json:
        console.line(json.dumps({**facts, "grants": [each._asdict() for each in needed]}, indent=2))
    elif args.wit:
        console.line("\n".join(_wit(facts)))
    else:
        console.line("\n".join(describe(str(file), facts, needed)))
    return 0


def _composed(manifest: Path, name: str) -> bytes:
    """A component of an application with all that is plugged into it."""
    from paddock.cli.files import composed
    from paddock.errors import UsageError
    from paddock.host.compose import parted
    from paddock.manifest.names import did_you_mean
    from paddock.manifest.reader import load

    components = parted(load(manifest)).components
    component = components.get(name)
    if component is None:
        hint = did_you_mean(name, components, what="components")
        raise UsageError(f"{manifest} has no component '{name}' that runs", hint=hint)
    if not isinstance(component.source, Path):
        raise UsageError(f"component '{name}' comes from a registry or URL")
    return composed(component, component.source)


def describe(name: str, facts: Table, needed: list[Need]) -> Iterator[str]:
    """Lines for people."""
    kind = str(facts.get("kind"))
    of = f" {facts['of']}" if "of" in facts else ""
    yield f"{name}: {kind}{of}, {facts.get('size'):,} bytes"
    yield f"sha256:{facts.get('sha256')}"
    exported = [str(item.get("name")) for item in _items(facts, "exports")]
    for use in sorted({use for start, use in _USES for name in exported if name.startswith(start)}):
        yield f"this is {use}"
    producers = cast("dict[str, dict[str, str]]", facts.get("producers") or {})
    for field, values in producers.items():
        made = ", ".join(f"{tool} {version}".strip() for tool, version in values.items())
        yield f"{field}: {made}"
    yield from _interfaces(facts)
    yield from _grants(needed)


def _interfaces(facts: Table) -> Iterator[str]:
    wit = facts.get("wit")
    if isinstance(wit, str):
        yield ""
        yield wit.strip()
        return
    if error := facts.get("wit_error"):
        yield f"its interfaces can't be told as WIT: {error}"
    for key in ("imports", "exports"):
        items = _items(facts, key)
        if items:
            yield ""
            yield f"{key}:"
        for item in items:
            module = f"{item['module']}." if "module" in item else ""
            shape = f": {item['type']}" if "type" in item else ""
            yield f"  {module}{item.get('name')}{shape}"


def _grants(needed: list[Need]) -> Iterator[str]:
    if not needed:
        return
    yield ""
    yield "What its imports could need, and the line of [component.ID] that grants it:"
    for each in needed:
        yield f"  {each.what}"
        yield f"    {each.line}"


def _wit(facts: Table) -> Iterator[str]:
    packages = cast("dict[str, str]", facts.get("packages") or {})
    for text in (facts.get("wit"), *packages.values()):
        if isinstance(text, str):
            yield text.strip() + "\n"


def import_names(facts: Table) -> list[str]:
    """Imports by the names that a host knows them by, whatever their labels."""
    names: list[str] = []
    for item in _items(facts, "imports"):
        module, name = item.get("module"), str(item.get("implements") or item.get("name"))
        names.append(f"{module}.{name}" if module is not None else name)
    return list(dict.fromkeys(names))


def _items(facts: Table, key: str) -> list[Table]:
    return cast("list[Table]", facts.get(key) or [])
