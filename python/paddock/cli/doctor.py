"""Say what of an application will work here and what will not, and why.

PATH is whatever `paddock up` serves: a manifest of Paddock, Spin, WAGI or wasmCloud,
its directory, or a bare component. Nothing is started.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli import console, options
from paddock.cli.parser import Parser

if TYPE_CHECKING:
    from paddock.host.checkup import Finding

#: What a plan that would be refused ends with, as in `paddock up`.
EXIT_REFUSED = 5
_SIGNS = {"ok": "ok     ", "warning": "warning", "refused": "refused"}


def configure(parser: Parser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("path", nargs="?", type=Path, default=Path(), help="default: .")
    add("--config", type=Path, metavar="HOST.TOML", help="the configuration it would run with")
    add("--profile", metavar="NAME", help="the build to look at")
    options.add_pairs(parser, "--variable", about="value of a variable, as for paddock up")
    add("--json", action="store_true", help="as JSON")
    group = parser.add_argument_group("engine, as the host would have it")
    group.add_argument("--allow-precompiled", action="store_true", help="take .cwasm files")
    options.add_compiler(group)
    group.add_argument("--fuel", action="store_true", help="for hosts that count fuel (up --fuel)")


def run(parser: Parser, argv: list[str]) -> int:
    """Print the findings to stdout; 0 if it would start, 5 if not."""
    args = parser.parse(argv)
    import asyncio

    from paddock._options import EngineOptions
    from paddock.cli import assignments
    from paddock.cli.tools import KNOWN
    from paddock.host import sources
    from paddock.host.checkup import Checkup
    from paddock.host.desired import DesiredApplication, Overrides
    from paddock.host.state import state_directory
    from paddock.manifest.reader import find, load

    configuration = sources.configuration(args.config)
    application = load(args.path, args.profile)
    desired = DesiredApplication(
        application, Overrides(variables=assignments.variables(args.variable))
    )
    checkup = Checkup(
        desired,
        sources.with_own(configuration, application),
        state_directory(find(args.path), configuration.state_dir),
        tuple(KNOWN),
        EngineOptions(compiler=args.compiler, fuel=args.fuel, pooling=False)
        if args.allow_precompiled
        else None,
    )
    findings = asyncio.run(checkup.run())
    refused = any(finding.level == "refused" for finding in findings)
    if args.json:
        shown = {
            "application": application.name,
            "starts": not refused,
            "findings": [asdict(finding) for finding in findings],
        }
        console.data(json.dumps(shown, indent=2) + "\n")
    else:
        console.data("".join(f"{line}\n" for line in describe(application.name, findings)))
    return EXIT_REFUSED if refused else 0


def describe(name: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Lines for people, whose terminal shows what it is told and does nothing else."""
    from paddock.host.logs import printable

    for finding in findings:
        line = f"{finding.what}: {finding.text}"
        yield f"{_SIGNS[finding.level]}  {printable(line, lines=True)}"
        if finding.hint and finding.level != "ok":
            yield f"         hint: {finding.hint}"
    name = printable(name, lines=False)
    refused = sum(finding.level == "refused" for finding in findings)
    warned = sum(finding.level == "warning" for finding in findings)
    if refused:
        plural = "reason" if refused == 1 else "reasons"
        yield f"'{name}' would not start: {refused} {plural}"
    else:
        more = f", with {warned} warning{'' if warned == 1 else 's'}" if warned else ""
        yield f"'{name}' would start{more}"
