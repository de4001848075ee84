"""docs/compatibility.md has a row, with a test, for each key of Spin's manifest and each trigger."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paddock.manifest import formats, shapes
from paddock.triggers.registry import BUILT_IN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
WORD = re.compile(r"`([^`]+)`")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


ROWS = [row for title in ("Formats", "Keys of Spin's manifest", "Triggers") for row in rows(title)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    tests = WORD.findall(row[-1])
    assert tests
    assert [test for test in tests if not (ROOT / test).exists()] == []


def test_every_key_is_told_of() -> None:
    text = section("Keys of Spin's manifest")
    told = {word.rpartition(".")[2] for word in WORD.findall(text)} | set(WORD.findall(text))
    known = {
        key
        for shape in (
            shapes.ApplicationTable,
            shapes.VariableTable,
            shapes.HttpTable,
            shapes.ComponentTable,
        )
        for key in shape.model_fields
    }
    assert known - told == set()


def test_every_trigger_is_told_of() -> None:
    told = {word for row in rows("Triggers") for word in WORD.findall(row[0])}
    assert told == {"http", *BUILT_IN}


def test_every_format_is_told_of() -> None:
    told = {word for row in rows("Formats") for word in WORD.findall(row[0])}
    assert {
        re.sub(r"\.yml$|\.json$|(?<=config)\.toml$", ".yaml", name) for name in formats.NAMES
    } <= told
