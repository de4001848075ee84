"""`[[trigger.redis]]`: a component handles messages of Redis channels, or of a stream.

    [[trigger.redis]]
    component = "orders"
    address = "redis://127.0.0.1:6379"
    channel = "orders"

`address` may stand in `[application.trigger.redis]`, as Spin has it; without one
the host's message broker `broker` ("default") is used. With `stream` the messages
are that stream's, shared by a consumer group and kept until they are handled.
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


class RedisTrigger(MessageTrigger):
    """`channel` or `channels`, each a name or a pattern of tokens; or `stream` with `group`."""

    templates = frozenset({"address", "channel", "stream"})

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """A Redis server by address, or a broker of the host."""
        stream = options.get("stream")
        return at_address("redis", options, settings, {"stream": stream} if stream else {})

    def subscription(self, context: Context, options: Options) -> Subscription:
        """All hosts get what is on a channel; one of a group gets what is in a stream."""
        for key in ("broker", "address"):
            options.text(key)
        stream = options.text("stream")
        if stream is None:
            return Subscription(names(options, "channel", "channels"), max_in_flight=self.in_flight)
        subjects = tuple(options.strings("subjects")) or (">",)
        group = options.text("group", f"{context.application}.{context.id}")
        if not group:
            raise ManifestError("a stream is read by a group: `group` can't be empty")
        return Subscription(subjects, group, True, started(options), self.in_flight)
