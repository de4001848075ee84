"""Whatever a file holds, its reader answers with a value or with a ManifestError.

Real manifests are changed byte by byte and token by token for
PADDOCK_FUZZ_SECONDS (5 unless set) in all.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.manifest.formats import ALL

from paddock.errors import ManifestError
from paddock.manifest.codec import from_json, to_json
from paddock.manifest.hostconfig import read_host_config
from paddock.manifest.positions import Positions
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.reader import opened, read
from paddock.manifest.toml_text import write

SECONDS = float(os.environ.get("PADDOCK_FUZZ_SECONDS", "5"))
ROOT = Path(__file__).parents[2]
SEEDS = [
    path.read_text()
    for place in ("tests/manifest/corpus", "examples")
    for path in sorted((ROOT / place).glob("**/*.toml"))
]
TOKENS = re.compile(r"\"\"\"|'''|\[\[|\]\]|[A-Za-z0-9_-]+|\s+|.", re.DOTALL)
WORDS = sorted({word for seed in SEEDS for word in TOKENS.findall(seed)})
NASTY = [
    *("0", "-1", "true", "1e999", "nan", "0x" + "f" * 5000, "9" * 4000, "2020-02-30", "07:32:00"),
    *("{{", "}}", "{{ a }}", "{}", "[]", "''", '""', '"""', "'''", "\\", "\\u0000", "\\uD800"),
    *(
        "[" * 200,
        "x." * 500 + "x",
        "{a=" * 100,
        "\0",
        "\ufeff",
        "\r",
        "é",
        "🎉",
        "..",
        "/",
        ":a",
        "*",
    ),
    *("[component.a]\n", "[[component]]\n", "[[trigger.http]]\n", "[trigger]\nhttp = 1\n", "[]\n"),
    *("spin_manifest_version = 1\n", "component = 3\n", "application = []\n", "private = true\n"),
]


#: Of other hosts: the file that each is, and what is nasty in YAML.
FOREIGN = [(file, text) for file, text in ALL.values()]
NASTY_YAML = [
    *("~", "&a", "*a", "? ", "- ", "|", "---\n", "...\n", "<<", "!!int x", "!!binary x", "0o17"),
    *('"\\0"', '"\\uD800"', '"\\U00110000"', '"\\UFFFFFFFF"', "-0x" + "f" * 40, "file://[", "oci:"),
]


@st.composite
def changed_foreign(draw: st.DrawFn) -> tuple[str, bytes]:
    file, text = draw(st.sampled_from(FOREIGN))
    tokens = TOKENS.findall(text)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(tokens)))
        until = min(len(tokens), at + draw(st.integers(0, 8)))
        word = draw(st.sampled_from(NASTY_YAML) | st.sampled_from(NASTY))
        tokens[at:until] = draw(st.sampled_from([[word], [], tokens[at:until] * 2]))
    return file, "".join(tokens).encode("utf-8", "surrogatepass")


@st.composite
def changed_tokens(draw: st.DrawFn) -> bytes:
    tokens = TOKENS.findall(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(tokens)))
        until = min(len(tokens), at + draw(st.integers(0, 8)))
        kind = draw(st.sampled_from(["value", "replace", "insert", "repeat", "move"]))
        word = draw(st.sampled_from(NASTY) | st.sampled_from(WORDS) | st.text(max_size=5))
        if kind == "value":
            # Most nasty words are only interesting where a value stands.
            marks = [index for index, token in enumerate(tokens) if token == "="]
            at = draw(st.sampled_from(marks)) if marks else 0
            end = next((i for i in range(at, len(tokens)) if "\n" in tokens[i]), len(tokens))
            tokens[at + 1 : end] = [word]
        elif kind == "replace":
            tokens[at:until] = [word]
        elif kind == "insert":
            tokens[at:at] = [word]
        elif kind == "repeat":
            tokens[at:at] = tokens[at:until] * draw(st.integers(1, 3))
        else:
            piece, tokens[at:until] = tokens[at:until], []
            to = draw(st.integers(0, len(tokens)))
            tokens[to:to] = piece
    return "".join(tokens).encode("utf-8", "surrogatepass")


@st.composite
def changed_bytes(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)).encode())
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data)))
        until = min(len(data), at + draw(st.integers(0, 4)))
        data[at:until] = draw(st.binary(max_size=4))
    return bytes(data)


def check_manifest(data: bytes) -> None:
    """The reader raises nothing but its error, and what it accepts survives the cache."""
    try:
        application = read(data, Path("fuzz/paddock.toml"))
    except ManifestMistakes as error:
        check_places(error, data)
    else:
        assert from_json(to_json(application)) == application


def check_foreign(named: tuple[str, bytes]) -> None:
    """The same for manifests of other hosts, and what is read can be written."""
    file, data = named
    path = Path("fuzz") / file
    try:
        read(data, path)
    except ManifestMistakes as error:
        check_places(error, data)
    except ManifestError as error:
        assert "can't tell what" in error.message
    else:
        write(opened(data, path).table)


def check_host_config(data: bytes) -> None:
    """The same for the host's configuration."""
    try:
        read_host_config(data, Path("fuzz/host.toml"))
    except ManifestMistakes as error:
        check_places(error, data)


def check_positions(data: bytes) -> None:
    """The scanner never raises, on TOML or not."""
    Positions(data.decode("utf-8", "replace")).locate(("component", "a", 0))


def check_places(error: ManifestError, data: bytes) -> None:
    assert isinstance(error, ManifestMistakes)
    assert error.problems
    last = data.count(b"\n") + 1
    for problem in error.problems:
        assert 0 <= problem.location.line <= last
        assert problem.reason


OURS = (check_manifest, check_host_config, check_positions)
CHECKED = [(check, changed()) for check in OURS for changed in (changed_tokens, changed_bytes)]


@pytest.mark.parametrize(("check", "changed"), [*CHECKED, (check_foreign, changed_foreign())])
def test_nothing_that_a_file_holds_breaks_its_reader(
    check: Callable[[object], None], changed: st.SearchStrategy[object]
) -> None:
    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(changed)
    def attempt(data: object) -> None:
        check(data)

    # Together these tests take the seconds.
    end = time.monotonic() + SECONDS / (len(CHECKED) + 1)
    attempt()
    while time.monotonic() < end:
        attempt()
