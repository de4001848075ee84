"""Messages over Redis: published on channels, or in a stream with the option `stream`.

Channels: the subject is the channel; a message goes to whoever is subscribed at
that moment, at most once. Stream: all subjects are entries of one stream, stored
before `publish` answers, and stay until every durable group has acknowledged them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import check_headers, check_subject
from paddock.errors import CapabilityError, Exhausted, Unavailable
from paddock.providers.connections.redis_target import RedisTarget, target_from
from paddock.providers.messaging.inbox import INBOX, Inbox
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.options import OptionError, Options

if TYPE_CHECKING:
    from paddock.providers.connections.redis import RedisLink
    from paddock.providers.messaging.held import Source
    from paddock.providers.messaging.redis_channels import Listener

#: Adds an entry unless the stream is full, which would mean to lose another one.
ADD = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL') end
return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
"""


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """`stream`: its key; None for channels.

    `max_length`: entries that the stream holds at most, what is more is refused.
    `lease`: as in `Delivery`, for a stream.
    """

    target: RedisTarget
    stream: str | None = None
    max_length: int = 1_000_000
    lease: float = 30.0

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> RedisConfig:
        """Read a `[message_broker.X]` table: the keys of `target_from` and these."""
        table = Options(options, "a Redis message broker")
        target = target_from(table, base)
        stream = table.text("stream")
        length = table.integer("max_length", 1_000_000, least=1, most=2**53)
        lease = table.seconds("lease", 30.0, least=1.0)
        table.done()
        if stream == "":
            raise OptionError("stream", "a Redis message broker's `stream` can't be empty")
        return cls(target, stream, length, lease)


class RedisBroker:
    """The contract is `paddock.capabilities.messaging.MessageBroker`. For one event loop."""

    def __init__(self, config: RedisConfig) -> None:
        from paddock.providers.connections.redis import take

        self.link: RedisLink = take(config.target)
        self._config = config
        self._inbox = Inbox()
        self._listener: Listener | None = None
        self._opening = asyncio.Lock()
        self._inflows: set[Inflow] = set()
        self._add = ""
        self._closed = False

    async def publish(self, message: Message, /) -> None:
        """One round trip."""
        self._check(message)
        if self._config.stream is not None and not message.subject.startswith(INBOX):
            await self._append(message, self._config.stream)
            return
        from paddock.providers.messaging.redis_channels import packed

        await self.link.execute("PUBLISH", message.subject, packed(message))

    async def _append(self, message: Message, stream: str) -> None:
        from paddock.providers.connections.redis_socket import NoScript
        from paddock.providers.messaging.redis_stream import fields

        values = (stream, self._config.max_length, *fields(message))
        try:
            if self._add:
                try:
                    await self.link.execute("EVALSHA", self._add, 1, *values)
                    return
                except NoScript:
                    pass
            await self.link.execute("EVAL", ADD, 1, *values)
        except CapabilityError as error:
            if error.message.endswith("FULL"):
                raise Exhausted(
                    f"{self.link.target.what} has {self._config.max_length} messages in the stream "
                    f"{stream!r} that are not consumed",
                    hint="add handlers, or raise max_length",
                ) from error
            raise
        import hashlib

        self._add = hashlib.sha1(ADD.encode(), usedforsecurity=False).hexdigest()

    async def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> list[Message]:
        """Answers come by a channel of this broker's own, in either mode."""
        self._check(message)
        await self._listening()
        question = self._inbox.ask(replies)
        try:
            await self.publish(replace(message, reply_to=question.subject))
            return await question.collect(timeout)
        finally:
            self._inbox.forget(question)

    async def _listening(self) -> None:
        from paddock.providers.messaging.redis_channels import Listener

        if self._listener is not None and not self._listener.ended:
            return
        async with self._opening:
            if self._listener is None or self._listener.ended:
                self.link.health.check()
                self._listener = Listener(self.link.target, (self._inbox.pattern,), self._answer)
                await self._listener.begin()

    async def _answer(self, message: Message) -> None:
        self._inbox.answer(message)

    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        """See the contract; channels have no groups."""
        from paddock.providers.messaging.redis_channels import ChannelSource
        from paddock.providers.messaging.redis_group import GroupSource
        from paddock.providers.messaging.redis_stream import TailSource

        if self._closed:
            raise Unavailable("the message broker is closed")
        source: Source
        if self._config.stream is None:
            if subscription.group is not None:
                raise CapabilityError(
                    "channels of Redis have no groups",
                    hint="name a stream in the broker's table: stream = …",
                )
            source = ChannelSource(self.link, subscription)
        elif subscription.group is None:
            source = TailSource(self.link, self._config, subscription)
        else:
            source = GroupSource(self.link, self._config, subscription)
        inflow = Inflow(source, subscription.max_in_flight, self.publish)
        self._inflows = {each for each in self._inflows if not each.closed} | {inflow}
        return await inflow.started(self.link.target.timeout)

    async def close(self) -> None:
        """See the contract."""
        from paddock.providers.connections.redis import give

        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(inflow.close() for inflow in self._inflows))
        if self._listener is not None:
            await self._listener.close()
        await give(self.link)

    def _check(self, message: Message) -> None:
        if self._closed:
            raise Unavailable("the message broker is closed")
        check_subject(message.subject)
        if message.headers:
            check_headers(message.headers)


class RedisMessaging:
    """`type = "redis"`."""

    Config = RedisConfig

    @staticmethod
    async def open(config: object, *, application: str, name: str, state_dir: Path) -> RedisBroker:
        """Channels and streams are shared with everybody on the server, as it is meant."""
        del application, name, state_dir
        return RedisBroker(cast("RedisConfig", config))
