"""Subjects and patterns: what is one, what matches, what can't match both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.capabilities.subjects import (
    check_headers,
    check_pattern,
    check_subject,
    disjoint,
    matcher,
)
from paddock.errors import BadName

TOKENS = st.lists(st.sampled_from(["a", "b", "*", ">", "a.b", "x+y"]), min_size=1, max_size=4)


def matches(pattern: str, subject: str) -> bool:
    """The rule, token by token."""
    wanted, found = pattern.split("."), subject.split(".")
    for number, token in enumerate(wanted):
        if token == ">":
            return len(found) > number
        if number >= len(found) or token not in ("*", found[number]):
            return False
    return len(wanted) == len(found)


@given(st.lists(TOKENS.map(".".join), min_size=1, max_size=3), TOKENS.map(".".join))
def test_a_subject_matches_as_its_tokens_do(patterns: list[str], subject: str) -> None:
    try:
        for each in patterns:
            check_pattern(each)
        check_subject(subject)
    except BadName:
        return
    assert matcher(patterns)(subject) == any(matches(each, subject) for each in patterns)


@given(TOKENS.map(".".join), TOKENS.map(".".join), TOKENS.map(".".join))
def test_what_matches_two_patterns_shows_that_they_meet(one: str, other: str, subject: str) -> None:
    try:
        check_pattern(one)
        check_pattern(other)
    except BadName:
        return
    assert disjoint(one, other) == disjoint(other, one)
    if matches(one, subject) and matches(other, subject):
        assert not disjoint(one, other)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("a.*", "*.b", False), ("a.>", "a", True), ("a.*", "a.*.c", True), (">", "x", False)],
)
def test_patterns_that_share_a_subject_are_found(one: str, other: str, apart: bool) -> None:
    assert disjoint(one, other) is apart


@pytest.mark.parametrize("headers", [[("a", "1\r\nb: 2")], [("a b", "")], [("a", " x")]])
def test_headers_can_not_become_others(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(BadName):
        check_headers(headers)
