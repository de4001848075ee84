"""Consuming from a stream of JetStream: pulling as a group's consumer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import DEAD_LETTERS, Message, Subscription
from paddock.capabilities.subjects import disjoint, matcher
from paddock.errors import CapabilityError
from paddock.providers.connections import jetstream
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.nats import REPLY_HEADER, explained, received, usable
from paddock.providers.messaging.nats_stream import Stream

if TYPE_CHECKING:
    from nats.aio.msg import Msg

#: Seconds that one pull waits at the server for messages; fewer while draining.
PULL = 3.0
LAST_PULL = 0.2


class StreamSource:
    """The contract is `paddock.providers.messaging.held.Source`; tokens are messages."""

    returns = True

    def __init__(self, stream: Stream, subscription: Subscription) -> None:
        self.lease: float | None = stream.config.lease
        self._stream = stream
        self._link = stream.link
        self._subscription = subscription
        self._consumer = ""
        self._name = stream.config.name
        if all(each.startswith(f"{DEAD_LETTERS}.") for each in subscription.subjects):
            self._name = f"{self._name}-{DEAD_LETTERS}"
        self._matches = matcher(subscription.subjects)
        #: Wakes the pull when all that it asked for has come, or will not.
        self._over: asyncio.Future[bool] | None = None
        self._left = 0
        #: The sequence number in the stream of the newest message that came.
        self._highest = 0

    async def run(self, inflow: Inflow) -> None:
        """Pull as many as there is room for, again and again."""
        await self._link.connected()
        await self._stream.ensure()
        await self._ensure_consumer()
        inbox = self._link.client.new_inbox()

        async def take(message: Msg) -> None:
            await self._take(inflow, message)

        try:
            listening = await self._link.client.subscribe(inbox, cb=take)
            try:
                inflow.begun()
                while (room := await inflow.room()) and await self._pull(inflow, inbox, room):
                    pass
            finally:
                # What the server has sent already still arrives here.
                await listening.drain()  # type: ignore[no-untyped-call]
        except CapabilityError:
            raise
        except Exception as error:
            raise explained(self._link, error) from error

    async def _pull(self, inflow: Inflow, inbox: str, room: int) -> bool:
        """Ask once; False when that is to end."""
        wanted: dict[str, object] = {"batch": room, "expires": int(PULL * 1e9)}
        if inflow.draining:
            wanted["expires"] = int(LAST_PULL * 1e9)
        self._left = room
        over = self._over = asyncio.get_running_loop().create_future()
        subject = f"{jetstream.API}.CONSUMER.MSG.NEXT.{self._name}.{self._consumer}"
        await usable(self._link)
        await self._link.client.publish(subject, json.dumps(wanted).encode(), reply=inbox)
        await inflow.pause(PULL + 1.0, cast("asyncio.Future[None]", over))
        if over.done() and not over.result():
            await self._ensure_consumer()
        self._over = None
        return not inflow.draining or self._left < room or not over.done()

    async def _take(self, inflow: Inflow, message: Msg) -> None:
        headers = message.headers or {}
        if not message.reply:
            status = headers.get("Status")
            # 404 and 408: no more for now. 409 with "Consumer Deleted" and its like.
            if status != "100" and self._over is not None and not self._over.done():
                gone = status == "409" and "consumer" in headers.get("Description", "").lower()
                self._over.set_result(not gone)
            return
        self._left -= 1
        if self._left <= 0 and self._over is not None and not self._over.done():
            self._over.set_result(True)
        if not self._matches(message.subject):
            await message.ack()
            return
        about = message.metadata
        inflow.waiting = about.num_pending
        # New ones come in their order. A server that was killed has forgotten what it
        # delivered last, and then counts from one again.
        sequence = about.sequence.stream
        again = about.num_delivered > 1 or sequence <= self._highest
        self._highest = max(self._highest, sequence)
        reply_to = headers.pop(REPLY_HEADER, None)
        text = received(message)
        asked = Message(text.subject, text.body, text.headers, reply_to)
        inflow.offer(asked, message, attempt=about.num_delivered, redelivered=again)

    async def ack(self, token: object) -> None:
        """See the contract."""
        await self._tell(token, b"+ACK")

    async def extend(self, token: object) -> None:
        """See the contract."""
        await self._tell(token, b"+WPI")

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """See the contract; the server counts by itself what it has sent."""
        for token, _ in given:
            await self._tell(token, b"-NAK")

    async def _tell(self, token: object, what: bytes) -> None:
        await usable(self._link)
        try:
            await self._link.client.publish(cast("Msg", token).reply, what)
        except Exception as error:
            raise explained(self._link, error) from error

    async def close(self) -> None:
        """A consumer that is not durable goes by itself."""
        if not self._subscription.durable and not self._subscription.group and self._consumer:
            try:
                await self._stream.api(f"CONSUMER.DELETE.{self._name}.{self._consumer}")
            except CapabilityError:
                return

    async def _ensure_consumer(self) -> None:
        wanted, subscription, name = self._wanted(), self._subscription, self._name
        if subscription.group is None:
            # A new name whenever the old one is gone: it holds nothing that counts.
            wanted["name"] = self._consumer or f"paddock-{self._link.client.new_inbox()[-12:]}"
        else:
            wanted["name"] = _consumer_name(subscription)
        request = {"stream_name": name, "config": wanted}
        try:
            await self._stream.api(f"CONSUMER.CREATE.{name}.{wanted['name']}", request)
        except jetstream.Refused as error:
            # Of a known consumer some options can't change: it goes on as it is.
            try:
                await self._stream.api(f"CONSUMER.INFO.{name}.{wanted['name']}")
            except jetstream.Refused:
                raise error from None
        self._consumer = str(wanted["name"])

    def _wanted(self) -> dict[str, object]:
        subscription = self._subscription
        new = not subscription.durable or subscription.start == "new"
        wanted: dict[str, object] = {
            "ack_policy": "explicit",
            "ack_wait": int((self.lease or 30.0) * 1e9),
            "deliver_policy": "new" if new else "all",
            "max_deliver": -1,
            "max_ack_pending": max(1000, 10 * subscription.max_in_flight),
            "replay_policy": "instant",
        }
        if subscription.durable:
            wanted["durable_name"] = _consumer_name(subscription)
        else:
            wanted["inactive_threshold"] = int(30e9)
        subjects = [each for each in subscription.subjects if each != ">"]
        if len(subjects) < len(subscription.subjects):
            return wanted
        if len(subjects) == 1:
            wanted["filter_subject"] = subjects[0]
        elif all(disjoint(a, b) for n, a in enumerate(subjects) for b in subjects[:n]):
            wanted["filter_subjects"] = subjects
        return wanted


def _consumer_name(subscription: Subscription) -> str:
    """A consumer's name has no dots, blanks or slashes."""
    group = subscription.group or ""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", group)
    if name == group and subscription.durable:
        return name
    import hashlib

    # A group that is not durable is another one for other subjects.
    rest = group if subscription.durable else "\0".join((group, *sorted(subscription.subjects)))
    return f"{name}-{hashlib.sha256(rest.encode()).hexdigest()[:12]}"
