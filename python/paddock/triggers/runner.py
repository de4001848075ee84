"""Carries the events of one trigger to its component, with the guarantees of all.

An event is acknowledged only after its component has handled it. One that failed
is tried again, later each time, while others go on; after the last attempt it
goes to the dead letters. No more events are taken than are handled at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from paddock.errors import CapabilityError, HostError, PaddockError, Unavailable
from paddock.triggers import dead
from paddock.triggers.lease import Lease
from paddock.triggers.metrics import Counters
from paddock.triggers.policy import Policy
from paddock.triggers.source import Call, Event, Trigger
from paddock.types import Err, Variant

LOG = logging.getLogger("paddock.trigger")

#: Seconds before a source that failed is asked again; doubled up to the second.
AGAIN, LONGEST = 0.5, 30.0
#: What a handler answers that wants no other attempt.
REJECTED = Variant("reject")

Invoke = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. One that does not count was not the event's or its handler's
    fault; after a final one there is no other attempt.
    """

    reason: str
    counts: bool = True
    final: bool = False


class Runner:
    """Runs one trigger. Its methods belong to the host's event loop."""

    def __init__(self, name: str, trigger: Trigger, policy: Policy, state: Path) -> None:
        self.name = name
        self.trigger = trigger
        self.policy = policy
        self.counters = Counters()
        self._state = state
        self._invoke: Invoke | None = None
        self._room = asyncio.Semaphore(policy.concurrency)
        self._working: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._extra = {"component": name}

    async def subscribe(self) -> None:
        """Begin to collect events; see `Trigger.subscribe`."""
        try:
            await self.trigger.subscribe()
        except Unavailable as error:
            LOG.warning("%s: %s; it is tried again", self.name, error.message, extra=self._extra)

    def start(self, invoke: Invoke) -> None:
        """Handle events from now on."""
        self._invoke = invoke
        self._reading = asyncio.create_task(self._read(), name=f"trigger {self.name}")

    async def _read(self) -> None:
        pause = AGAIN
        while not self._stopping.is_set():
            try:
                async for event in self._events():
                    pause = AGAIN
                    self._begin(event)
                return
            except asyncio.CancelledError:
                raise
            except PaddockError as error:
                LOG.warning("%s: %s; tried again", self.name, error.message, extra=self._extra)
            except Exception:
                LOG.exception("%s failed; tried again", self.name, extra=self._extra)
            await self._pause(pause)
            pause = min(pause * 2, LONGEST)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until this stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _events(self) -> AsyncIterator[Event]:
        """Events, each asked for when there is room to handle it."""
        events = self.trigger.events()
        while True:
            await self._room.acquire()
            try:
                event = await anext(events)
            except BaseException as error:
                self._room.release()
                if isinstance(error, StopAsyncIteration):
                    return
                raise
            yield event

    def _begin(self, event: Event) -> None:
        counters = self.counters
        counters.received += 1
        counters.redelivered += event.redelivered
        task = asyncio.create_task(self._work(event))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, event: Event) -> None:
        self.counters.running += 1
        try:
            await self._settled(event)
        except PaddockError as error:
            # The source can't be told; it brings the event again by itself.
            LOG.warning("%s: %s: %s", self.name, event.name, error.message, extra=self._extra)
        except asyncio.CancelledError:
            raise
        except Exception:
            LOG.exception("%s: settling %s failed", self.name, event.name, extra=self._extra)
        finally:
            self.counters.running -= 1
            self._room.release()

    async def _settled(self, event: Event) -> None:
        while True:
            failure = await self._tried(event)
            if failure is None:
                await event.ack()
                self.counters.handled += 1
                return
            self.counters.failed += 1
            last = failure.counts and event.attempt >= self.policy.attempts
            if failure.final or last:
                await self._bury(event, failure.reason)
                return
            delay = self.policy.delay(event.attempt)
            self.counters.retried += 1
            LOG.warning(
                "%s: %s failed (attempt %d of %d), again in %.1f s: %s",
                self.name,
                event.name,
                event.attempt,
                self.policy.attempts,
                delay,
                failure.reason,
                extra=self._extra,
            )
            if event.returns:
                await event.nack(delay)
                return
            await self._pause(delay)
            if self._stopping.is_set():
                reason = f"{failure.reason}; the host stopped before it was tried again"
                await self._bury(event, reason)
                return
            event.attempt += failure.counts

    async def _tried(self, event: Event) -> Failure | None:
        """None when it was handled."""
        assert self._invoke is not None
        began = time.monotonic()
        lease = Lease(event, event.lease) if event.lease else None
        try:
            await self._invoke(event.call or self.trigger.call(event))
        except Err as error:
            reason = f"the component answered with an error: {_shown(error.payload)}"
            # `handle-message-error` of wasmcloud:messaging 0.3.0 tells which it is.
            return Failure(reason, final=error.payload == REJECTED)
        except HostError as error:
            return Failure(error.message, counts=False)
        except PaddockError as error:
            return Failure(error.message)
        except Exception:
            # Unsettled it would come again for ever, and never get to the dead letters.
            LOG.exception("%s: calling for %s failed", self.name, event.name, extra=self._extra)
            return Failure("the call itself failed; the log has the reason")
        finally:
            self.counters.seconds += time.monotonic() - began
            if lease is not None:
                lease.end()
        return None

    async def _bury(self, event: Event, reason: str) -> None:
        try:
            kept = await event.dead_letter(reason)
        except PaddockError as error:
            if not event.returns:
                raise
            if not isinstance(error, CapabilityError) or error.retryable:
                # Neither settled nor given back, it would take the place of another for ever.
                await event.nack(self.policy.delay(event.attempt))
                raise
            # The source will never take it, and would bring the event again for ever.
            kept, reason = False, f"{reason} (the source takes no dead letter: {error.message})"
        if not kept:
            path = await dead.write(self._state, event.record(), reason, event.attempt)
            LOG.error("%s: %s is in %s", self.name, event.name, path, extra=self._extra)
            await event.ack()
        self.counters.dead += 1
        LOG.error(
            "%s: %s was given up after %d attempts: %s",
            self.name,
            event.name,
            event.attempt,
            reason,
            extra=self._extra,
        )

    async def stop(self, timeout: float) -> int:
        """Take no more, let what is in hand end; how many had to be cut off."""
        self._stopping.set()
        await self._quietly(self.trigger.stop())
        self._cut_reading()
        return await self._ended(timeout)

    async def drain(self, timeout: float) -> int:
        """Handle what the source still holds for this trigger, then end."""
        await self._quietly(self.trigger.drain())
        self._cut_reading()
        left = await self._ended(timeout)
        self._stopping.set()
        return left

    def _cut_reading(self) -> None:
        # A source that can't be told to stop has nothing to give back: it is left waiting.
        if type(self.trigger).stop is Trigger.stop and self._reading is not None:
            self._reading.cancel()

    async def _ended(self, timeout: float) -> int:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                if self._reading is not None:
                    await asyncio.wait((self._reading,))
                while self._working:
                    await asyncio.wait(self._working)
        left = [*self._working]
        for task in (*left, *((self._reading,) if self._reading else ())):
            task.cancel()
        await asyncio.gather(
            *left, *((self._reading,) if self._reading else ()), return_exceptions=True
        )
        await self._quietly(self.trigger.close())
        return len(left)

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            LOG.warning("%s: stopping: %s", self.name, error, extra=self._extra)

    def status(self) -> dict[str, object]:
        """For `paddock status`."""
        standing = self.trigger.standing()
        return {
            "connected": standing.connected,
            "waiting": standing.waiting,
            **standing.fields,
            **self.counters.to_json(),
        }


def _shown(payload: object) -> str:
    return repr(payload)[:500] if payload is not None else "(no text)"
