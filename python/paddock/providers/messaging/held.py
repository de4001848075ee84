"""One message in somebody's hands, and the product that it came from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from paddock.capabilities.messaging import (
    ATTEMPTS_HEADER,
    DEAD_LETTERS,
    REASON_HEADER,
    SUBJECT_HEADER,
    Message,
)
from paddock.capabilities.subjects import fitting
from paddock.errors import CapabilityError

if TYPE_CHECKING:
    from paddock.providers.messaging.inflow import Inflow


LOG = logging.getLogger("paddock.messaging")


class Source(Protocol):
    """One subscription at a product. A token stands for one message of it.

    `lease` is as in `Delivery`. `returns` says whether `release` works.
    """

    lease: float | None
    returns: bool

    async def run(self, inflow: Inflow, /) -> None:
        """Subscribe, call `inflow.begun()`, and offer messages as `inflow.room()` allows.

        Ends when `room` answers 0, and while `inflow.draining` also when the
        product has no more. It is run again after a CapabilityError, which is
        final only if it is not retryable and nothing has begun.
        """
        ...

    async def ack(self, token: object, /) -> None:
        """It is handled."""
        ...

    async def extend(self, token: object, /) -> None:
        """Its lease starts anew."""
        ...

    async def release(self, given: Sequence[tuple[object, int]], /) -> None:
        """Nobody here will handle them: somebody else may at once.

        Each is a token, and how often it was handed out, as far as the product can keep that.
        """
        ...

    async def close(self) -> None:
        """Let the subscription go; what a durable one keeps stays at the product."""
        ...


class Phase(Enum):
    """How far a subscription is with its end."""

    OPEN = auto()
    DRAINING = auto()
    STOPPED = auto()
    CLOSED = auto()


class Held:
    """The contract is `paddock.capabilities.messaging.Delivery`."""

    __slots__ = ("_inflow", "_leased", "_settled", "attempt", "message", "redelivered", "token")

    def __init__(
        self, inflow: Inflow, message: Message, token: object, attempt: int, redelivered: bool
    ) -> None:
        self._inflow = inflow
        self._settled = False
        #: When its lease began, by the loop's clock.
        self._leased = asyncio.get_running_loop().time()
        self.message = message
        self.token = token
        self.attempt = attempt
        self.redelivered = redelivered

    @property
    def lease(self) -> float | None:
        """Of the source."""
        return self._inflow.source.lease

    async def ack(self) -> None:
        """See the contract."""
        if self.settle():
            try:
                await self._inflow.source.ack(self.token)
            finally:
                self._inflow.settled(self)

    async def nack(self, delay: float = 0.0) -> None:
        """See the contract."""
        if self.settle():
            await self._inflow.again(self, delay)

    async def dead_letter(self, reason: str) -> None:
        """See the contract."""
        if self._settled:
            return
        await self._inflow.bury(self, reason)
        await self.ack()

    async def extend(self) -> None:
        """See the contract."""
        if not self._settled:
            await self._extend()

    async def _extend(self) -> None:
        self._leased = asyncio.get_running_loop().time()
        await self._inflow.source.extend(self.token)

    async def put_off(self, seconds: float) -> Held:
        """The same for its next attempt, after so many seconds in which its lease is kept.

        Handlers have used a part of the lease, and want to begin with half of it.
        """
        loop, lease = asyncio.get_running_loop(), self._inflow.source.lease
        due = loop.time() + seconds
        while lease is not None and due > self._leased + lease / 2:
            await asyncio.sleep(self._leased + lease / 3 - loop.time())
            try:
                await self._extend()
            except CapabilityError as error:
                LOG.warning("a message that waits for its retry may come early: %s", error.message)
        await asyncio.sleep(due - loop.time())
        following = Held(self._inflow, self.message, self.token, self.attempt + 1, True)
        following._leased = self._leased
        return following

    def settle(self) -> bool:
        """Whether it still had to be settled; from now on it has not."""
        if self._settled:
            return False
        self._settled = True
        return True


def dead_letter(message: Message, attempt: int, reason: str) -> Message | None:
    """What is published for a message that nobody can handle; None for a dead letter itself."""
    if message.subject.startswith(f"{DEAD_LETTERS}."):
        LOG.warning("a dead letter could not be handled and is dropped: %s", reason)
        return None
    told = {
        SUBJECT_HEADER: message.subject,
        REASON_HEADER: " ".join(reason.split())[:1000],
        ATTEMPTS_HEADER: str(attempt),
    }
    # A header that no message can have would keep it from ever being put aside.
    headers = fitting((*told.items(), *message.headers))
    return Message(f"{DEAD_LETTERS}.{message.subject}", message.body, headers)
