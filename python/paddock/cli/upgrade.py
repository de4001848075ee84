"""Exchange the process of a running host without a failed request.

A new process gets the listening sockets, and the old one finishes what it has
begun. Install the newer Paddock first; --python names its interpreter when it
stands in another virtual environment.
"""

from __future__ import annotations

import os
from pathlib import Path

from paddock.cli import console, options
from paddock.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Add the command's options."""
    options.add_target(parser)
    parser.add_argument(
        "--python", type=Path, metavar="PATH", help="interpreter of the newer installation"
    )


def run(parser: Parser, argv: list[str]) -> int:
    """Ask the host to start its successor; returns when that one serves."""
    args = parser.parse(argv)
    from paddock.cli.running import state_dir_of
    from paddock.host.control import request

    # Not resolved: the link in a virtual environment is what makes it that environment.
    python = os.path.abspath(args.python) if args.python else None
    answer = request(state_dir_of(args.path, args.state_dir), "upgrade", python=python)
    console.done(f"Process {answer.get('pid')} serves now; the old one finishes its requests.")
    return 0
