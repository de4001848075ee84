"""Messages over Kafka: the subject is the topic.

A group is a consumer group, which Kafka keeps: groups are durable whether they
ask for it or not. Order is that of a partition; `key_header` names the header
whose value chooses it. Requests are not answered: Kafka has nothing for them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import check_headers, check_subject
from paddock.errors import BadName, CapabilityError, Unavailable
from paddock.providers.connections.kafka_target import KafkaTarget, target_from
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.options import Options

if TYPE_CHECKING:
    from paddock.providers.connections.kafka import KafkaLink

#: Where a message says where its answer is awaited.
REPLY_HEADER = "Paddock-Reply-To"

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


@lru_cache(maxsize=4096)
def topic_of(subject: str) -> str:
    """The topic of a subject; raises BadName where there is none."""
    if not _TOPIC.fullmatch(subject):
        raise BadName(
            f"Kafka has no topic for {subject[:100]!r}",
            hint="topics have up to 249 letters, digits, dots, underscores and hyphens",
        )
    return subject


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """`key_header`: the header whose value is the record's key."""

    target: KafkaTarget
    key_header: str | None = None

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> KafkaConfig:
        """Read a `[message_broker.X]` table: the keys of `target_from` and `key_header`."""
        table = Options(options, "a Kafka message broker")
        target = target_from(table, base)
        key_header = table.text("key_header")
        table.done()
        return cls(target, key_header)


class KafkaBroker:
    """The contract is `paddock.capabilities.messaging.MessageBroker`. For one event loop."""

    def __init__(self, config: KafkaConfig) -> None:
        from paddock.providers.connections.kafka import take

        self.link: KafkaLink = take(config.target)
        self._key_header = config.key_header
        self._inflows: set[Inflow] = set()
        self._closed = False

    async def publish(self, message: Message, /) -> None:
        """Answers when all replicas in sync have it."""
        if self._closed:
            raise Unavailable("the message broker is closed")
        check_subject(message.subject)
        headers: list[tuple[str, bytes]] = []
        key: bytes | None = None
        if message.headers:
            check_headers(message.headers)
            headers = [(name, value.encode()) for name, value in message.headers]
            key = dict(headers).get(self._key_header) if self._key_header else None
        if message.reply_to is not None:
            headers.append((REPLY_HEADER, message.reply_to.encode()))
        await self.link.publish(topic_of(message.subject), message.body, key, headers)

    async def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> list[Message]:
        """Refused."""
        raise CapabilityError(
            "Kafka answers no requests", hint="use another message broker for request and reply"
        )

    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        """See the contract and the module's text."""
        from paddock.providers.messaging.kafka_group import GroupSource

        if self._closed:
            raise Unavailable("the message broker is closed")
        source = GroupSource(self.link, subscription)
        inflow = Inflow(source, subscription.max_in_flight, self.publish)
        self._inflows = {each for each in self._inflows if not each.closed} | {inflow}
        return await inflow.started(2 * self.link.target.timeout)

    async def close(self) -> None:
        """See the contract."""
        from paddock.providers.connections.kafka import give

        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(inflow.close() for inflow in self._inflows))
        await give(self.link)


class KafkaMessaging:
    """`type = "kafka"`."""

    Config = KafkaConfig

    @staticmethod
    async def open(config: object, *, application: str, name: str, state_dir: Path) -> KafkaBroker:
        """Topics are shared with everybody at the cluster, as it is meant."""
        del application, name, state_dir
        return KafkaBroker(cast("KafkaConfig", config))
