"""Who wants to hear of everything that guests ask of the host: `Host(observer=...)`.

One seam for telemetry, and for recording: imported functions, clocks, random
numbers, sockets and outgoing requests are all told here, after their answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock._core import Call


class CallObserver(Protocol):
    """Gets calls in batches, on the host's event loop, in the order of their answers.

    At most some eight thousand wait between two batches; what comes faster is
    counted and dropped, so that no guest waits for an observer. It must not block,
    and what it raises goes to the loop's handler of exceptions.
    """

    def called(self, calls: Sequence[Call], lost: int, /) -> object:
        """`lost` is how many were dropped since the last batch."""
        ...
