"""What every provider's subscription does: prefetching, retries, draining, stopping.

A provider's `Source` talks with its product; consumers iterate over the `Inflow` in
front of it. A nacked message is kept here until its time, which needs nothing of
the product; if this process dies, the product still has it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

from paddock.capabilities.messaging import Message
from paddock.errors import CapabilityError
from paddock.providers.messaging.held import Held, Phase, Source, dead_letter
from paddock.providers.messaging.waiters import Waiters

LOG = logging.getLogger("paddock.messaging")

#: Seconds until a subscription that failed is tried again: the first and the longest pause.
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0

#: Nacked messages that wait here for each one that may be in hand, at most, before
#: they count as in hand themselves: a bound for memory while everything fails.
SPARE = 8


class Inflow:
    """The contract is `paddock.capabilities.messaging.Deliveries`. For one event loop."""

    def __init__(
        self, source: Source, limit: int, publish: Callable[[Message], Awaitable[None]]
    ) -> None:
        self.source = source
        self.waiting: int | None = None
        #: When a message was last settled, by the loop's clock.
        self.settled_at = 0.0
        self._limit = limit
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Held] = deque()
        self._handed: set[Held] = set()
        self._delayed: dict[Held, asyncio.Task[None]] = {}
        self._waiters = Waiters()
        self._freed: asyncio.Future[None] | None = None
        self._changed: asyncio.Future[None] = self._loop.create_future()
        self._phase = Phase.OPEN
        self._finished = False
        self._closing: asyncio.Future[None] | None = None
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._failure: str | None = None
        self._task = self._loop.create_task(self._run())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Held:
        while not self._over():
            if self._queue:
                held = self._queue.popleft()
                self._handed.add(held)
                return held
            await self._waiters.wait()
        raise StopAsyncIteration

    async def started(self, seconds: float) -> Self:
        """Wait until it is subscribed, no longer; CapabilityError for what can't be done."""
        await asyncio.wait([self._begun], timeout=seconds)
        if self._begun.done() and self._begun.exception():
            await self.close()
            self._begun.result()
        return self

    # -- for the source

    def begun(self) -> None:
        """From now on what is published will be delivered."""
        if not self._begun.done():
            self._begun.set_result(None)
        if self._failure is not None:
            LOG.info("a subscription goes on")
            self._failure = None

    @property
    def draining(self) -> bool:
        """Whether the source ends when the product has no more."""
        return self._phase is Phase.DRAINING

    @property
    def ending(self) -> bool:
        """Whether no more is wanted than there is."""
        return self._phase is not Phase.OPEN

    async def pause(self, seconds: float, *sooner: asyncio.Future[Any]) -> None:
        """Wait; no longer than until one of `sooner` is done, or until this is to end."""
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait([self._changed, *sooner], timeout=seconds, return_when=first)

    async def room(self) -> int:
        """How many messages may be offered now, waiting for one at least; 0 for never more."""
        while self._phase in (Phase.OPEN, Phase.DRAINING):
            excess = max(0, len(self._delayed) - SPARE * self._limit)
            free = self._limit - len(self._queue) - len(self._handed) - excess
            if free > 0:
                return free
            if self._freed is None or self._freed.done():
                self._freed = self._loop.create_future()
            # Others may wait for it too.
            await asyncio.shield(self._freed)
        return 0

    def offer(
        self, message: Message, token: object, *, attempt: int = 1, redelivered: bool = False
    ) -> None:
        """Queue one message for whoever iterates."""
        self._queue.append(Held(self, message, token, attempt, redelivered or attempt > 1))
        self._waiters.wake()

    def drop(self, which: Callable[[object], bool]) -> None:
        """Forget what is queued: it goes to somebody else."""
        self._queue = deque(held for held in self._queue if not which(held.token))
        self._free()

    def in_hand(self, which: Callable[[object], bool] = lambda token: True) -> bool:
        """Whether anybody works on such a message."""
        return any(which(held.token) for held in self._handed)

    def holds(self, token: object) -> bool:
        """Whether such a message is here, worked on or not."""
        return self.in_hand(lambda each: each == token) or token in self.idle()

    def idle(self) -> set[object]:
        """Tokens of what is here and nobody works on."""
        return {held.token for held in (*self._queue, *self._delayed)}

    async def settling(self, seconds: float) -> None:
        """Wait, until a message was settled at most."""
        if self._freed is None or self._freed.done():
            self._freed = self._loop.create_future()
        await asyncio.wait(
            [self._freed, self._changed], timeout=seconds, return_when="FIRST_COMPLETED"
        )

    def lost(self, which: Callable[[object], bool] = lambda token: True) -> None:
        """Forget what was taken: the product sends again all that was not acknowledged."""
        self._queue = deque(held for held in self._queue if not which(held.token))
        for held in [held for held in self._handed if which(held.token)]:
            held.settle()
            self._handed.discard(held)
        for held, task in [*self._delayed.items()]:
            if which(held.token):
                task.cancel()
                del self._delayed[held]
        self._free()

    # -- for what was handed out

    def settled(self, held: Held) -> None:
        """Its place is free."""
        self.settled_at = self._loop.time()
        self._handed.discard(held)
        self._free()

    async def again(self, held: Held, delay: float) -> None:
        """Hand it out anew after `delay` seconds, or give it back when this has ended."""
        self._handed.discard(held)
        if self._phase in (Phase.STOPPED, Phase.CLOSED) and self.source.returns:
            await self.source.release([(held.token, held.attempt)])
            return
        self._delayed[held] = self._loop.create_task(self._later(held, delay))
        self._free()

    async def _later(self, held: Held, delay: float) -> None:
        following = await held.put_off(delay)
        del self._delayed[held]
        # In front: it is older than what waits.
        self._queue.appendleft(following)
        self._waiters.wake()

    async def bury(self, held: Held, reason: str) -> None:
        """Publish the dead letter of a message."""
        letter = dead_letter(held.message, held.attempt, reason)
        if letter is not None:
            await self._publish(letter)

    # -- the end

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._phase is Phase.CLOSED

    async def drain(self) -> None:
        """See the contract."""
        if self._phase is Phase.OPEN:
            self._become(Phase.DRAINING)

    async def stop(self) -> None:
        """See the contract."""
        if self._phase in (Phase.STOPPED, Phase.CLOSED):
            return
        if not self.source.returns:
            self._become(Phase.DRAINING)
            return
        self._become(Phase.STOPPED)
        await self._ended()
        await self._give_back()
        self._waiters.wake_all()

    async def close(self) -> None:
        """See the contract."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._become(Phase.CLOSED)
        await self._ended()
        handed = [held for held in self._handed if held.settle()]
        self._handed.clear()
        await self._give_back(*handed)
        self._waiters.wake_all()
        await self.source.close()

    def _become(self, phase: Phase) -> None:
        self._phase = phase
        changed, self._changed = self._changed, self._loop.create_future()
        changed.set_result(None)
        self._free()

    async def _ended(self) -> None:
        # A source that waits for its product may see it a little later.
        _, running = await asyncio.wait([self._task], timeout=3.0)
        if running:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _give_back(self, *also: Held) -> None:
        delayed, self._delayed = self._delayed, {}
        for task in delayed.values():
            task.cancel()
        given = [(held.token, held.attempt) for held in (*also, *delayed)]
        # What waits was not handed out for the attempt that it counts.
        given += [(held.token, held.attempt - 1) for held in self._queue]
        self._queue.clear()
        if given and self.source.returns:
            try:
                await self.source.release(given)
            except CapabilityError as error:
                LOG.warning("messages come again later than they could: %s", error.message)

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        try:
            while not await self._session():
                if self._failure is None:
                    pause = FIRST_PAUSE
                await self.pause(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._finished = True
            if not self._begun.done():
                self._begun.set_result(None)
            self._waiters.wake_all()

    async def _session(self) -> bool:
        """Whether no other has to follow."""
        try:
            await self.source.run(self)
        except CapabilityError as error:
            if not error.retryable and not self._begun.done():
                self._begun.set_exception(error)
                return True
            if self._failure != error.message:
                LOG.warning("a subscription waits: %s", error.message)
            self._failure = error.message
        except Exception:
            LOG.exception("a subscription failed and begins again")
            self._failure = "a fault of the host"
        else:
            return True
        return self._phase in (Phase.STOPPED, Phase.CLOSED)

    # -- waking

    def _over(self) -> bool:
        if self._phase in (Phase.STOPPED, Phase.CLOSED):
            return True
        return self._finished and not (self._queue or self._handed or self._delayed)

    def _free(self) -> None:
        if self._freed is not None and not self._freed.done():
            self._freed.set_result(None)
        if self._over():
            self._waiters.wake_all()
