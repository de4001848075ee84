"""Messages over NATS: its core, or a stream of JetStream with the option `stream`.

Subjects are NATS's own. Core: a message goes to whoever is subscribed at that
moment, at most once; that the server has it is asked for with a PING, which
messages of the same moment share. JetStream: a message is stored before
`publish` answers, and stays for durable groups until they acknowledge it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import check_headers, check_subject
from paddock.errors import CapabilityError, TimedOut, TooLarge, Unavailable
from paddock.providers.connections.nats_target import NatsTarget, target_from
from paddock.providers.messaging.inbox import INBOX, Inbox
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.options import OptionError, Options

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from paddock.providers.connections.nats import NatsLink
    from paddock.providers.messaging.held import Source
    from paddock.providers.messaging.nats_stream import Stream

#: Seconds until a ping is forgotten that was never answered.
FORGOTTEN = 600

#: Where a message in a stream says where its answer is awaited: NATS's own field
#: for that is taken by the acknowledgement.
REPLY_HEADER = "Paddock-Reply-To"


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """A stream of JetStream; all but its name and `lease` only matter where it is made.

    `subjects` that it takes, `replicas`, `storage`: "file" or "memory".
    `max_age` in seconds and `max_bytes`: what it keeps, 0 for no limit; at the
    limit of bytes publishing is refused. `lease` as in `Delivery`.
    """

    name: str
    subjects: tuple[str, ...] = ()
    replicas: int = 1
    storage: str = "file"
    max_age: float = 7 * 86400.0
    max_bytes: int = 0
    lease: float = 30.0


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """`stream` None is core NATS."""

    target: NatsTarget
    stream: StreamConfig | None = None

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> NatsConfig:
        """Read a `[message_broker.X]` table: the keys of `target_from` and those of a stream."""
        table = Options(options, "a NATS message broker")
        target = target_from(table, base)
        name = table.text("stream")
        usual = StreamConfig("")
        stream = StreamConfig(
            name or "",
            tuple(table.strings("subjects")),
            table.integer("replicas", usual.replicas, least=1, most=5),
            table.choice("storage", ("file", "memory")),
            table.seconds("max_age", usual.max_age),
            table.integer("max_bytes", usual.max_bytes, most=2**62),
            table.seconds("lease", usual.lease, least=1.0),
        )
        table.done()
        if name is None and stream != usual:
            raise OptionError(
                "stream",
                "a NATS message broker needs `stream` for the options of a stream",
                hint='name it: stream = "ORDERS"',
            )
        if (name is not None and any(each in name for each in " .*>/\\")) or name == "":
            raise OptionError("stream", f"{name!r} can't be the name of a stream")
        return cls(target, stream if name else None)


class NatsBroker:
    """The contract is `paddock.capabilities.messaging.MessageBroker`. For one event loop."""

    def __init__(self, config: NatsConfig) -> None:
        from paddock.providers.connections.nats import take
        from paddock.providers.messaging.nats_stream import Stream

        self.link: NatsLink = take(config.target)
        self._stream: Stream | None = None
        if config.stream is not None:
            self._stream = Stream(self.link, config.stream)
        self._inflows: set[Inflow] = set()
        self._confirming: asyncio.Task[None] | None = None
        self._closed = False

    async def publish(self, message: Message, /) -> None:
        """See the contract and the module's text."""
        self._check(message)
        if self._stream is not None and not message.subject.startswith(INBOX):
            await self._stream.publish(message)
            return
        await self._send(message)
        await asyncio.shield(self._confirmed())

    async def _send(self, message: Message) -> None:
        link = self.link
        await usable(link)
        try:
            await link.client.publish(
                message.subject,
                message.body,
                message.reply_to or "",
                dict(message.headers) if message.headers else None,
            )
        except Exception as error:
            raise explained(link, error) from error

    def _confirmed(self) -> asyncio.Task[None]:
        # It begins in the next turn of the loop, behind all that is sent in this one.
        if self._confirming is None:
            self._confirming = asyncio.get_running_loop().create_task(self._confirm())
            self._confirming.add_done_callback(_seen)
        return self._confirming

    async def _confirm(self) -> None:
        self._confirming = None
        await pinged(self.link)

    async def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> list[Message]:
        """Core NATS tells at once when nobody is subscribed."""
        self._check(message)
        if self._stream is None and replies == 1:
            return [await self._request(message, timeout)]
        inbox = Inbox()
        question = inbox.ask(replies)

        async def answer(message: Msg) -> None:
            inbox.answer(received(message))

        link = self.link
        await usable(link)
        try:
            listening = await link.client.subscribe(question.subject, cb=answer)
            try:
                asked = Message(message.subject, message.body, message.headers, question.subject)
                # The server has the subscription before this message: they go one way.
                await self.publish(asked)
                return await question.collect(timeout)
            finally:
                await listening.unsubscribe()
        except CapabilityError:
            raise
        except Exception as error:
            raise explained(link, error) from error

    async def _request(self, message: Message, timeout: float) -> Message:
        from nats import errors

        await usable(self.link)
        headers = dict(message.headers) if message.headers else None
        try:
            answer = await self.link.client.request(
                message.subject, message.body, timeout=timeout, headers=headers
            )
        except errors.NoRespondersError as error:
            raise TimedOut(f"nobody answers requests on {message.subject!r}") from error
        except errors.TimeoutError as error:
            self.link.health.check()
            raise TimedOut(f"nobody answered within {timeout:g} s") from error
        except Exception as error:
            raise explained(self.link, error) from error
        return received(answer)

    async def subscribe(self, subscription: Subscription, /) -> Inflow:
        """See the contract; without a stream nothing is durable."""
        from paddock.providers.messaging.nats_core import CoreSource

        if self._closed:
            raise Unavailable("the message broker is closed")
        source: Source
        if self._stream is not None:
            source = self._stream.source(subscription)
        elif subscription.durable:
            raise CapabilityError(
                "core NATS keeps nothing for durable groups",
                hint="name a stream of JetStream in the broker's table: stream = …",
            )
        else:
            source = CoreSource(self.link, subscription)
        inflow = Inflow(source, subscription.max_in_flight, self.publish)
        self._inflows = {each for each in self._inflows if not each.closed} | {inflow}
        return await inflow.started(self.link.target.timeout)

    async def close(self) -> None:
        """See the contract."""
        from paddock.providers.connections.nats import give

        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(inflow.close() for inflow in self._inflows))
        await give(self.link)

    def _check(self, message: Message) -> None:
        if self._closed:
            raise Unavailable("the message broker is closed")
        check_subject(message.subject)
        if message.headers:
            check_headers(message.headers)


