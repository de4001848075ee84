"""How often and how much: what every trigger's table may say."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddock.providers.options import Options

#: Seconds between two attempts grow from here by this factor.
FACTOR = 2.0
#: After so many the pause is the longest in any case, and larger powers are no numbers.
DOUBLINGS = 60
LONGEST = 300.0


@dataclass(frozen=True, slots=True)
class Policy:
    """`concurrency`: events handled at once. An event is tried `attempts` times;
    between two of them pass `backoff` seconds, doubled each time, at most `longest`.
    `time` in seconds bounds one attempt: infinity for no bound, None for the
    component's own limit.
    """

    concurrency: int = 16
    attempts: int = 5
    backoff: float = 1.0
    longest: float = LONGEST
    time: float | None = None

    @classmethod
    def from_options(cls, options: Options, usual: Policy) -> Policy:
        """Take `concurrency`, `attempts`, `backoff` and `time` of a trigger's table."""
        return cls(
            options.integer("concurrency", usual.concurrency, least=1, most=10_000),
            options.integer("attempts", usual.attempts, least=1, most=1_000_000),
            options.seconds("backoff", usual.backoff),
            usual.longest,
            options.seconds("time", 0.0) or usual.time,
        )

    def delay(self, attempt: int) -> float:
        """Seconds before the attempt after number `attempt`, spread by a quarter."""
        seconds = min(self.backoff * FACTOR ** min(attempt - 1, DOUBLINGS), self.longest)
        return seconds * random.uniform(0.75, 1.0)
