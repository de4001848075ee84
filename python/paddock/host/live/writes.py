"""The writes of a store that may be moved: counted, and noted while a copy runs beside them.

What is written during the copy is copied again, until little is left; for that,
and no longer, writes wait.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from paddock.errors import Unavailable
from paddock.host.live.gate import Gate

#: What a write may have changed: a key, or an object of a container.
Mark = TypeVar("Mark")
Marked = TypeVar("Marked", contravariant=True)


class Copying(Protocol[Marked]):
    """Copies one store into another; `copied` counts what it did so far."""

    copied: int

    async def everything(self) -> None:
        """All that the source holds; what else the target holds is removed."""
        ...

    async def again(self, marks: Collection[Marked], /) -> None:
        """What is marked, as it is now; what is gone is gone from the target too."""
        ...


class Writes(Generic[Mark]):
    """Those of one store, which errors call `what`. Enter them by the gate, and note inside."""

    __slots__ = ("_lock", "_what", "gate", "noted")

    def __init__(self, what: str) -> None:
        self.gate = Gate()
        self._what = what
        self._lock = threading.Lock()
        #: What was written since a migration looked; None while there is none.
        self.noted: set[Mark] | None = None

    def note(self, marks: Iterable[Mark]) -> None:
        """Remember what a migration has to copy again.

        After the write and inside its flight, whether it succeeded or not:
        before it, a copy could come between and the mark be forgotten.
        """
        if self.noted is not None:
            with self._lock:
                if self.noted is not None:
                    self.noted.update(marks)

    def waited(self) -> Unavailable:
        """The error of a write that waited too long at the gate."""
        return Unavailable(f"{self._what} is being moved and did not take the write in time")

    async def copy(self, copy: Copying[Mark], few: int) -> None:
        """All of the store, until not more than `few` marks are left, or writers are faster."""
        self._take()
        with self._moving():
            # From here on every write under way is one that notes what it writes.
            await self.gate.renew()
            await copy.everything()
            before = sys.maxsize
            # Writers that are faster than the copy are only caught up with by holding them.
            while few < len(changed := self._take()) < before:
                before = len(changed)
                await copy.again(changed)
            await copy.again(changed)

    async def hold(self, copy: Copying[Mark]) -> None:
        """Let writes wait, and carry the last ones over."""
        with self._moving():
            await self.gate.close()
            await copy.again(self._take())

    def resume(self) -> None:
        """Note nothing more, and let writes go on."""
        with self._lock:
            self.noted = None
        self.gate.open()

    def _take(self) -> set[Mark]:
        """What was noted since the last call; notes are taken from the first one on."""
        with self._lock:
            found, self.noted = self.noted or set(), set()
        return found

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Writes go on where they are when something goes wrong."""
        try:
            yield
        except TimeoutError as error:
            self.resume()
            raise Unavailable(f"writes to {self._what} did not end in time") from error
        except BaseException:
            self.resume()
            raise


class Move(Generic[Mark]):
    """The end of a migration; see `paddock.host.live.Switch`.

    `go` makes every call from now on go to the successor.
    """

    def __init__(
        self, writes: Writes[Mark], copy: Copying[Mark], go: Callable[[object], None]
    ) -> None:
        self._writes = writes
        self._copy = copy
        self._go = go

    @property
    def copied(self) -> int:
        """Keys or objects; those that changed meanwhile count more than once."""
        return self._copy.copied

    async def hold(self) -> None:
        """See `paddock.host.live.Switch`."""
        await self._writes.hold(self._copy)

    def commit(self, successor: object, /) -> None:
        """See `paddock.host.live.Switch`."""
        self._go(successor)
        self._writes.resume()

    def abandon(self) -> None:
        """See `paddock.host.live.Switch`."""
        self._writes.resume()
