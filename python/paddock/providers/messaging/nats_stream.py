"""A stream of JetStream: publishing to it, making it where it is missing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from paddock.capabilities.messaging import DEAD_LETTERS, Message, Subscription
from paddock.errors import CapabilityError
from paddock.providers.connections import jetstream
from paddock.providers.messaging.nats import REPLY_HEADER, StreamConfig

if TYPE_CHECKING:
    from paddock.providers.connections.nats import NatsLink
    from paddock.providers.messaging.nats_pull import StreamSource


class Stream:
    """One stream: publishes to it, and makes it and its consumers where they are missing."""

    def __init__(self, link: NatsLink, config: StreamConfig) -> None:
        self.link = link
        self.config = config

    async def publish(self, message: Message) -> None:
        """Answers when the stream has stored it."""
        headers = dict(message.headers)
        if message.reply_to:
            headers[REPLY_HEADER] = message.reply_to
        try:
            answer = await self._send(message, headers)
        except CapabilityError as error:
            if not self._unanswered(error):
                raise
            # Perhaps nobody has subscribed yet, who would have made it.
            await self.ensure()
            answer = await self._send(message, headers)
        if answer.get("stream") is None:
            raise CapabilityError(
                f"{self.link.target.what} has no stream for {message.subject!r}",
                hint=f'add the subject to the stream "{self.config.name}"',
            )

    async def ensure(self) -> None:
        """Make the stream, and one for its dead letters, unless they are there."""
        name, config = self.config.name, self.config
        try:
            info = await self.api(f"STREAM.INFO.{name}")
        except jetstream.Absent as error:
            if not config.subjects:
                raise CapabilityError(
                    f'{self.link.target.what} has no stream "{name}"',
                    hint='to have it made, say what it takes: subjects = ["orders.>"]',
                ) from error
            info = await self._create(name, list(config.subjects))
        taken = cast("list[str]", info["config"].get("subjects") or [])
        # A stream that begins with a wildcard takes its dead letters itself.
        dead = [f"{DEAD_LETTERS}.{each}" for each in taken if each.split(".")[0] not in ("*", ">")]
        if dead:
            # Somebody may have made one, perhaps with other options.
            with suppress(jetstream.Conflict):
                await self._create(f"{name}-{DEAD_LETTERS}", dead)

    async def _create(self, name: str, subjects: list[str]) -> dict[str, Any]:
        config = self.config
        wanted = jetstream.stream(
            name,
            subjects,
            replicas=config.replicas,
            storage=config.storage,
            max_age=int(config.max_age * 1e9),
            max_bytes=config.max_bytes or -1,
        )
        return await self.api(f"STREAM.CREATE.{name}", wanted)

    async def api(self, operation: str, request: object = None) -> dict[str, Any]:
        """See `jetstream.call`."""
        return await jetstream.call(self.link, operation, request)

    async def _send(self, message: Message, headers: dict[str, str]) -> dict[str, Any]:
        answer = await self.link.request(message.subject, message.body, headers or None)
        return jetstream.checked(self.link, answer.data)

    def _unanswered(self, error: CapabilityError) -> bool:
        from nats.errors import NoRespondersError

        return isinstance(error.__cause__, NoRespondersError)

    def source(self, subscription: Subscription) -> StreamSource:
        """What consumes."""
        from paddock.providers.messaging.nats_pull import StreamSource

        return StreamSource(self, subscription)
