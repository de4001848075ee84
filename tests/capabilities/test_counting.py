"""The rules of counting, which every provider shares."""

from __future__ import annotations

import pytest

from paddock.capabilities.key_value import LARGEST, SMALLEST, counted
from paddock.errors import CapabilityError


@pytest.mark.parametrize(
    ("current", "delta", "total"),
    [
        (None, 5, 5),
        (b"0", 0, 0),
        (b"-3", 1, -2),
        (b"007", 1, 8),
        (b"%d" % LARGEST, -1, LARGEST - 1),
    ],
)
def test_decimal_text_is_counted_on(current: bytes | None, delta: int, total: int) -> None:
    assert counted(current, delta, "key") == total


@pytest.mark.parametrize("current", [b"", b"-", b"+1", b"1_0", b" 1", b"1\n", b"0x1", b"\xd9\xa3"])
def test_other_text_is_refused_with_the_key(current: bytes) -> None:
    with pytest.raises(CapabilityError, match="key 'key'"):
        counted(current, 1, "key")


@pytest.mark.parametrize(("end", "step"), [(LARGEST, 1), (SMALLEST, -1)])
def test_a_sum_beyond_64_bits_is_refused(end: int, step: int) -> None:
    with pytest.raises(CapabilityError, match="more than 64 bits"):
        counted(b"%d" % end, step, "key")
