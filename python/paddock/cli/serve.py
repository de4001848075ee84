"""Serve one HTTP component as it is, without a manifest.

For trying a component: every path goes to it, and it gets only what the options
grant. An application has a manifest: paddock up.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli import grants_options, options
from paddock.cli.parser import Parser

if TYPE_CHECKING:
    import argparse

    from paddock.manifest.model import Reuse

DEFAULT_ADDRESS = "127.0.0.1:8080"


def configure(parser: Parser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a .wasm, .wat or .cwasm file")
    add("--addr", default=DEFAULT_ADDRESS, metavar="HOST:PORT", help="port 0 picks a free one")
    add("--log-dir", type=Path, metavar="DIR", help="output of the component goes to files there")
    add("--json", action="store_true", help="the log as lines of JSON")
    add("-q", "--quiet", action="store_true", help="no output of the component")
    grants_options.configure(parser, time="30s for each request")
    group = parser.add_argument_group("reuse of instances (default: a fresh one each time)")
    group.add_argument(
        "--max-instance-reuse-count", type=options.positive, metavar="N", help="requests for one"
    )
    group.add_argument(
        "--max-instance-concurrent-reuse-count",
        type=options.positive,
        default=1,
        metavar="N",
        help="of them at once (WASI 0.3)",
    )
    group.add_argument(
        "--idle-instance-timeout", type=options.duration, default=30.0, metavar="TIME"
    )
    options.add_engine(parser)


def run(parser: Parser, argv: list[str]) -> int:
    """Serve until stopped; returns 0 after an orderly end."""
    args = parser.parse(argv)
    flags = grants_options.flags_of(args)
    given = grants_options.given(args, flags)
    from paddock.cli.bare import application
    from paddock.host import handover
    from paddock.host.desired import Overrides
    from paddock.host.listen import parse_address
    from paddock.host.serve import serve_application
    from paddock.host.up_options import UpOptions
    from paddock.manifest.model import Limits

    parse_address(args.addr)
    file: Path = args.file
    limits = Limits(memory=given.memory, time=given.time, table=given.table)
    chosen = UpOptions(
        manifest=file,
        listen=args.addr,
        config=given.config,
        overrides=Overrides(given.environment, key_values=given.key_values),
        quiet=args.quiet,
        json=args.json,
        log_dir=args.log_dir,
        state_dir=given.state_dir,
        engine=options.engine_settings(args),
        bare=True,
        application=application(file, given, limits, _reuse(args)),
        inherited=handover.inherited(),
        arguments=("serve", *argv),
    )
    import asyncio

    return asyncio.run(serve_application(chosen))


def _reuse(args: argparse.Namespace) -> Reuse | None:
    from paddock.manifest.model import Reuse

    count: int | None = args.max_instance_reuse_count
    if count is None:
        return None
    return Reuse(count, args.max_instance_concurrent_reuse_count, args.idle_instance_timeout)
