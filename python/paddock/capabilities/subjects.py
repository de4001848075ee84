"""Subjects and patterns of the messaging capability: their rules, and matching."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from paddock.errors import BadName

#: UTF-8 bytes that a subject may have; products allow more or less than this.
LONGEST = 1024

# Blanks part words on the wire of NATS and Redis; control characters help nobody.
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f]")


@lru_cache(maxsize=4096)
def check_subject(subject: str) -> str:
    """The subject, if a message can have it; raises BadName."""
    _check(subject)
    if any(token in ("*", ">") for token in subject.split(".")):
        raise BadName(
            f"a message can't be sent to the pattern {subject!r}",
            hint="`*` and `>` are for subscriptions",
        )
    return subject


def check_pattern(pattern: str) -> str:
    """The pattern, if it can be subscribed to; raises BadName."""
    _check(pattern)
    if ">" in pattern.split(".")[:-1]:
        raise BadName(f"in {pattern!r} the token `>` is not the last")
    return pattern


def _check(subject: str) -> None:
    if not subject or len(subject.encode()) > LONGEST or _FORBIDDEN.search(subject):
        raise BadName(
            f"{subject[:100]!r} is not a subject: it has 1 to {LONGEST} bytes and no blanks",
            hint="write tokens with dots between them, such as orders.eu.created",
        )
    if not all(subject.split(".")):
        raise BadName(f"{subject[:100]!r} is not a subject: a token between dots is empty")


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def check_headers(headers: Sequence[tuple[str, str]]) -> None:
    """Raises BadName for headers that a message can't have."""
    seen: set[str] = set()
    for name, value in headers:
        if not _NAME.fullmatch(name) or name in seen:
            raise BadName(f"a message can't have a header {name[:100]!r}, or not twice")
        if _LINE_BREAK.search(value) or value != value.strip():
            raise BadName(f"the header {name!r} has a line break, or blanks around its value")
        seen.add(name)


def fitting(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What a message can have of headers that others wrote; of two with one name the first."""
    kept: dict[str, str] = {}
    for name, value in headers:
        if _NAME.fullmatch(name):
            kept.setdefault(name, _LINE_BREAK.sub(" ", value).strip())
    return tuple(kept.items())


def disjoint(one: str, other: str) -> bool:
    """Whether no subject matches both patterns."""
    left, right = one.split("."), other.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if ">" in (mine, theirs):
            return False
        if mine != theirs and "*" not in (mine, theirs):
            return True
    # `>` stands for one token at least, so `a` and `a.>` have nothing in common.
    return len(left) != len(right)


def regex(pattern: str, separator: str = ".") -> str:
    """A regular expression, not anchored, for the subjects of a pattern."""
    end, other = re.escape(separator), f"[^{re.escape(separator)}]+"
    parts = [
        other if token == "*" else ".+" if token == ">" else re.escape(token)
        for token in pattern.split(".")
    ]
    return end.join(parts)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A function that tells whether a subject matches any of the patterns."""
    literal = frozenset(each for each in patterns if not {"*", ">"} & set(each.split(".")))
    others = [regex(each) for each in patterns if each not in literal]
    if not others:
        return literal.__contains__
    compiled = re.compile("|".join(f"(?:{each})" for each in others))
    return lambda subject: subject in literal or compiled.fullmatch(subject) is not None
