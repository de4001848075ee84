"""How far a Kafka group is: never past a message that nobody has handled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.providers.messaging.kafka_offsets import Progress, resumed


@given(st.lists(st.integers(0, 60), unique=True), st.randoms())
def test_offsets_are_committed_only_when_all_below_are_settled(
    offsets: list[int], random: object
) -> None:
    progress = Progress(0, 0, 0)
    offsets.sort()
    for offset in offsets:
        assert progress.hand_out(offset) is False
    open_ = list(offsets)
    random.shuffle(open_)  # type: ignore[attr-defined]
    while open_:
        progress.settle(open_.pop())
        assert progress.low <= min(open_, default=progress.high)
        # Whoever comes next knows what is settled and what was handed out.
        again = resumed(progress.low, progress.metadata)
        for offset in (each for each in offsets if each >= progress.low):
            assert again.came(offset) == (offset not in open_)
            assert again.hand_out(offset) is True
    assert progress.low == (offsets[-1] + 1 if offsets else 0)


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)), st.integers(1, 5), st.randoms())
def test_what_a_predecessor_left_is_not_passed_before_it_was_handed_out_again(
    offsets: set[int], handled: set[int], room: int, random: object
) -> None:
    """It handed out all and handled some; this one takes `room` of them at once."""
    before = Progress(0, 0, 0)
    for offset in sorted(offsets):
        before.hand_out(offset)
    for offset in handled & offsets:
        before.settle(offset)
    progress = resumed(before.low, before.metadata)
    records = sorted(each for each in offsets if each >= progress.low)
    unfinished = {each for each in records if each not in handled}
    while records:
        fetched, records = records[:room], records[room:]
        taken = [each for each in fetched if not progress.came(each)]
        for offset in taken:
            progress.hand_out(offset)
        random.shuffle(taken)  # type: ignore[attr-defined]
        for offset in taken:
            progress.settle(offset)
            unfinished.discard(offset)
            assert not [each for each in unfinished if each < progress.low]


def test_what_a_lost_session_still_settles_does_not_pass_what_comes_again() -> None:
    progress = resumed(3, "paddock:6:")
    progress.settle(5)
    assert progress.low == 3
    assert progress.came(5)


def test_the_hundred_thousandth_settled_offset_costs_no_more_than_the_first() -> None:
    progress = Progress(0, 0, 0)

    class Counted(set[int]):
        walks = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            Counted.walks += 1
            return super().__iter__()

    progress.settled = Counted()
    for offset in range(100):
        progress.hand_out(offset)
    for offset in range(99, 0, -1):
        progress.settle(offset)
    assert Counted.walks == 0
    progress.settle(0)
    assert progress.low == 100


@pytest.mark.parametrize(
    "metadata",
    ["", None, "other", "paddock:x:", "paddock:9:%%", "a:b:c:d", "paddock:²:", "paddock:9:ü"],
)
def test_metadata_of_others_is_ignored(metadata: str | None) -> None:
    assert resumed(5, metadata).low == 5
