"""Membership in a consumer group of Kafka: joining, partitions that come and go, commits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Subscription
from paddock.capabilities.subjects import regex
from paddock.errors import CapabilityError
from paddock.providers.connections.kafka_target import settings
from paddock.providers.messaging.kafka_offsets import Progress, resumed

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.abc import ConsumerRebalanceListener

    from paddock.providers.connections.kafka import KafkaLink
    from paddock.providers.messaging.inflow import Inflow

LOG = logging.getLogger("paddock.messaging")

#: Milliseconds that one fetch waits for records, and after which new topics are seen.
FETCH = 500
METADATA = 1000
#: Seconds for which a partition that goes to somebody else waits for its handlers.
HANDOVER = 5.0
#: Milliseconds after which joining a group has failed.
JOIN = 15_000
#: Seconds between commits of what was handled.
COMMIT = 0.5

Token = tuple["TopicPartition", int]


class Member:
    """One consumer; its partitions' messages go to `inflow`, which is there when it joins."""

    def __init__(self, link: KafkaLink, subscription: Subscription) -> None:
        self._link = link
        self._subscription = subscription
        self.inflow: Inflow | None = None
        alone = subscription.group is None
        #: One without a group is a group of its own, of which nothing is kept.
        self._group = f"paddock-{secrets.token_hex(8)}" if alone else subscription.group or ""
        self._keeps = not alone
        self._from_start = subscription.durable and subscription.start == "all"
        self._consumer: AIOKafkaConsumer | None = None
        self.progress: dict[TopicPartition, Progress] = {}
        #: Partitions that are being handed over.
        self._going: set[TopicPartition] = set()
        #: Ends of partitions when this subscribed first: what came before is not for it.
        self._ends: dict[TopicPartition, int] | None = None
        self.dirty = False
        self._committed_at = 0.0
        #: What a group that is nobody else's would have at Kafka.
        self._own: dict[TopicPartition, tuple[int, str]] = {}
        self._failure: Exception | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def join(self) -> AIOKafkaConsumer:
        """Make what is missing, and subscribe. May raise aiokafka's errors."""
        from aiokafka import AIOKafkaConsumer

        subjects = self._subscription.subjects
        pattern = "|".join(f"(?:{regex(each)})" for each in subjects)
        options = settings(self._link.target)
        # Whoever joins a group is answered when the others have handed over.
        options["request_timeout_ms"] = max(options["request_timeout_ms"], JOIN)
        consumer = self._consumer = AIOKafkaConsumer(
            **options,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=METADATA,
            # Back-pressure is not to be taken for a consumer that is stuck.
            max_poll_interval_ms=2**31 - 1,
            fetch_max_wait_ms=FETCH,
        )
        self._failure = None
        async with asyncio.timeout(2 * self._link.target.timeout):
            await self._make_topics()
            await consumer.start()
            if self._ends is None:
                self._ends = await self._present(consumer, re.compile(pattern))
            consumer.subscribe(pattern=f"^(?:{pattern})$", listener=_listener(self))
        return consumer

    async def _make_topics(self) -> None:
        """Topics that are named are made, so that nothing sent to them is too early."""
        from aiokafka.admin import NewTopic

        names = [each for each in self._subscription.subjects if not {"*", ">"} & set(each)]
        if not names:
            return
        async with self._link.administration() as client:
            known = set(await client.list_topics())
            # Numbers of partitions and replicas are the broker's own.
            missing = [NewTopic(each, -1, -1, {}) for each in names if each not in known]
            if missing:
                # Refused, it is the broker that makes them, with the first message.
                await client.create_topics(missing)

    async def _present(
        self, consumer: AIOKafkaConsumer, pattern: re.Pattern[str]
    ) -> dict[TopicPartition, int]:
        from aiokafka import TopicPartition

        if self._from_start:
            return {}
        # The consumer itself knows no topic before it has subscribed.
        async with self._link.administration() as client:
            topics = await client.describe_topics()
        found = [
            TopicPartition(topic["topic"], each["partition"])
            for topic in topics
            if pattern.fullmatch(topic["topic"])
            for each in topic["partitions"]
        ]
        return dict(await consumer.end_offsets(found)) if found else {}

    async def commit(self, *, now: bool = False) -> None:
        """Tell Kafka what was handled, not more often than it needs."""
        clock = asyncio.get_running_loop().time()
        if not self._keeps or not (now or (self.dirty and clock > self._committed_at + COMMIT)):
            return
        # Whoever is handled meanwhile is not in it.
        self.dirty, self._committed_at = False, clock
        try:
            await self.commit_of(self.progress)
        except BaseException:
            self.dirty = True
            raise

    def check(self) -> None:
        """Raises what kept it from its partitions, of which aiokafka tells nobody."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def commit_of(self, partitions: Collection[TopicPartition]) -> None:
        """Tell Kafka how far these are."""
        from aiokafka import errors
        from aiokafka.structs import OffsetAndMetadata

        consumer = self._consumer
        offsets = {
            each: OffsetAndMetadata(self.progress[each].low, self.progress[each].metadata)
            for each in partitions
            if each in self.progress
        }
        if not self._keeps:
            self._own.update(offsets)
            return
        if consumer is None or not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (errors.CommitFailedError, errors.IllegalStateError) as error:
            # The group was divided anew: whoever has the partition now sees it again, marked.
            LOG.info("a commit to Kafka came too late: %s", str(error).splitlines()[0])

    def failed(self, error: Exception) -> None:
        """It has to join anew, as `check` will say."""
        self._failure = error

    async def leave(self) -> None:
        """Commit and go; may be repeated."""
        consumer = self._consumer
        if consumer is None:
            return
        with contextlib.suppress(CapabilityError, Exception):
            async with asyncio.timeout(self._link.target.timeout):
                await self.commit_of(self.progress)
        self._consumer = None
        self.progress.clear()
        # Cut off it would go on telling the group that it is alive.
        stopping = asyncio.ensure_future(_stop(consumer))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)
        await asyncio.wait([stopping], timeout=self._link.target.timeout)

    # -- rebalancing

    def has(self, partition: TopicPartition) -> bool:
        """Whether records of a partition may be handed out."""
        return partition in self.progress and partition not in self._going

    async def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions go to somebody else: their handlers may finish, for a moment."""
        gone = self._going = set(partitions)
        inflow = cast("Inflow", self.inflow)
        inflow.drop(lambda token: partition_of(token) in gone)
        deadline = asyncio.get_running_loop().time() + HANDOVER
        try:
            while inflow.in_hand(lambda token: partition_of(token) in gone):
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                await inflow.settling(left)
            await self.commit_of(gone)
        finally:
            inflow.lost(lambda token: partition_of(token) in gone)
            for each in gone:
                self.progress.pop(each, None)
            self._going = set()

    async def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions are ours: find out how far the group was with them."""
        consumer = self._consumer
        if consumer is None:
            return
        known = dict(self._own)
        if partitions and self._keeps:
            async with self._link.administration() as client:
                found = await client.list_consumer_group_offsets(
                    self._group, partitions=list(partitions)
                )
            known = {each: (about.offset, about.metadata) for each, about in found.items()}
        # After a connection that was lost, others may have what is still here.
        cast("Inflow", self.inflow).lost(lambda token: partition_of(token) not in partitions)
        for each in partitions:
            offset, metadata = known.get(each, (-1, ""))
            if offset < 0:
                # A topic that is newer than the subscription is read from its beginning.
                start = (self._ends or {}).get(each)
                if start is None:
                    start = (await consumer.beginning_offsets([each]))[each]
                offset = start
            consumer.seek(each, offset)
            self.progress[each] = resumed(offset, metadata)


def partition_of(token: object) -> TopicPartition:
    """The partition of a message."""
    return cast("Token", token)[0]


async def _stop(consumer: AIOKafkaConsumer) -> None:
    with contextlib.suppress(Exception):
        await consumer.stop()


def _listener(member: Member) -> ConsumerRebalanceListener:
    """aiokafka's listener, a class that is there only once the library is imported.

    What it raises would only be logged, and the consumer go on as if all were known.
    """
    from aiokafka.abc import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
            try:
                await member.revoked(revoked)
            except Exception as error:
                member.failed(error)

        async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
            try:
                await member.assigned(assigned)
            except Exception as error:
                member.failed(error)

    return Listener()
