"""A parser for one command, whose mistakes are errors of our own tree."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from paddock.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations; a mistake raises UsageError."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(
            prog=f"paddock {command}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with argparse's message."""
        raise UsageError(f"{self.prog}: {message}", hint=f"{self.prog} --help shows the options")

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse a whole command line; an unknown option is answered with the nearest."""
        known, rest = self.parse_known_args(argv)
        if not rest:
            return known
        from paddock.manifest.names import nearest

        word = rest[0].partition("=")[0]
        if not word.startswith("-"):
            self.error(f"too many arguments: {' '.join(rest)}")
        close = nearest(word, [name for name in self._option_string_actions if name != "-h"])
        hint = f"did you mean '{close}'?" if close else f"{self.prog} --help shows the options"
        raise UsageError(f"{self.prog}: unknown option {word}", hint=hint)

    def split_at_file(self, argv: Sequence[str]) -> tuple[list[str], list[str]]:
        """Our part of the command line, and from the first positional on all the rest.

        What follows a guest's file is the guest's, options and `--` included.
        """
        index = 0
        while index < len(argv):
            word = argv[index]
            if word == "--":
                return list(argv[:index]), list(argv[index + 1 :])
            if not word.startswith("-") or word == "-":
                break
            index += 2 if self._value_follows(word) else 1
        return list(argv[:index]), list(argv[index:])

    def _value_follows(self, word: str) -> bool:
        action = self._option_string_actions.get(word)
        return action is not None and action.nargs != 0
