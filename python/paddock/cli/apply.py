"""Apply a changed manifest or configuration to a running host.

No request is dropped: those under way finish on the version where they began.
A plan that can't be carried out is refused whole.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from paddock.cli import console, options
from paddock.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Add the command's options."""
    options.add_target(parser)
    parser.add_argument(
        "--config",
        "--runtime-config-file",
        type=Path,
        metavar="HOST.TOML",
        help="configuration of the host; default: the one that it has, read again",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan, change nothing")
    parser.add_argument("--json", action="store_true", help="the plan as JSON")


def run(parser: Parser, argv: list[str]) -> int:
    """Plan and apply; prints what changes."""
    args = parser.parse(argv)
    from paddock.cli.running import lines, state_dir_of
    from paddock.host.control import request
    from paddock.manifest.reader import find

    state_dir = state_dir_of(args.path, args.state_dir)
    # The host may have another working directory, so it gets whole paths.
    answer = request(
        state_dir,
        "plan" if args.dry_run else "apply",
        manifest=os.path.abspath(find(args.path)),
        config=os.path.abspath(args.config) if args.config else None,
        progress=None if args.json else console.faint,
    )
    if args.json:
        console.line(json.dumps(answer, indent=2))
        return 0
    for warning in lines(answer, "warnings"):
        console.warning(warning)
    changes = lines(answer, "changes")
    for change in changes:
        console.line(change)
    if not changes:
        console.line("nothing changes")
    for line in lines(answer, "migrated"):
        console.line(f"migrated: {line}")
    if not args.dry_run:
        console.done(f"Applied: generation {answer.get('generation')} serves.")
    return 0
