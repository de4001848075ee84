"""`[[trigger.nats]]`: a component handles messages of NATS, of its core or of a stream.

    [[trigger.nats]]
    component = "orders"
    address = "nats://127.0.0.1:4222"
    subject = "orders.*"
    queue = "orders"

Without `address` the host's message broker `broker` ("default") is used. With
`stream` the messages are stored by JetStream, and a durable consumer named after
`durable` keeps what is not handled yet.
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


class NatsTrigger(MessageTrigger):
    """`subject` or `subjects`; `queue` for a queue group; `stream`, `durable` for JetStream."""

    templates = frozenset({"address", "subject", "queue", "stream", "durable"})

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """A NATS server by address, or a broker of the host."""
        stream, one = options.get("stream"), options.get("subject")
        if not stream:
            return at_address("nats", options, settings, {})
        # A stream that is not there yet is made, for what is subscribed to.
        subjects = [one] if isinstance(one, str) else options.get("subjects", [])
        return at_address("nats", options, settings, {"stream": stream, "subjects": subjects})

    def subscription(self, context: Context, options: Options) -> Subscription:
        """Hosts of one queue group share the messages; without one each gets all."""
        for key in ("broker", "address", "stream"):
            options.text(key)
        subjects = names(options, "subject", "subjects")
        queue, durable = options.text("queue"), options.text("durable")
        start = started(options)
        if queue and durable:
            raise ManifestError("set `queue`, or `durable`, whose consumer is shared in any case")
        return Subscription(subjects, durable or queue, bool(durable), start, self.in_flight)
