"""Options that several commands share: how they are spelt, and what they become."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli.parser import Parser
from paddock.errors import ManifestError, UsageError

if TYPE_CHECKING:
    from paddock._options import EngineOptions
    from paddock.host.host import EngineSettings

COMPILERS = ("cranelift", "winch", "pulley")


def add_engine(parser: Parser) -> None:
    """Options of the engine, which is the host's and not a component's."""
    group = parser.add_argument_group("engine")
    add_compiler(group)
    group.add_argument(
        "--fuel", type=positive, metavar="N", help="count instructions; stop an event after N"
    )
    group.add_argument(
        "--allow-precompiled",
        action="store_true",
        help="run .cwasm files; they are machine code, so only ones that you made",
    )
    group.add_argument("--cache-dir", type=Path, metavar="DIR", help="where compiled code is kept")
    group.add_argument("--disable-cache", action="store_true", help="keep no compiled code")
    group.add_argument(
        "--disable-pooling", action="store_true", help="allocate instances on demand"
    )


def add_compiler(group: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:  # pyright: ignore[reportPrivateUsage]
    """The choice of a compiler."""
    group.add_argument(
        "--compiler",
        choices=COMPILERS,
        default="cranelift",
        help="cranelift makes fast code (default), winch makes it fast, "
        "pulley interprets and runs everywhere",
    )


def add_pairs(
    group: argparse.ArgumentParser | argparse._ArgumentGroup,  # pyright: ignore[reportPrivateUsage]
    *names: str,
    about: str,
) -> None:
    """An option that may be repeated, each time with a name and a value; see `assignments`."""
    group.add_argument(*names, action="append", default=[], metavar="K=V", help=about)


#: Of `--variable`, where `assignments.variables` reads it.
VARIABLE = "value of a variable; K=@FILE, @FILE.json, @FILE.toml read files"


def add_limits(parser: Parser, time: str) -> None:
    """Limits of one instance; `time` says what holds without --timeout."""
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--max-memory",
        "--max-memory-size",
        type=size,
        metavar="SIZE",
        help="all memories of an instance, as 64MiB",
    )
    group.add_argument(
        "--max-table-elements", type=positive, metavar="N", help="all tables of an instance"
    )
    group.add_argument(
        "--timeout", type=duration, metavar="TIME", help=f"wall clock, as 5s (default: {time})"
    )


def add_target(parser: Parser) -> None:
    """Which running host a command talks to."""
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), help="what the host serves; default: ."
    )
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="of the host; default: .paddock beside PATH"
    )


def engine_settings(args: argparse.Namespace) -> EngineSettings:
    """What `add_engine` parsed."""
    from paddock.host.host import EngineSettings

    return EngineSettings(
        compiler=args.compiler,
        fuel=args.fuel,
        cache_dir=cache_dir(args),
        pooling=not args.disable_pooling,
        allow_precompiled=args.allow_precompiled,
    )


def core_options(args: argparse.Namespace) -> EngineOptions:
    """What `add_engine` parsed, for one guest without a host: it needs no pool."""
    from paddock._options import EngineOptions
    from paddock.host.state import cache_key

    cache = cache_dir(args)
    return EngineOptions(
        compiler=args.compiler,
        fuel=args.fuel is not None,
        pooling=False,
        instances=1,
        cache_dir=str(cache / "code") if cache else None,
        cache_key=cache_key(cache) if cache else None,
    )


def cache_dir(args: argparse.Namespace) -> Path | None:
    """Where compiled code is kept; None for nowhere."""
    from paddock.host.state import cache_directory

    if args.disable_cache:
        return None
    chosen: Path | None = args.cache_dir
    return chosen or cache_directory()


def positive(text: str) -> int:
    """A whole number above 0."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 64:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")


def size(text: str) -> int:
    """Bytes of "64MiB", or of a plain number as the Wasmtime CLI takes it."""
    from paddock.manifest.quantities import parse_size

    try:
        return parse_size(int(text) if text.isascii() and text.isdigit() else text)
    except ManifestError as error:
        raise UsageError(error.message, hint=error.hint) from error


def duration(text: str) -> float:
    """Seconds of "5s", or of a plain number."""
    from paddock.manifest.quantities import parse_duration

    try:
        return parse_duration(f"{text}s" if text.isascii() and text.isdigit() else text)
    except ManifestError as error:
        raise UsageError(error.message, hint=error.hint) from error
