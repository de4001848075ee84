r"""Reads `.env` files: `NAME=value` lines, as the common tools write them.

A line may start with `export`. A value in single quotes is taken as it is; in
double quotes, `\n`, `\t`, `\r`, `\"`, `\\` and `\$` are escapes. A bare value
ends before ` #` and loses the blanks around it. Nothing is expanded.
"""

from __future__ import annotations

import re

from paddock.errors import ManifestError

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*
    (?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^'"\s#][^\n]*?|))
    \s*(?:(?:^|(?<=\s))\#.*|(?<=['"])\#.*)?$""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parse(text: str, where: str) -> dict[str, str]:
    """The names and values of a `.env` file; the last of a repeated name counts.

    `where` names the file in the ManifestError that a malformed line raises; the
    line itself is not shown, since it may hold a secret.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ManifestError(
                f"{where}:{number}: this line is not `NAME=value`",
                hint="quote a value that has spaces or quotes in it",
            )
        found[match["name"]] = _value(match)
    return found


def _value(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return _ESCAPE.sub(lambda each: _ESCAPES.get(each[1], each[1]), match["double"])
    return match["bare"] or ""
