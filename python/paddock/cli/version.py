"""Print the versions of Paddock, of its core, and of Python."""

from __future__ import annotations

import sys

from paddock.cli import console
from paddock.cli.parser import Parser


def configure(parser: Parser) -> None:
    """The command has no options."""
    del parser


def run(parser: Parser, argv: list[str]) -> int:
    """Print one line for each to stdout."""
    parser.parse(argv)
    import platform

    console.line(f"paddock {package_version()}")
    console.line(f"core {core_version()}")
    console.line(f"python {platform.python_version()} ({sys.platform}, {platform.machine()})")
    return 0


def package_version() -> str:
    """The version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("paddock")
    except PackageNotFoundError:
        return "(source tree, not installed)"


def core_version() -> str:
    """The version of the compiled core, which may be missing in a source tree."""
    try:
        from paddock import _core
    except ImportError:
        return "(not built: make setup)"
    return _core.__version__
