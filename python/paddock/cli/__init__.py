"""The command line: one module for each command, imported only when it is used."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (without the program's name); returns the exit code."""
    import sys

    from paddock.cli.dispatch import dispatch

    return dispatch(list(sys.argv[1:] if argv is None else argv))
