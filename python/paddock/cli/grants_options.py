"""What `run` and `serve` grant on the command line, in place of a manifest."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paddock.cli import assignments, options, wasmtime_flags
from paddock.cli.parser import Parser
from paddock.errors import ManifestError, UsageError


@dataclass(frozen=True, slots=True)
class Given:
    """Grants and limits of one component.

    `directories` are (directory of the host, path of the guest); `outbound` are
    grants as `allowed_outbound_hosts` has them. A limit of None was not given.
    """

    environment: Mapping[str, str]
    directories: tuple[tuple[Path, str], ...]
    outbound: tuple[str, ...]
    name_lookup: bool
    inherit_network: bool
    configuration: Mapping[str, str]
    secrets: Mapping[str, str]
    #: Names that are granted, by the key that a manifest would list them under.
    names: Mapping[str, tuple[str, ...]]
    #: Set in the key-value store "default".
    key_values: Mapping[str, str]
    config: Path | None
    state_dir: Path | None
    memory: int | None
    table: int | None
    time: float | None


def configure(parser: Parser, *, time: str) -> None:
    """Add the options; `time` says which limit holds without --timeout."""
    group = parser.add_argument_group("grants")
    group.add_argument(
        "--dir",
        action="append",
        default=[],
        metavar="HOST[::GUEST]",
        help="a directory, seen by the guest as GUEST",
    )
    options.add_pairs(group, "--env", about="a variable of the environment; K alone passes ours on")
    group.add_argument("--inherit-env", action="store_true", help="pass our whole environment on")
    group.add_argument(
        "--tcp",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="TCP connections to there; * is any",
    )
    group.add_argument(
        "--udp", action="append", default=[], metavar="HOST:PORT", help="the same for UDP"
    )
    group.add_argument(
        "--http",
        action="append",
        default=[],
        metavar="URL",
        help="outgoing HTTP to there, as https://example.com",
    )
    _configure_providers(parser)
    options.add_limits(parser, time)
    _configure_wasmtime(parser)


#: Option, the manifest's key for the same, what it names.
_NAMED = (
    ("--key-value-store", "key_value_stores", "a key-value store"),
    ("--sqlite-database", "sqlite_databases", "a SQLite database"),
    ("--sql-database", "sql_databases", "a SQL database"),
    ("--blob-container", "blob_containers", "a container of blobs; * is any"),
    ("--message-broker", "message_brokers", "a message broker"),
    ("--interface", "interfaces", "an interface of your own, with its version"),
)


def _configure_providers(parser: Parser) -> None:
    group = parser.add_argument_group("grants of what the host's providers answer")
    for option, key, about in _NAMED:
        group.add_argument(
            option, dest=key, action="append", default=[], metavar="NAME", help=about
        )
    options.add_pairs(group, "--variable", about=options.VARIABLE)
    options.add_pairs(group, "--secret", about="the same for a secret")
    options.add_pairs(group, "--key-value", about="set a key in the store 'default', and grant it")
    group.add_argument(
        "--config", type=Path, metavar="HOST.TOML", help="what stands behind these names"
    )
    group.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="what is stored stays there; default: nowhere"
    )


def _configure_wasmtime(parser: Parser) -> None:
    group = parser.add_argument_group("as in the Wasmtime command line")
    for letter, about in (
        ("-W", "WebAssembly: max-memory-size, max-table-elements, timeout, fuel, …"),
        ("-S", "WASI: inherit-env, inherit-network, allow-ip-name-lookup, tcp, udp, …"),
        ("-C", "code generation: compiler, cache"),
        ("-O", "optimisation: pooling-allocator"),
    ):
        group.add_argument(
            letter, action="append", default=[], metavar="NAME[=VALUE],…", help=about
        )


def flags_of(args: argparse.Namespace) -> wasmtime_flags.Flags:
    """The Wasmtime flags; engine settings among them are put where `options` looks."""
    flags = wasmtime_flags.read({"-W": args.W, "-S": args.S, "-C": args.C, "-O": args.O})
    if flags.compiler is not None:
        args.compiler = flags.compiler
    if flags.fuel is not None:
        args.fuel = flags.fuel
    if flags.cache is not None:
        args.disable_cache = not flags.cache
    if flags.pooling is not None:
        args.disable_pooling = not flags.pooling
    return flags


def given(args: argparse.Namespace, flags: wasmtime_flags.Flags) -> Given:
    """Everything granted; raises UsageError for what can't be read."""
    environment = dict(os.environ) if args.inherit_env or flags.inherit_env else {}
    environment.update(assignments.environment(args.env))
    return Given(
        environment=environment,
        directories=tuple(_directory(text) for text in args.dir),
        outbound=_outbound(args, flags),
        name_lookup=_name_lookup(args, flags),
        inherit_network=flags.inherit_network,
        configuration={**flags.configuration, **assignments.variables(args.variable)},
        secrets=assignments.variables(args.secret, "--secret"),
        names=_names(args),
        key_values=assignments.pairs(args.key_value, "--key-value"),
        config=args.config,
        state_dir=args.state_dir,
        memory=args.max_memory or flags.memory,
        table=args.max_table_elements or flags.table,
        time=args.timeout or flags.time,
    )


def _names(args: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    names = {key: tuple(dict.fromkeys(getattr(args, key))) for _, key, _ in _NAMED}
    if args.key_value and "default" not in names["key_value_stores"]:
        names["key_value_stores"] += ("default",)
    return names


def _directory(text: str) -> tuple[Path, str]:
    host, separator, guest = text.partition("::")
    path = Path(host)
    if not host or not path.is_dir():
        raise UsageError(
            f"--dir {text}: there is no directory '{host}'", hint="write --dir HOST[::GUEST]"
        )
    return Path(os.path.abspath(path)), guest if separator else host


def _outbound(args: argparse.Namespace, flags: wasmtime_flags.Flags) -> tuple[str, ...]:
    grants: list[str] = []
    for scheme, switch in (("tcp", flags.tcp), ("udp", flags.udp)):
        if switch is False:
            continue
        targets: list[str] = getattr(args, scheme)
        grants += [_socket(scheme, text) for text in targets]
        if flags.inherit_network:
            grants.append(f"{scheme}://*:*")
    return (*grants, *(_checked("--http", text, text) for text in args.http))


def _socket(scheme: str, text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise UsageError(
            f"--{scheme} {text}: not HOST:PORT",
            hint=f"such as --{scheme} 127.0.0.1:5432; * stands for any host or port",
        )
    return _checked(f"--{scheme}", text, f"{scheme}://{host}:{port}")


def _checked(option: str, text: str, grant: str) -> str:
    from paddock.manifest.outbound import parse_grant

    try:
        parse_grant(grant)
    except ManifestError as error:
        raise UsageError(f"{option} {text}: {error.message}", hint=error.hint) from error
    return grant


def _name_lookup(args: argparse.Namespace, flags: wasmtime_flags.Flags) -> bool:
    """Without a word about it, names can be looked up where a name was granted."""
    if flags.name_lookup is not None:
        return flags.name_lookup
    return any(not _is_address(text) for text in (*args.tcp, *args.udp))


def _is_address(text: str) -> bool:
    import ipaddress

    host = text.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False
    return True
