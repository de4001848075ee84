"""Serve an application from its manifest.

PATH is a directory with paddock.toml or spin.toml, a manifest, or a bare
component, which then answers every path. Ctrl-C and SIGTERM let running
requests finish; a second one ends at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli import options
from paddock.cli.parser import Parser
from paddock.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from paddock.host.desired import Overrides

DEFAULT_LISTEN = "127.0.0.1:3000"


def configure(parser: Parser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("path", nargs="?", type=Path, default=Path(), help="default: .")
    add("-f", "--from", dest="path_option", type=Path, help="the same, as in Spin")
    add("--listen", default=DEFAULT_LISTEN, metavar="HOST:PORT", help="port 0 picks a free one")
    add(
        "--config",
        "--runtime-config-file",
        type=Path,
        metavar="HOST.TOML",
        help="what stands behind stores and variables, and the host's limits",
    )
    add("--profile", metavar="NAME", help="the build to serve: [component.ID.profile.NAME]")
    add("--build", action="store_true", help="build first, as paddock build does")
    add(
        "--audit",
        action="store_true",
        help="record which grants are used and missed; print at the end what would have served",
    )
    add("--watch", action="store_true", help="apply changed components and manifests at once")
    _configure_overrides(parser)
    add(
        "--admin-listen",
        metavar="HOST:PORT",
        help="serve /livez, /readyz and /metrics there; nowhere by default",
    )
    _configure_output(parser)
    group = parser.add_argument_group("TLS")
    group.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate with its chain")
    group.add_argument("--tls-key", type=Path, metavar="PEM", help="its private key")
    options.add_engine(parser)


def _configure_overrides(parser: Parser) -> None:
    group = parser.add_argument_group("added to what the manifest says")
    options.add_pairs(
        group, "-e", "--env", about="environment of every component; K alone passes ours on"
    )
    options.add_pairs(group, "--variable", about=options.VARIABLE)
    options.add_pairs(group, "--key-value", about="set a key in the store 'default'")


def _configure_output(parser: Parser) -> None:
    group = parser.add_argument_group("output and state")
    group.add_argument("-q", "--quiet", action="store_true", help="no output of components")
    group.add_argument("--json", action="store_true", help="the log as lines of JSON")
    group.add_argument(
        "-L", "--log-dir", type=Path, metavar="DIR", help="components' output goes to files there"
    )
    group.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="default: .paddock beside the manifest"
    )


def run(parser: Parser, argv: list[str]) -> int:
    """Serve until stopped; returns 0 after an orderly end."""
    args = parser.parse(argv)
    path: Path = args.path_option or args.path
    tls = _tls(args)
    overrides = _overrides(args)
    from paddock.host import handover
    from paddock.host.listen import parse_address

    for address in (args.listen, args.admin_listen):
        if address is not None:
            parse_address(address)
    inherited = handover.inherited()
    # A successor of a running host serves what is there.
    if args.build and inherited is None:
        from paddock.cli.build import build

        build(path, profile=args.profile)
    from paddock.host.serve import serve_application
    from paddock.host.up_options import UpOptions

    chosen = UpOptions(
        manifest=path,
        listen=args.listen,
        config=args.config,
        overrides=overrides,
        quiet=args.quiet,
        json=args.json,
        log_dir=args.log_dir,
        state_dir=args.state_dir,
        watch=args.watch,
        audit=args.audit,
        profile=args.profile,
        engine=options.engine_settings(args),
        tls=tls,
        admin_listen=args.admin_listen,
        inherited=inherited,
        arguments=("up", *argv),
    )
    import asyncio

    return asyncio.run(serve_application(chosen))


def _overrides(args: argparse.Namespace) -> Overrides:
    from paddock.cli import assignments
    from paddock.host.desired import Overrides

    return Overrides(
        assignments.environment(args.env),
        assignments.variables(args.variable),
        assignments.pairs(args.key_value, "--key-value"),
    )


def _tls(args: argparse.Namespace) -> tuple[Path, Path] | None:
    certificate: Path | None = args.tls_cert
    key: Path | None = args.tls_key
    if certificate and key:
        return certificate, key
    if certificate or key:
        missing = "--tls-key" if certificate else "--tls-cert"
        raise UsageError(f"TLS needs both files: {missing} is missing", hint=f"add {missing} PEM")
    return None
