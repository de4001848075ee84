"""Consuming from Kafka as a member of a consumer group."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import fitting
from paddock.errors import CapabilityError
from paddock.providers.connections.kafka_target import explained
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.kafka import REPLY_HEADER, topic_of
from paddock.providers.messaging.kafka_member import COMMIT, FETCH, HANDOVER, Member, Token

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

    from paddock.providers.connections.kafka import KafkaLink


class GroupSource:
    """The contract is `paddock.providers.messaging.held.Source`; tokens are partition, offset."""

    lease: float | None = None
    returns = True

    def __init__(self, link: KafkaLink, subscription: Subscription) -> None:
        for subject in subscription.subjects:
            if not {"*", ">"} & set(subject.split(".")):
                topic_of(subject)
        self._link = link
        self._member = Member(link, subscription)
        self._lingering: asyncio.Future[None] | None = None

    async def run(self, inflow: Inflow) -> None:
        """Fetch and hand out, as a member for as long as anything is in hand."""
        self._member.inflow = inflow
        try:
            consumer = await self._member.join()
            inflow.begun()
            await self._fetch(inflow, consumer)
            self._lingering = asyncio.ensure_future(self._linger(inflow))
        except CapabilityError:
            raise
        except Exception as error:
            raise explained(error, self._link.target) from error
        finally:
            if self._lingering is None:
                await self._member.leave()

    async def _linger(self, inflow: Inflow) -> None:
        # Who leaves the group can't commit what its handlers still do.
        while (inflow.in_hand() or inflow.idle()) and not inflow.closed:
            await inflow.settling(COMMIT)
            with contextlib.suppress(Exception):
                await self._member.commit()
        await self._member.leave()

    async def _fetch(self, inflow: Inflow, consumer: AIOKafkaConsumer) -> None:
        while room := await self._roomy(inflow):
            wait = FETCH // 5 if inflow.ending else FETCH
            batches = await consumer.getmany(timeout_ms=wait, max_records=room)
            taken = {
                partition: records
                for partition, records in batches.items()
                if self._member.has(partition) and records
            }
            self._member.check()
            await self._hand_out(inflow, taken)
            await self._member.commit()
            if not taken and inflow.draining and await self._drained(consumer):
                return

    async def _roomy(self, inflow: Inflow) -> int:
        """Room, as `Inflow.room`; commits while it waits."""
        waiting = asyncio.ensure_future(inflow.room())
        try:
            while True:
                await asyncio.wait([waiting], timeout=COMMIT)
                if waiting.done():
                    return waiting.result()
                await self._member.commit()
        finally:
            waiting.cancel()

    async def _hand_out(
        self, inflow: Inflow, batches: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
    ) -> None:
        ready = [
            (partition, record, self._member.progress[partition].hand_out(record.offset))
            for partition, records in batches.items()
            for record in records
            if not self._member.progress[partition].came(record.offset)
        ]
        self._member.dirty |= bool(batches)
        if not ready:
            return
        # Before anybody sees them: after a crash they must be known as handed out.
        await self._member.commit(now=True)
        for partition, record, before in ready:
            token = (partition, record.offset)
            # One that goes to another member meanwhile takes these with it. What came before
            # a connection was lost may still be here, and is not taken twice.
            if self._member.has(partition) and not (before and inflow.holds(token)):
                inflow.offer(_message(record), token, redelivered=before)

    async def _drained(self, consumer: AIOKafkaConsumer) -> bool:
        ends = await consumer.end_offsets(list(self._member.progress))
        for partition, end in ends.items():
            if await consumer.position(partition) < end:
                return False
        return bool(self._member.progress) or not consumer.assignment()

    async def ack(self, token: object) -> None:
        """Committed soon; with a partition that was lost it has no effect."""
        partition, offset = cast("Token", token)
        progress = self._member.progress.get(partition)
        if progress is not None:
            progress.settle(offset)
            self._member.dirty = True

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """They were not committed, which is all it takes."""

    async def close(self) -> None:
        """See the contract."""
        if self._lingering is not None:
            await asyncio.wait([self._lingering], timeout=HANDOVER)
        await self._member.leave()


def _message(record: ConsumerRecord[bytes, bytes]) -> Message:
    # Values may be null, and names may be anything, several times over.
    headers = dict(
        fitting((name, (v or b"").decode("utf-8", "replace")) for name, v in record.headers)
    )
    reply_to = headers.pop(REPLY_HEADER, None)
    return Message(record.topic, record.value or b"", tuple(headers.items()), reply_to)
