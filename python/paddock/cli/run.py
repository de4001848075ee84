"""Run a program in WebAssembly: a wasi:cli command or a core module with _start.

What follows FILE belongs to the program; its exit code is ours. With --invoke,
one exported function is called instead: arguments are JSON, typed by its
signature, and so is what it prints.

  paddock run --dir . tool.wasm input.txt
  paddock run --invoke add add.wat 1 2
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.cli import grants_options, options
from paddock.cli.parser import Parser

if TYPE_CHECKING:
    from paddock._options import EngineOptions
    from paddock.cli.grants_options import Given


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked for. `arguments` are without the program's own name."""

    file: Path
    arguments: tuple[str, ...]
    argv0: str
    invoke: str | None
    given: Given
    engine: EngineOptions
    fuel: int | None
    allow_precompiled: bool


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.usage = "paddock run [OPTIONS] FILE [ARGS…]"
    parser.add_argument("--invoke", metavar="NAME", help="call this export and print its result")
    parser.add_argument("--argv0", metavar="NAME", help="the program's own name; default: FILE's")
    grants_options.configure(parser, time="none")
    options.add_engine(parser)


def run(parser: Parser, argv: list[str]) -> int:
    """Run FILE; returns the guest's exit code."""
    ours, rest = parser.split_at_file(argv)
    args = parser.parse(ours)
    if not rest:
        parser.error("FILE is missing")
    from paddock.cli.command import execute

    return execute(request_of(args, Path(rest[0]), rest[1:]))


def request_of(args: argparse.Namespace, file: Path, arguments: list[str]) -> RunRequest:
    """The request that parsed options stand for."""
    flags = grants_options.flags_of(args)
    return RunRequest(
        file=file,
        arguments=tuple(arguments),
        argv0=args.argv0 or file.name,
        invoke=args.invoke,
        given=grants_options.given(args, flags),
        engine=options.core_options(args),
        fuel=args.fuel,
        allow_precompiled=args.allow_precompiled,
    )
