"""Counters of triggers, for `paddock status` and the metrics of the host."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """What one trigger has done since it started."""

    received: int = 0
    handled: int = 0
    failed: int = 0
    retried: int = 0
    redelivered: int = 0
    dead: int = 0
    running: int = 0
    seconds: float = 0.0
    since: float = field(default_factory=time.monotonic)

    def to_json(self) -> dict[str, object]:
        """For the control socket."""
        return {
            "received": self.received,
            "handled": self.handled,
            "failed": self.failed,
            "retried": self.retried,
            "redelivered": self.redelivered,
            "dead": self.dead,
            "running": self.running,
            "seconds": round(self.seconds, 6),
        }
