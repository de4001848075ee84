"""docs/compatibility.md has a row for every interface that is offered, with a test that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock import _core
from paddock.interfaces import OFFERED
from paddock.providers.registry import BUILT_IN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
WORD = re.compile(r"`([^`]+)`")


def rows(first: str) -> list[list[str]]:
    """The cells of the table whose first heading is `first`."""
    table = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]


WASI = [row for row in rows("interfaces") if "0.2.x" in row[1]]
OFFERS = [row for row in rows("interface") if row[0] != "any other"]


def names(row: list[str]) -> Iterator[str]:
    """Every interface of a row, in every version."""
    first, *others = WORD.findall(row[0])
    package = first.rpartition("/")[0]
    versions = [f"@{version}" for version in WORD.findall(row[1])]
    versions += [""] if "none" in row[1] else []
    for interface in [first, *(f"{package}/{other}" for other in others)]:
        for version in versions:
            yield interface + version


def test_every_interface_that_is_offered_has_one_row_and_no_row_promises_more() -> None:
    told = [name for row in OFFERS for name in names(row)]
    assert sorted(told) == sorted(set(told))
    assert set(told) == set(OFFERED)


@pytest.mark.parametrize("row", rows("interface"), ids=lambda row: row[0])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    tests = WORD.findall(row[4])
    assert tests
    assert [test for test in tests if not (ROOT / test).exists()] == []


def test_the_providers_of_a_row_are_those_of_its_capability() -> None:
    capabilities = {"sqlite": "sql", "secrets": "configuration"}
    known: list[str] = []
    for row in OFFERS:
        if row[3] != "the same":
            known = WORD.findall(row[3])
        for name in names(row):
            capability = OFFERED[name].capability
            group = BUILT_IN.get(capabilities.get(capability, capability), {})
            # Names of Spin's for the same provider are left out.
            assert "guest's address" in row[3] or set(known) <= set(group), (name, known)


@pytest.mark.parametrize("row", WASI, ids=lambda row: row[0])
def test_what_the_engine_answers_it_answers(row: list[str]) -> None:
    for package in WORD.findall(row[0]):
        assert _core.built_in(f"{package}/any@0.2.0") and _core.built_in(f"{package}/any@0.3.0")
        assert not _core.built_in(f"{package}/any@0.3.0-rc-2026-03-15")


def test_what_the_engine_answers_of_spin_has_a_row() -> None:
    assert any("`fermyon:spin/http`" in row[0] for row in rows("interfaces"))
    assert _core.built_in("fermyon:spin/http")
    assert not _core.built_in("fermyon:spin/http@2.0.0")
