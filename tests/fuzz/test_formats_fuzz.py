"""Whatever a manifest of another host holds, its reader answers with a value or with a ManifestError.

Real ones are changed token by token for PADDOCK_FUZZ_SECONDS (5 unless set) in all.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.manifest.formats import ALL

from paddock.errors import ManifestError
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.reader import read

SECONDS = float(os.environ.get("PADDOCK_FUZZ_SECONDS", "5"))
TOKENS = re.compile(r"[A-Za-z0-9_/-]+|\s+|.", re.DOTALL)
WORDS = sorted({word for _, text in ALL.values() for word in TOKENS.findall(text)})
NASTY = ["0", "-1", "null", "~", "[", "{", "]", "}", "- ", ": ", "\n", "\n  ", "*a", "&a ", "!!x ",
         "{{", "\0", "é", "'", '"', "|", "9" * 4000, "1.5", "true", "[]", "{}", "2020-01-01"]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, str]:
    name, text = draw(st.sampled_from(sorted(ALL.values())))
    tokens = TOKENS.findall(text)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        tokens[at] = draw(st.sampled_from([*WORDS, *NASTY, ""]))
    return name, "".join(tokens)


def test_a_changed_manifest_is_read_or_refused_in_words(tmp_path: Path) -> None:
    end = time.monotonic() + SECONDS
    count = 0

    @settings(
        max_examples=100, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(changed())
    def run(case: tuple[str, str]) -> None:
        nonlocal count
        count += 1
        name, text = case
        try:
            read(text.encode("utf-8", "surrogatepass"), tmp_path / name)
        except ManifestMistakes as mistakes:
            for problem in mistakes.problems:
                assert problem.reason.strip()
                assert 0 <= problem.location.line <= text.count("\n") + 1
        except ManifestError as error:
            assert error.message.strip()

    while time.monotonic() < end:
        run()
    assert count > 20


@pytest.mark.parametrize("name", ALL)
def test_nothing_but_the_version_is_refused_in_words(tmp_path: Path, name: str) -> None:
    file, text = ALL[name]
    for cut in range(0, len(text), max(1, len(text) // 60)):
        try:
            read(text[:cut].encode(), tmp_path / file)
        except ManifestError as error:
            assert error.message.strip()
