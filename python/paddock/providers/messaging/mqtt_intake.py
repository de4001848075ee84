"""Consuming from MQTT: a session that reconnects, and the subscriptions that draw from it.

The broker sends as many unacknowledged messages as the session allows (MQTT 5's
receive maximum), which is the back-pressure. What was not acknowledged when the
connection ends, the broker sends again to a session that it keeps, marked; what
waits here is then forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import disjoint, matcher
from paddock.errors import CapabilityError
from paddock.providers.connections.mqtt_paho import SessionOptions, TakenOver
from paddock.providers.connections.mqtt_session import MqttSession
from paddock.providers.messaging.inflow import FIRST_PAUSE, LONGEST_PAUSE, Inflow
from paddock.providers.messaging.mqtt_topics import filter_of, subject_of
from paddock.providers.messaging.waiters import Waiters

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

    from paddock.providers.messaging.mqtt import MqttConfig

LOG = logging.getLogger("paddock.messaging")

#: Seconds without a message after which a broker that is drained has no more.
QUIET = 1.0
#: Seconds for which a session is left to whoever took it over, a successor of this
#: host: taking it back would be answered in kind. Not all brokers tell (Mosquitto
#: does not), so sessions that end within `STABLE` seconds wait ever longer.
TRUCE = 30.0
STABLE = 10.0
#: Messages of qos 0 that wait here; the broker can't be slowed down for these.
UNACKNOWLEDGED = 10_000


@dataclass(frozen=True, slots=True)
class Token:
    """One message of one connection; `mid` is 0 for what needs no acknowledgement."""

    session: MqttSession
    mid: int
    message: Message
    attempt: int


class Intake:
    """One session at the broker, used by one or, if it is durable, several subscriptions."""

    def __init__(
        self, config: MqttConfig, subscription: Subscription, options: SessionOptions
    ) -> None:
        self._target = config.target
        self._options = options
        self._qos = min(1, config.qos)
        self._group = subscription.group if config.share else None
        self.subjects = subscription.subjects
        self.durable = subscription.durable
        self._matchers = [matcher((each,)) for each in self.subjects]
        #: Overlapping filters: MQTT 5 then tells by which one a message came.
        self._numbered = not all(
            disjoint(a, b) for n, a in enumerate(self.subjects) for b in self.subjects[:n]
        )
        self._loop = asyncio.get_running_loop()
        self._session: MqttSession | None = None
        self._queue: deque[Token] = deque()
        self._idle = Waiters()
        self.inflows: set[Inflow] = set()
        self.heard = self._loop.time()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.closed = False
        self._running = self._loop.create_task(self._run())

    # -- for the sources

    def take(self, most: int) -> list[Token]:
        """At most so many messages."""
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def put_back(self, tokens: Sequence[Token]) -> None:
        """Somebody else may have them."""
        self._queue.extendleft(reversed(tokens))
        self._idle.wake()

    def more(self) -> asyncio.Future[None]:
        """Done when there is something to take."""
        return self._idle.waiter()

    async def unsubscribe(self) -> None:
        """Nothing new is wanted; what was on its way has come when it answers."""
        if self._session is not None and not self._session.ended.done():
            await self._session.unsubscribe(self._filters())

    async def leave(self, inflow: Inflow | None) -> None:
        """The last one closes the session; the broker sends what was not acknowledged later."""
        self.inflows.discard(cast("Inflow", inflow))
        if self.inflows or self.closed:
            return
        self.closed = True
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- the session

    async def _run(self) -> None:
        pause, failure = FIRST_PAUSE, ""
        while True:
            try:
                session = await self._connect()
            except CapabilityError as error:
                if not error.retryable and not self.opened.done():
                    self.opened.set_exception(error)
                    return
                if failure != error.message:
                    LOG.warning("a subscription waits: %s", error.message)
                failure, longest = error.message, LONGEST_PAUSE
            else:
                if not self.opened.done():
                    self.opened.set_result(None)
                elif failure:
                    LOG.info("a subscription goes on")
                began = self._loop.time()
                reason = await asyncio.shield(session.ended)
                failure, longest = reason.message, TRUCE
                LOG.warning("a subscription waits: %s", failure)
                if isinstance(reason, TakenOver):
                    pause = TRUCE
                elif self._loop.time() - began > STABLE:
                    pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, longest)

    async def _connect(self) -> MqttSession:
        from paho.mqtt.subscribeoptions import SubscribeOptions

        before = self._session

        def received(message: MQTTMessage) -> None:
            self._received(session, message)

        session = MqttSession(self._target, self._options, received)
        if await session.connect() and before is not None:
            self._forget(before)
        self._session = session
        handling = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        options = SubscribeOptions(qos=self._qos, retainHandling=handling)
        if self._group is not None:
            # Retained messages are not for shared subscriptions (MQTT 5, 4.8.2).
            options = SubscribeOptions(qos=self._qos)
        for number, each in enumerate(self._filters(), 1):
            await session.subscribe([(each, options)], number if self._numbered else None)
        return session

    def _filters(self) -> list[str]:
        share = f"$share/{self._share()}/" if self._group is not None else ""
        return [share + filter_of(each) for each in self.subjects]

    def _share(self) -> str:
        # A share name has no slashes and wildcards (MQTT 5, 4.8.2).
        return "".join(each if each not in "/+#" else "_" for each in self._group or "")

    def _forget(self, session: MqttSession) -> None:
        """The broker sends again what was not acknowledged by this session's connection."""
        self._queue = deque(each for each in self._queue if each.session is not session)
        for inflow in self.inflows:
            inflow.lost(lambda token: cast("Token", token).session is session)

    def _received(self, session: MqttSession, message: MQTTMessage) -> None:
        self.heard = self._loop.time()
        try:
            subject = subject_of(message.topic)
        except UnicodeDecodeError:
            subject = ""
        if not self._wanted(subject, message):
            if message.qos:
                session.ack(message.mid, message.qos)
            return
        if not message.qos and len(self._queue) >= UNACKNOWLEDGED:
            LOG.warning("a message of qos 0 is dropped: %d wait already", UNACKNOWLEDGED)
            return
        about = message.properties
        reply_to = getattr(about, "ResponseTopic", None)
        found = Message(
            subject,
            bytes(message.payload),
            tuple(getattr(about, "UserProperty", ())),
            subject_of(reply_to) if reply_to else None,
        )
        attempt = 2 if message.dup else 1
        self._queue.append(Token(session, message.mid if message.qos else 0, found, attempt))
        self._idle.wake()

    def _wanted(self, subject: str, message: MQTTMessage) -> bool:
        first = next((n for n, fits in enumerate(self._matchers, 1) if fits(subject)), None)
        if first is None:
            return False
        came = getattr(message.properties, "SubscriptionIdentifier", None)
        return not self._numbered or came is None or first in came


