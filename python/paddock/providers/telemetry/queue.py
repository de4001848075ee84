"""Telemetry on its way out: gathered, bounded, sent in batches by one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LOG = logging.getLogger("paddock.providers")

T = TypeVar("T")

#: Seconds between two lines about what was dropped.
REPORT = 60.0

#: Bytes of all that waits of one kind.
BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Batching:
    """`most` items wait; `batch` are sent at once, or what there is after `delay` seconds."""

    most: int = 2048
    batch: int = 512
    delay: float = 5.0


class Lane(Generic[T]):
    """Items of one kind; `send` raises an exception with the reason when it can't send."""

    def __init__(self, what: str, send: Callable[[Sequence[T]], None]) -> None:
        self.what = what
        self.send = send
        self.waiting: deque[tuple[T, int]] = deque()
        self.size = 0
        self.dropped = 0


class Queue(Generic[T]):
    """Takes items from any thread and never waits; what finds no room is counted, not kept."""

    def __init__(
        self, sends: Mapping[str, Callable[[Sequence[T]], None]], batching: Batching
    ) -> None:
        self._lanes = {what: Lane(what, send) for what, send in sends.items()}
        self._batching = batching
        self._changed = threading.Condition()
        self._closing = False
        self._told = -REPORT
        self._thread = threading.Thread(target=self._run, name="paddock-telemetry", daemon=True)
        self._thread.start()

    def put(self, what: str, item: T, size: int) -> None:
        """Take an item of `size` bytes."""
        lane = self._lanes[what]
        with self._changed:
            full = len(lane.waiting) >= self._batching.most or lane.size + size > BYTES
            if full or self._closing:
                lane.dropped += 1
                return
            lane.waiting.append((item, size))
            lane.size += size
            if len(lane.waiting) in (1, self._batching.batch):
                self._changed.notify()

    @property
    def dropped(self) -> dict[str, int]:
        """How many items of each kind were lost so far."""
        with self._changed:
            return {what: lane.dropped for what, lane in self._lanes.items()}

    def close(self, timeout: float) -> None:
        """Send what waits, for at most so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._due():
                    # Nothing waits: sleep until something does, or the end comes.
                    self._changed.wait_for(lambda: self._due() or self._closing)
                self._changed.wait_for(self._enough, self._batching.delay)
                ending = self._closing
            for lane in self._lanes.values():
                self._drain(lane)
            if ending and not self._due():
                return

    def _due(self) -> bool:
        return any(lane.waiting for lane in self._lanes.values())

    def _enough(self) -> bool:
        batch = self._batching.batch
        return self._closing or any(len(lane.waiting) >= batch for lane in self._lanes.values())

    def _drain(self, lane: Lane[T]) -> None:
        while batch := self._take(lane):
            try:
                lane.send(batch)
            except Exception as error:
                with self._changed:
                    lane.dropped += len(batch)
                self._tell(lane, error)

    def _take(self, lane: Lane[T]) -> list[T]:
        with self._changed:
            count = min(len(lane.waiting), self._batching.batch)
            taken = [lane.waiting.popleft() for _ in range(count)]
            lane.size -= sum(size for _, size in taken)
        return [item for item, _ in taken]

    def _tell(self, lane: Lane[T], error: Exception) -> None:
        now = time.monotonic()
        if now - self._told >= REPORT:
            self._told = now
            LOG.warning("telemetry is lost (%d %s so far): %s", lane.dropped, lane.what, error)
