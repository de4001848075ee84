"""Reads the text of a statement as far as a rewriter must: what is code, and what is not.

The products agree on `'text'` and `"name"` with doubled quotes; they differ in
comments (Postgres nests them, MySQL has `#`), in further quotes and in Postgres'
dollar quotes and E'…' texts. Nothing here fails: what never ends, ends with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from paddock.capabilities.sql import Dialect


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    #: A literal, number or text.
    LITERAL = auto()
    #: A quoted name.
    NAME = auto()
    WORD = auto()
    #: `?`
    PLACEHOLDER = auto()
    #: `$1` or `?1`
    NUMBERED = auto()
    OTHER = auto()


class Token(NamedTuple):
    """A piece of a statement; all pieces joined are the statement."""

    kind: Kind
    text: str

    @property
    def word(self) -> str:
        """In capitals if it is a word or a single sign, else empty."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.OTHER) else ""


_QUOTED = r"'(?:[^']|'')*(?:'|\Z)"
_COMMON = [
    (Kind.SPACE, r"\s+"),
    (Kind.COMMENT, r"--[^\n]*"),
    (Kind.LITERAL, _QUOTED),
    (Kind.NAME, r'"(?:[^"]|"")*(?:"|\Z)'),
    (Kind.NUMBERED, r"[$?][0-9]+"),
    (Kind.PLACEHOLDER, r"\?"),
    (Kind.LITERAL, r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"),
    (Kind.WORD, r"[^\W0-9][\w$]*"),
    (Kind.OTHER, r"."),
]
_BLOCK = (Kind.COMMENT, r"/\*.*?(?:\*/|\Z)")
_BACKTICKS = (Kind.NAME, r"`(?:[^`]|``)*(?:`|\Z)")
_OWN: dict[Dialect, list[tuple[Kind, str]]] = {
    "postgres": [
        # Comments nest, which takes more than a pattern: only their beginning is found here.
        (Kind.COMMENT, r"/\*"),
        (Kind.LITERAL, r"[eE]'(?:[^'\\]|''|\\.|\\\Z)*(?:'|\Z)"),
        (Kind.LITERAL, rf"(?:[bBxXnN]|[uU]&){_QUOTED}"),
        (Kind.NAME, r'[uU]&"(?:[^"]|"")*(?:"|\Z)'),
        (Kind.LITERAL, r"\$(?P<tag>(?:[^\W0-9]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"),
    ],
    "sqlite": [_BLOCK, _BACKTICKS, (Kind.NAME, r"\[[^\]]*(?:\]|\Z)"),
               (Kind.LITERAL, rf"[xX]{_QUOTED}")],
    "mysql": [_BLOCK, _BACKTICKS, (Kind.COMMENT, r"\#[^\n]*"),
              (Kind.LITERAL, rf"(?:[xXbBnN]|_\w+\s*){_QUOTED}")],
}  # fmt: skip


def _compiled(dialect: Dialect) -> tuple[re.Pattern[str], list[Kind]]:
    kinds, parts = list[Kind](), list[str]()
    for kind, pattern in (*_OWN[dialect], *_COMMON):
        parts.append(f"(?P<k{len(kinds)}>{pattern})")
        kinds.append(kind)
    return re.compile("|".join(parts), re.DOTALL), kinds


_PATTERNS = {dialect: _compiled(dialect) for dialect in _OWN}
_COMMENT_ENDS = re.compile(r"/\*|\*/")


def tokens(sql: str, dialect: Dialect) -> Iterator[Token]:
    """The pieces of a statement of a product, none of them empty."""
    pattern, kinds = _PATTERNS[dialect]
    at = 0
    while at < len(sql):
        found = pattern.match(sql, at)
        assert found is not None, "every letter is at least of the kind OTHER"
        group = found.lastgroup or ""
        # A tag is a group within a group; the outer one closes last.
        kind = kinds[int(group[1:])]
        end = found.end()
        if kind is Kind.COMMENT and dialect == "postgres" and found.group() == "/*":
            end = _end_of_comment(sql, end)
        yield Token(kind, sql[at:end])
        at = end


def _end_of_comment(sql: str, at: int) -> int:
    depth = 1
    for found in _COMMENT_ENDS.finditer(sql, at):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)
