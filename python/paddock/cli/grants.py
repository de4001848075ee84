"""Print what each component may use and why, next to what it imports.

It reads the manifest and the components' files; no host has to run. A grant that
nothing imports is of no use, and an import without a grant is denied at the call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.cli import console
from paddock.cli.parser import Parser

if TYPE_CHECKING:
    from paddock.host.granted import Granted
    from paddock.manifest.model import Component


@dataclass(frozen=True, slots=True)
class Row:
    """A grant and the imports that can use it."""

    granted: Granted
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Imports that no grant serves, and the line that would; "" where none can."""

    what: str
    imports: tuple[str, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Table:
    """One component; `unread` says why its imports are not known."""

    component: Component
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]
    unread: str | None = None


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), help="manifest, directory or component"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(parser: Parser, argv: list[str]) -> int:
    """Print the grants of every component to stdout."""
    args = parser.parse(argv)
    from paddock.host.compose import parted
    from paddock.manifest.reader import load

    application = parted(load(args.path))
    tables = [table_of(component) for component in application.components.values()]
    if args.json:
        console.line(json.dumps([_json(table) for table in tables], indent=2))
    else:
        console.line("\n".join(line for table in tables for line in describe(table)))
    return 0


def table_of(component: Component) -> Table:
    """What one component may use, imports, and lacks."""
    from paddock import _core
    from paddock.host.granted import granted, used_by

    imports, unread = _imports(component)
    users = used_by(imports, _core.built_in)
    # Interfaces of a user's own: by name, whether this machine has a provider or not.
    users = {**users, "interface": list(imports)}
    rows = tuple(Row(each, _users(each, users)) for each in granted(component))
    return Table(component, rows, tuple(_missing(rows, imports)), unread)


def _users(grant: Granted, users: dict[str, list[str]]) -> tuple[str, ...]:
    found = users.get(grant.what, [])
    return tuple(name for name in found if grant.key != "interfaces" or name == grant.name)


def _imports(component: Component) -> tuple[Sequence[str], str | None]:
    if not isinstance(component.source, Path):
        return (), "it comes from a registry or URL"
    from paddock import _core
    from paddock.cli.files import composed
    from paddock.cli.inspect import import_names
    from paddock.errors import ArtifactError, PlanError

    try:
        data = composed(component, component.source)
        facts = cast("dict[str, object]", json.loads(_core.inspect(data)))
    except (ArtifactError, PlanError) as error:
        return (), error.message
    return import_names(facts), None


def _missing(rows: Sequence[Row], imports: Sequence[str]) -> Iterator[Missing]:
    from paddock import _core
    from paddock.cli.needs import needs

    served = {name for row in rows for name in row.imports}
    for need in needs(imports, _core.built_in):
        left = tuple(name for name in need.imports if name not in served)
        if left:
            yield Missing(need.what, left, need.line if need.offered else "")


def describe(table: Table) -> Iterator[str]:
    """Lines for people."""
    component = table.component
    yield f"{component.id}  {component.location}  {_source(component)}"
    if table.unread:
        yield f"  its imports are not known: {table.unread}"
    for row in table.rows:
        grant = row.granted
        value = f" = {grant.value}" if grant.value else ""
        yield f"  {grant.what} '{grant.name}'{value}"
        why = f"{grant.location}: {grant.key}"
        yield f"    granted by {why}; {_imported(row, table)}"
    if not table.rows:
        yield "  nothing is granted"
    for missing in table.missing:
        names = ", ".join(missing.imports)
        then = f"to grant it: {missing.line}" if missing.line else "this host does not offer it"
        yield f"  not granted: {missing.what}"
        yield f"    imported as {names}; {then}"
    yield ""


def _imported(row: Row, table: Table) -> str:
    if row.imports:
        return f"imported as {', '.join(row.imports)}"
    return "unknown whether it is used" if table.unread else "nothing imports it"


def _source(component: Component) -> str:
    source = component.source
    return source.name if isinstance(source, Path) else str(getattr(source, "url", source))


def _json(table: Table) -> dict[str, object]:
    return {
        "component": table.component.id,
        "location": str(table.component.location),
        "grants": [
            {
                "what": row.granted.what,
                "name": row.granted.name,
                "key": row.granted.key,
                "location": str(row.granted.location),
                "imports": list(row.imports),
            }
            for row in table.rows
        ],
        "missing": [
            {"what": each.what, "imports": list(each.imports), "line": each.line or None}
            for each in table.missing
        ],
        "unread": table.unread,
    }
