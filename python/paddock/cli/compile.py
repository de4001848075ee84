"""Compile a component or module to machine code ahead of time.

The result starts without compiling, on the same version of Paddock and the same
kind of machine, and only with --allow-precompiled: machine code can do anything.
"""

from __future__ import annotations

from pathlib import Path

from paddock.cli import console, options
from paddock.cli.parser import Parser
from paddock.errors import UsageError


def configure(parser: Parser) -> None:
    """Add the command's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .wasm or .wat file")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="default: FILE with .cwasm"
    )
    parser.add_argument(
        "--target", metavar="TRIPLE", help="another machine, as aarch64-unknown-linux-gnu"
    )
    parser.add_argument("--fuel", action="store_true", help="for hosts that count fuel (up --fuel)")
    options.add_compiler(parser)


def run(parser: Parser, argv: list[str]) -> int:
    """Compile FILE and write OUT whole or not at all."""
    args = parser.parse(argv)
    file: Path = args.file
    output: Path = args.output or file.with_suffix(".cwasm")
    from paddock.cli.files import naming, read, write

    data = read(file)
    if output.exists() and output.samefile(file):
        raise UsageError(f"the output would replace {file}", hint="choose another with -o")
    from paddock import _core

    engine = _core.Engine(
        _core.EngineOptions(compiler=args.compiler, fuel=args.fuel, pooling=False)
    )
    with naming(file), console.progress(f"Compiling {file}", after=1.0):
        code = engine.precompile(data, args.target)
    write(output, code)
    console.done(f"Wrote {output} ({len(code):,} bytes).")
    return 0
