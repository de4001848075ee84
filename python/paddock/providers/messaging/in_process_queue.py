"""A bounded queue of messages, filled by any thread and emptied on event loops."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import matcher

#: What a message counts beside its body and headers.
OVERHEAD = 200


class Queue:
    """Messages of one group, under the broker's lock; who waits for them is woken."""

    def __init__(self, subscription: Subscription, most: int, most_bytes: int) -> None:
        self.durable = subscription.durable
        self.matches = matcher(subscription.subjects)
        self.users = 0
        self.entries: deque[tuple[Message, int]] = deque()
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._idle: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def has_room(self, size: int) -> bool:
        """Whether one more message fits."""
        return len(self.entries) < self._most and self._bytes + size <= self._most_bytes

    def put(self, message: Message, size: int) -> None:
        """Add a message at the end."""
        self.entries.append((message, 1))
        self._bytes += size
        self.wake()

    def put_back(self, entries: Sequence[tuple[Message, int]]) -> None:
        """Add messages at the front; they were here already, so there is room."""
        self.entries.extendleft(reversed(entries))
        self._bytes += sum(size_of(message) for message, _ in entries)
        for _ in entries:
            self.wake()

    def take(self, most: int) -> list[tuple[Message, int]]:
        """At most so many messages."""
        taken = [self.entries.popleft() for _ in range(min(most, len(self.entries)))]
        self._bytes -= sum(size_of(message) for message, _ in taken)
        return taken

    def idle(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        """Wake `waiter` when there is something."""
        self._idle.append((loop, waiter))

    def wake(self) -> None:
        """Wake one who waits."""
        while self._idle:
            loop, waiter = self._idle.popleft()
            if not waiter.done() and not loop.is_closed():
                loop.call_soon_threadsafe(_set, waiter)
                return


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def size_of(message: Message) -> int:
    """Bytes that a message counts."""
    size = len(message.body) + len(message.subject) + OVERHEAD
    return size + sum(len(name) + len(value) for name, value in message.headers)
