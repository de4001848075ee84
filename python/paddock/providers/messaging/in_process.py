"""A message broker within this process, for development and for what need not outlive it.

Publishing answers in place, on the guest's thread. A queue belongs to a group, or
to one subscription without a group; it is bounded, and what has no room is refused
rather than dropped. Delivery is at least once as long as the process lives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from paddock.capabilities.messaging import DEAD_LETTERS, Message, Subscription
from paddock.capabilities.subjects import check_headers, check_subject, matcher
from paddock.errors import Exhausted, TooLarge, Unavailable
from paddock.providers.messaging.in_process_queue import Queue, size_of
from paddock.providers.messaging.inbox import INBOX, Inbox
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.options import Options

#: Dead letters that are kept while nobody subscribes to them; the oldest go first.
DEAD = 1000


@dataclass(frozen=True, slots=True)
class InProcessConfig:
    """`max_messages`, `max_bytes`: what one queue holds at most."""

    max_messages: int = 100_000
    max_bytes: int = 64 << 20

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> InProcessConfig:
        """Read a `[message_broker.X]` table."""
        del base
        table = Options(options, "an in-process message broker")
        messages = table.integer("max_messages", cls().max_messages, least=1)
        size = table.integer("max_bytes", cls().max_bytes, least=1024)
        table.done()
        return cls(messages, size)


class QueueSource:
    """The contract is `paddock.providers.messaging.inflow.Source`; tokens are entries."""

    lease: float | None = None
    returns = True

    def __init__(self, broker: InProcessBroker, key: object, queue: Queue) -> None:
        self._broker = broker
        self._key = key
        self._queue = queue
        self._closed = False

    async def run(self, inflow: Inflow) -> None:
        """Move messages as there is room for them."""
        inflow.begun()
        try:
            await self._move(inflow)
        finally:
            # This may have been woken for a message that it did not take.
            with self._broker.lock:
                if self._queue.entries:
                    self._queue.wake()

    async def _move(self, inflow: Inflow) -> None:
        loop = asyncio.get_running_loop()
        while room := await inflow.room():
            waiter = None
            with self._broker.lock:
                entries = self._queue.take(room)
                inflow.waiting = len(self._queue.entries)
                if not entries:
                    if inflow.draining:
                        return
                    waiter = loop.create_future()
                    self._queue.idle(loop, waiter)
            for message, attempt in entries:
                inflow.offer(message, (message, attempt), attempt=attempt)
            if waiter is not None:
                await inflow.pause(60.0, waiter)
                # One that nobody waits for any more must not be woken for a message.
                waiter.cancel()

    async def ack(self, token: object) -> None:
        """Nothing: it left the queue when it was taken."""

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """Put them back in front, with the number of their next attempt."""
        back = [(cast("tuple[Message, int]", token)[0], tries + 1) for token, tries in given]
        with self._broker.lock:
            self._queue.put_back(back)

    async def close(self) -> None:
        """A queue without users goes, unless it is durable."""
        if not self._closed:
            self._closed = True
            self._broker.leave(self._key, self._queue)


class InProcessBroker:
    """The contract is `paddock.capabilities.messaging.MessageBroker`."""

    def __init__(self, config: InProcessConfig) -> None:
        self.lock = threading.Lock()
        self._config = config
        self._queues: dict[object, Queue] = {}
        #: Queues by subject, computed at the first message on it.
        self._routes: dict[str, tuple[Queue, ...]] = {}
        self._inboxes: dict[str, tuple[asyncio.AbstractEventLoop, Inbox]] = {}
        self._inflows: set[Inflow] = set()
        self._closed = False
        dead = Subscription((f"{DEAD_LETTERS}.>",), group=DEAD_LETTERS, durable=True)
        self._dead = self._join((DEAD_LETTERS,), dead)

    def publish(self, message: Message, /) -> None:
        """In place; all queues take it, or none."""
        subject = check_subject(message.subject)
        if message.headers:
            check_headers(message.headers)
        if subject.startswith(INBOX):
            self._answer(message)
            return
        size = size_of(message)
        if size > self._config.max_bytes:
            raise TooLarge(f"a message of {len(message.body)} bytes is larger than a whole queue")
        with self.lock:
            if self._closed:
                raise Unavailable("the message broker is closed")
            queues = self._routes.get(subject)
            if queues is None:
                queues = self._route(subject)
            for queue in queues:
                if not queue.has_room(size):
                    self._make_room(queue, size)
            for queue in queues:
                queue.put(message, size)

    async def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> list[Message]:
        """Answers go to an inbox without passing any queue."""
        loop, inbox = asyncio.get_running_loop(), Inbox()
        question = inbox.ask(replies)
        self._inboxes[question.subject] = (loop, inbox)
        try:
            self.publish(replace(message, reply_to=question.subject))
            return await question.collect(timeout)
        finally:
            del self._inboxes[question.subject]

    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        """See the contract."""
        group = subscription.group
        key: object = object()
        if group is not None:
            key = (group,) if subscription.durable else (group, frozenset(subscription.subjects))
        queue = self._join(key, subscription)
        inflow = Inflow(
            QueueSource(self, key, queue), subscription.max_in_flight, self._publish_later
        )
        self._inflows.add(inflow)
        return inflow

    async def _publish_later(self, message: Message) -> None:
        self.publish(message)

    async def close(self) -> None:
        """What is queued is gone."""
        for inflow in [*self._inflows]:
            await inflow.close()
        with self.lock:
            self._closed = True
            self._queues.clear()
            self._routes.clear()

    def leave(self, key: object, queue: Queue) -> None:
        """A subscription has gone."""
        with self.lock:
            queue.users -= 1
            if queue.users == 0 and not queue.durable and key in self._queues:
                del self._queues[key]
                self._routes.clear()
        self._inflows = {each for each in self._inflows if not each.closed}

    def _join(self, key: object, subscription: Subscription) -> Queue:
        with self.lock:
            if self._closed:
                raise Unavailable("the message broker is closed")
            queue = self._queues.get(key)
            if queue is None:
                most = DEAD if key == (DEAD_LETTERS,) else self._config.max_messages
                queue = self._queues[key] = Queue(subscription, most, self._config.max_bytes)
            # A durable group may ask for other subjects than it did before.
            queue.matches = matcher(subscription.subjects)
            queue.users += 1
            self._routes.clear()
            return queue

    def _route(self, subject: str) -> tuple[Queue, ...]:
        queues = tuple(queue for queue in self._queues.values() if queue.matches(subject))
        if len(self._routes) >= 4096:
            self._routes.clear()
        self._routes[subject] = queues
        return queues

    def _make_room(self, queue: Queue, size: int) -> None:
        if queue is not self._dead:
            raise Exhausted(
                "the in-process message broker has no room: its messages are not consumed as fast "
                "as they are published",
                hint="raise max_messages or max_bytes of the broker, or add handlers",
            )
        while not queue.has_room(size):
            queue.take(1)

    def _answer(self, message: Message) -> None:
        found = self._inboxes.get(message.subject)
        if found is not None:
            loop, inbox = found
            loop.call_soon_threadsafe(inbox.answer, message)


class InProcessMessaging:
    """`type = "in_process"`: each opening is a broker of its own."""

    Config = InProcessConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> InProcessBroker:
        """An application's messages stay within it."""
        del application, name, state_dir
        return InProcessBroker(cast("InProcessConfig", config))
