"""`[[trigger.kafka]]`: a component handles messages of Kafka topics, in a consumer group.

    [[trigger.kafka]]
    component = "orders"
    address = "127.0.0.1:9092"
    topic = "orders"
    group = "orders"

Without `address` the host's message broker `broker` ("default") is used. With
`concurrency = 1` messages of a partition are handled in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from paddock.capabilities.messaging import Subscription
from paddock.errors import ManifestError
from paddock.triggers.message import MessageTrigger, at_address, names, started
from paddock.triggers.source import Context, Need

if TYPE_CHECKING:
    from paddock.providers.options import Options


class KafkaTrigger(MessageTrigger):
    """`topic` or `topics`, `group`."""

    templates = frozenset({"address", "topic", "group"})

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """A Kafka cluster by one of its addresses, or a broker of the host."""
        return at_address("kafka", options, settings, {})

    def subscription(self, context: Context, options: Options) -> Subscription:
        """Kafka keeps a group's place, so it is durable."""
        for key in ("broker", "address"):
            options.text(key)
        topics = names(options, "topic", "topics")
        group = options.text("group", f"{context.application}.{context.id}")
        if not group:
            raise ManifestError("`group` can't be empty: Kafka keeps a place for each group")
        return Subscription(topics, group, True, started(options), self.in_flight)
