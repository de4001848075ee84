"""How far a group is with one partition.

Kafka knows one number for each partition: everything below it is handled. What
was handed out above it comes again after a crash, and what was handled above it
too, and Kafka can't tell which is which. So each commit carries, as its metadata,
`paddock:HIGH:BITS`: the offset up to which records were handed out, and, in base
64, a bit for each offset from the committed one on that says whether it is handled.
"""

from __future__ import annotations

import base64
import heapq
from dataclasses import dataclass, field

#: Bits that metadata has room for: brokers take 4,096 bytes of it.
BITS = 16_000


@dataclass(slots=True)
class Progress:
    """`low`: all below is settled. `high`: all from there on was never handed out.

    `marked` is what `high` was when this consumer got the partition. Records come
    in the order of their offsets.
    """

    low: int
    high: int
    marked: int
    settled: set[int] = field(default_factory=set[int])
    _open: set[int] = field(default_factory=set[int])
    #: What is in `settled`, the least first.
    _order: list[int] = field(default_factory=list[int])
    #: All below came to this consumer; what a predecessor left may still come above it.
    _reached: int = 0

    def __post_init__(self) -> None:
        self._order = sorted(self.settled)
        self._reached = self.low

    def came(self, offset: int) -> bool:
        """Note a record that was fetched; whether nobody has to handle it any more."""
        self._reached = max(self._reached, offset + 1)
        if offset in self.settled:
            self._advance()
            return True
        if offset < self.low:
            return True
        self._open.add(offset)
        return False

    def hand_out(self, offset: int) -> bool:
        """Note a record that is handed out; whether it perhaps was before."""
        self.came(offset)
        self.high = max(self.high, offset + 1)
        return offset < self.marked

    def settle(self, offset: int) -> None:
        """A record is handled; `low` moves over what is settled without a gap."""
        self._open.discard(offset)
        if offset < self.low or offset in self.settled:
            return
        self.settled.add(offset)
        heapq.heappush(self._order, offset)
        self._advance()

    def _advance(self) -> None:
        # Offsets have holes (compaction, transactions), so not every number comes.
        first = min(self._open, default=self._reached)
        while self._order and self._order[0] < first:
            self.low = heapq.heappop(self._order) + 1
            self.settled.discard(self.low - 1)

    @property
    def metadata(self) -> str:
        """What a commit of `low` carries."""
        bits = bytearray(BITS // 8)
        for each in self.settled:
            place, bit = divmod(each - self.low, 8)
            if place < len(bits):
                bits[place] |= 1 << bit
        return f"paddock:{self.high}:{base64.b64encode(bits.rstrip(bytes(1))).decode()}"


def resumed(offset: int, metadata: str | None) -> Progress:
    """The progress that a commit tells of; everything after its offset, where it is not ours."""
    parts = (metadata or "").split(":")
    if len(parts) == 3 and parts[0] == "paddock":
        try:
            high = max(offset, int(parts[1]))
            bits = int.from_bytes(base64.b64decode(parts[2], validate=True), "little")
        except ValueError:
            return Progress(offset, offset, offset)
        settled = {offset + each for each in range(bits.bit_length()) if bits >> each & 1}
        return Progress(offset, high, high, settled)
    return Progress(offset, offset, offset)
