"""The scanner finds every key of whatever TOML the standard library accepts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from typing import cast

import pytest

from paddock.manifest.positions import KeyPath, Positions

DOCUMENTS = {
    "plain": "a = 1\nb = 'x'\n",
    "spaces": "  a   =   1  \n\t\tb\t=\ttrue # c\n",
    "no final newline": "a = 1\n[b]\nc = 2",
    "comments": "# a = 1\n\n#[x]\nb = 1 # [[y]]\nc = '#' # d = 1\n",
    "dotted": "a.b.c = 1\na.b.d = 2\na . e = 3\n",
    "quoted": '"a b" = 1\n\'c.d\'."e\\u0041" = 2\n"" = 3\n"q\\"" = 4\n',
    "numbers and dates": (
        "a = +1_000\nb = 0xff\nc = 1e-3\nd = inf\ne = 1979-05-27 07:32:00Z\nf = 07:32:00\n"
    ),
    "strings": 'a = "x \\" = y"\nb = \'c:\\\'\nc = "[x]\\n"\nd = \'\'\ne = ""\n',
    "long strings": (
        'a = """\nb = 1\n[c]\n"""\nd = \'\'\'\ne = 1\n\'\'\'\nf = """x\\"""y"""\n'
        'g = """""x"""""\nh = \'\'\'\'x\'\'\'\'\'\ni = """a \\\n   b"""\nj = """"""\nk = 1\n'
    ),
    "arrays": "a = [1, 2, 3]\nb = [\n  'x', # c\n\n  [1, [2]],\n]\nc = []\nd = [[], {}]\n",
    "arrays of tables inline": "a = [{ b = 1 }, { b = 2, c = [ { d = 1 } ] }]\n",
    "inline tables": "a = { b = 1, 'c d' = { e.f = 2 }, g = [1] }\nh = {}\n",
    "tables": "[a]\nb = 1\n[a.c]\nd = 1\n[ e . 'f g' ]\nh = 1\n",
    "tables out of order": "[a.b.c]\nx = 1\n[a]\ny = 1\n[a.b]\nz = 1\n",
    "arrays of tables": (
        "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 1\n[[a.e]]\nf = 1\n[[a.e]]\nf = 2\n"
        "[[a]]\n[[a.e]]\nf = 3\n"
    ),
    "empty array of tables": "[[a]]\n[[a]]\n[b]\n",
    "not ASCII": "'ä' = 1\n[\"日本\"]\nx = '🎉' # é\ny = 1\n",
    "windows": "a = 1\r\n[b]\r\nc = [\r\n 1,\r\n]\r\nd = '''\r\nx'''\r\n",
}


def paths_of(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = cast("dict[str | int, object]", value).items()
    elif isinstance(value, list):
        items = enumerate(cast("list[object]", value))
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


def key_at(text: str, offset: int) -> str:
    """The key that begins at `offset`, as the TOML parser itself reads it."""
    for end in range(offset + 1, len(text) + 1):
        following = text[end : end + 1]
        if following.isalnum() or (following and following in "-_"):
            continue
        try:
            table = tomllib.loads(f"{text[offset:end]} = 1")
        except tomllib.TOMLDecodeError:
            continue
        return next(iter(table))
    raise AssertionError(f"no key at {offset} in {text!r}")


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_key_and_item_is_found(text: str) -> None:
    wanted = set(paths_of(tomllib.loads(text)))
    assert wanted - set(Positions(text.replace("\r\n", "\n")).offsets) == set()


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_position_is_where_its_key_begins(text: str) -> None:
    text = text.replace("\r\n", "\n")
    for path, offset in Positions(text).offsets.items():
        key = path[-1]
        if isinstance(key, str):
            assert key_at(text, offset) == key


def test_lines_and_columns_count_from_one() -> None:
    positions = Positions("a = 1\n  b = [\n 1,\n   2]\n")
    assert positions.locate(("a",)) == (1, 1)
    assert positions.locate(("b",)) == (2, 3)
    assert positions.locate(("b", 1)) == (4, 4)


def test_a_table_stands_at_its_own_header_and_not_where_a_child_named_it_first() -> None:
    positions = Positions("[a.b]\nx = 1\n[a]\ny = 1\n")
    assert positions.locate(("a",)) == (3, 2)
    assert positions.locate(("a", "b")) == (1, 4)


def test_what_is_not_there_is_looked_up_in_what_encloses_it() -> None:
    positions = Positions("x = 1\n[a.b]\nc = 1\n")
    assert positions.locate(("a", "b", "missing", 3)) == (2, 4)
    assert positions.locate(("missing",)) == (1, 1)
    assert positions.locate(()) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "[",
        "[[a]",
        "a = [1",
        "a = {b = ",
        '"a',
        "= 1",
        'a = """',
        "a = \\",
        '"\\uZZZZ" = 1',
        "]",
    ],
)
def test_text_that_is_not_toml_keeps_what_was_understood(text: str) -> None:
    assert Positions("first = 1\n" + text).locate(("first",)) == (1, 1)


def test_deep_nesting_is_given_up_quietly() -> None:
    assert Positions("x = 1\na = " + "[" * 100_000).locate(("x",)) == (1, 1)
