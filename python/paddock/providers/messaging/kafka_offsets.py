"""How far a group is with one partition.

Kafka knows one number for each partition: everything below it is handled. What
was handed out above it comes again after a crash, and what was handled above it
too, and Kafka can't tell which is which. So each commit carries, as its metadata,
`paddock:HIGH:BITS`: the offset up to which records were handed out, and, in base
64, a bit for each offset from the committed one on that says whether it is handled.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

#: Bits that metadata has room for: brokers take 4,096 bytes of it.
BITS = 16_000


@dataclass(slots=True)
class Progress:
    """`low`: all below is settled. `high`: all from there on was never handed out.

    `marked` is what `high` was when this consumer got the partition.
    """

    low: int
    high: int
    marked: int
    settled: set[int] = field(default_factory=set[int])
    _open: set[int] = field(default_factory=set[int])

    def is_settled(self, offset: int) -> bool:
        """Whether a record was handled before this consumer got the partition."""
        return offset in self.settled

    def hand_out(self, offset: int) -> bool:
        """Note a record that is handed out; whether it perhaps was before."""
        self._open.add(offset)
        self.high = max(self.high, offset + 1)
        return offset < self.marked

    def settle(self, offset: int) -> None:
        """A record is handled; `low` moves over what is settled without a gap."""
        self._open.discard(offset)
        self.settled.add(offset)
        # Offsets have holes (compaction, transactions), so not every number comes.
        first = min(self._open, default=self.high)
        passed = {each for each in self.settled if each < first}
        if passed:
            self.low = max(self.low, max(passed) + 1)
            self.settled -= passed

    @property
    def metadata(self) -> str:
        """What a commit of `low` carries."""
        bits = sum(1 << (each - self.low) for each in self.settled if each - self.low < BITS)
        data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
        return f"paddock:{self.high}:{base64.b64encode(data).decode()}"


def resumed(offset: int, metadata: str | None) -> Progress:
    """The progress that a commit tells of; everything after its offset, where it is not ours."""
    parts = (metadata or "").split(":")
    if len(parts) == 3 and parts[0] == "paddock" and parts[1].isdigit():
        try:
            bits = int.from_bytes(base64.b64decode(parts[2], validate=True), "little")
        except binascii.Error:
            bits = 0
        settled = {offset + each for each in range(bits.bit_length()) if bits >> each & 1}
        high = max(offset, int(parts[1]))
        return Progress(offset, high, high, settled)
    return Progress(offset, offset, offset)