class IntakeSource:
    """The contract is `paddock.providers.messaging.held.Source`."""

    lease: float | None = None

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._inflow: Inflow | None = None
        #: A session that the broker does not keep can't give anything back.
        self.returns = intake.durable

    async def run(self, inflow: Inflow) -> None:
        """Draw messages as there is room for them."""
        intake, self._inflow = self._intake, inflow
        intake.inflows.add(inflow)
        while not intake.opened.done() and not inflow.ending:
            await inflow.pause(60.0, intake.opened)
        if intake.opened.done():
            intake.opened.result()
        inflow.begun()
        unsubscribed = False
        while room := await inflow.room():
            tokens = intake.take(room)
            for each in tokens:
                inflow.offer(each.message, each, attempt=each.attempt)
            if tokens:
                continue
            if inflow.draining and not intake.durable and not unsubscribed:
                await intake.unsubscribe()
                unsubscribed = True
                continue
            if inflow.draining and (unsubscribed or self._quiet(inflow)):
                return
            more = intake.more()
            await inflow.pause(QUIET / 2 if inflow.draining else 60.0, more)
            more.cancel()

    def _quiet(self, inflow: Inflow) -> bool:
        now = asyncio.get_running_loop().time()
        return now - max(self._intake.heard, inflow.settled_at) > QUIET

    async def ack(self, token: object) -> None:
        """See the contract; the broker has forgotten what an earlier connection had."""
        each = cast("Token", token)
        if each.mid and not each.session.ended.done():
            each.session.ack(each.mid, 1)

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """See the contract."""
        back = [replace(cast("Token", token), attempt=tries + 1) for token, tries in given]
        self._intake.put_back(back)

    async def close(self) -> None:
        """See the contract."""
        await self._intake.leave(self._inflow)