async def usable(link: NatsLink) -> None:
    """Wait for a connection that is being made; raises what a call would fail with."""
    if link.health.failure is not None or not link.client.is_connected:
        link.health.check()
        await link.connected()


async def pinged(link: NatsLink) -> None:
    """Answers when the server has taken everything that was sent before."""
    # The client can't bear that a ping is given up and then answered, so it is left alone.
    ping = asyncio.ensure_future(link.client.flush(timeout=FORGOTTEN))
    ping.add_done_callback(_seen)
    await asyncio.wait([ping], timeout=link.target.timeout)
    if not ping.done():
        raise explained(link, TimeoutError())
    error = ping.exception()
    if isinstance(error, Exception):
        raise explained(link, error) from error


def explained(link: NatsLink, error: Exception) -> CapabilityError:
    """The error of the tree for one of the client's."""
    from nats import errors

    if isinstance(error, errors.MaxPayloadError):
        return TooLarge(
            f"{link.target.what} takes no message as large as this",
            hint="it is the server's setting max_payload",
        )
    return link.explained(error)


def received(message: Msg, reply_to: str | None = None) -> Message:
    """A message as the contract has it."""
    headers = message.headers
    return Message(
        message.subject,
        message.data,
        tuple(headers.items()) if headers else (),
        reply_to or message.reply or None,
    )


def _seen(task: asyncio.Task[None]) -> None:
    # Whoever waited may be gone; its error is nobody's then.
    if not task.cancelled():
        task.exception()


class NatsMessaging:
    """`type = "nats"`."""

    Config = NatsConfig

    @staticmethod
    async def open(config: object, *, application: str, name: str, state_dir: Path) -> NatsBroker:
        """Subjects are shared with everybody on the servers, which is what they are for."""
        del application, name, state_dir
        return NatsBroker(cast("NatsConfig", config))
