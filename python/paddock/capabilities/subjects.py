"""Subjects and patterns of the messaging capability: their rules, and matching."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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
