"""Print what a running host serves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import cast

from paddock.cli import console, options
from paddock.cli.parser import Parser

Table = dict[str, object]


def configure(parser: Parser) -> None:
    """Add the command's options."""
    options.add_target(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--audit", action="store_true", help="which grants would have served so far: of up --audit"
    )


def run(parser: Parser, argv: list[str]) -> int:
    """Ask the host and print its answer to stdout."""
    args = parser.parse(argv)
    from paddock.cli.running import state_dir_of
    from paddock.host.control import request

    state_dir = state_dir_of(args.path, args.state_dir)
    answer = request(state_dir, "audit" if args.audit else "status")
    if args.json:
        console.line(json.dumps(answer, indent=2))
    elif args.audit:
        from paddock.host.audit import described

        console.line("\n".join(described(_tables(answer, "components"))))
    else:
        console.line("\n".join(describe(answer, time.time())))
    return 0


def describe(status: Table, now: float) -> Iterator[str]:
    """Lines for people; `now` in seconds since the epoch."""
    from paddock.cli.console import elapsed

    started = status.get("started")
    age = elapsed(now - started) if isinstance(started, (int, float)) else "?"
    yield (
        f"{status.get('url')}  process {status.get('pid')}, paddock {status.get('version')}, "
        f"up {age}, generation {status.get('generation')}"
    )
    for application in _tables(status, "applications"):
        version = application.get("version")
        yield f"{application.get('name')}{f' {version}' if version else ''}"
        for route in _tables(application, "routes"):
            yield f"  {_route(route)}"
        for component in _tables(application, "components"):
            yield f"  component {component.get('id')}  {component.get('digest')}"
        for provider in _tables(application, "providers"):
            yield f"  {_provider(provider)}"
    server = cast("Table", status.get("server", {}))
    if server:
        yield "server  " + ", ".join(f"{key} {value}" for key, value in server.items())


def _provider(provider: Table) -> str:
    from paddock.host.kinds import KINDS

    row = KINDS.get(str(provider.get("kind")))
    what = row.words if row else provider.get("kind")
    code = f"{provider.get('package') or '(no package)'} {provider.get('version')}".strip()
    return f"{what} {provider.get('name')}  {provider.get('type')}, {code}"


def _route(route: Table) -> str:
    target = route.get("component") or "static response"
    where = route.get("route") or "(private)"
    host = f"{route['host']}" if route.get("host") else ""
    methods = cast("list[str]", route.get("methods") or [])
    return f"{' '.join([*methods, ''])}{host}{where} -> {target}"


def _tables(table: Table, key: str) -> list[Table]:
    return cast("list[Table]", table.get(key, []))
