"""Subjects as MQTT topics: dots become slashes and slashes dots, `*` is `+`, `>` is `#`.

So `sensors.room/1.temp` is the topic `sensors/room.1/temp`, and every topic has a
subject. MQTT's `a/#` matches `a` too, which `a.>` does not; whoever subscribes
leaves that one out.
"""

from __future__ import annotations

from functools import lru_cache

from paddock.errors import BadName

_SWAPPED = str.maketrans("./", "/.")
#: MQTT 5, 4.7: what a topic can't have, and bytes that it may have.
_WILD = frozenset("+#\0")
LONGEST = 65535


@lru_cache(maxsize=4096)
def topic_of(subject: str) -> str:
    """The topic to publish on; raises BadName where there is none."""
    if not _WILD.isdisjoint(subject):
        raise BadName(f"MQTT has no topic for {subject[:100]!r}: it can't have + or #")
    return subject.translate(_SWAPPED)


def filter_of(pattern: str) -> str:
    """The topic filter of a pattern; raises BadName where there is none."""
    if not _WILD.isdisjoint(pattern):
        raise BadName(f"MQTT has no topics for {pattern[:100]!r}: they can't have + or #")
    tokens = pattern.translate(_SWAPPED).split("/")
    return "/".join({"*": "+", ">": "#"}.get(token, token) for token in tokens)


def subject_of(topic: str) -> str:
    """The subject of a topic."""
    return topic.translate(_SWAPPED)


def pattern_of(topic_filter: str) -> str:
    """The pattern of a topic filter: the inverse of `filter_of`."""
    levels = topic_filter.split("/")
    return ".".join({"+": "*", "#": ">"}.get(level, level.translate(_SWAPPED)) for level in levels)
