"""Channels of Redis: listening on a connection, and what a message looks like.

A message with nothing but a body is published as it is, so that anybody's
subscriber can read it. One with headers or a reply subject begins with `MAGIC`,
the length of a JSON object in four bytes (big endian), the object
`{"headers": [[name, value]…], "reply_to": …}`, then the body.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import matcher
from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.redis_target import RedisTarget
from paddock.providers.messaging.inflow import Inflow

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

    from paddock.providers.connections.redis import RedisLink

MAGIC = b"\x00paddock1"


def packed(message: Message) -> bytes:
    """What is published for a message."""
    if not message.headers and message.reply_to is None and not message.body.startswith(MAGIC):
        return message.body
    about = {"headers": list(message.headers), "reply_to": message.reply_to}
    text = json.dumps(about).encode()
    return b"".join((MAGIC, struct.pack(">I", len(text)), text, message.body))


def unpacked(subject: str, data: bytes) -> Message:
    """The message; what only looks packed is taken as a body."""
    if not data.startswith(MAGIC):
        return Message(subject, data)
    try:
        start = len(MAGIC) + 4
        (length,) = struct.unpack(">I", data[len(MAGIC) : start])
        about = json.loads(data[start : start + length])
        headers = tuple((str(name), str(value)) for name, value in about["headers"])
        reply_to = about["reply_to"]
    except (struct.error, ValueError, KeyError, TypeError, RecursionError):
        return Message(subject, data)
    body = data[start + length :]
    return Message(subject, body, headers, None if reply_to is None else str(reply_to))


def glob(pattern: str) -> str:
    """Redis's pattern for at least the channels of a subject pattern; its `*` crosses dots."""
    tokens = pattern.split(".")
    return ".".join(
        "*" if each in "*>" else re.sub(r"([*?\[\]\\])", r"\\\1", each) for each in tokens
    )


async def connected(target: RedisTarget) -> Connection:
    """A connection of one's own. Raises CapabilityError, Unavailable within the timeout."""
    from redis.exceptions import RedisError

    from paddock.providers.connections.redis_socket import connection_class, explained, settings

    connection = connection_class(target)(**settings(target))
    try:
        async with asyncio.timeout(target.timeout):
            await connection.connect()  # type: ignore[no-untyped-call]
    except TimeoutError as error:
        abort(connection)
        raise Unavailable(f"{target.what} did not answer within {target.timeout:g} s") from error
    except (OSError, RedisError) as error:
        raise explained(error, target) from error
    return connection


def abort(connection: Connection) -> None:
    """Let a connection go without a word."""
    writer = connection._writer
    if writer is not None:
        writer.transport.abort()


class Listener:
    """One connection subscribed to patterns, which tells every message once."""

    def __init__(
        self,
        target: RedisTarget,
        patterns: Sequence[str],
        tell: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._target = target
        self._patterns = tuple(patterns)
        self._tell = tell
        self._matchers = [matcher((each,)) for each in patterns]
        self._connection: Connection | None = None
        self._heard = 0.0
        self._telling = False
        self._confirmed = asyncio.get_running_loop().create_future()
        self._watch: asyncio.TimerHandle | None = None
        self.reading: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self.reading is not None and self.reading.done()

    async def begin(self) -> None:
        """Connect and subscribe; what is published from now on is told."""
        connection = self._connection = await connected(self._target)
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self.reading = loop.create_task(self._read(connection))
        self._watch = loop.call_later(self._target.timeout / 2, self._look)
        await self._send("PSUBSCRIBE", *(glob(each) for each in self._patterns))
        await asyncio.wait(
            [self._confirmed, self.reading],
            timeout=self._target.timeout,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not self._confirmed.done():
            await self.close()
            raise Unavailable(f"{self._target.what} did not subscribe in time")

    async def end(self) -> None:
        """Unsubscribe and wait for what was on its way."""
        if self.reading is None or self.reading.done():
            return
        await self._send("PUNSUBSCRIBE")
        await asyncio.wait([self.reading], timeout=self._target.timeout)

    async def close(self) -> None:
        """End the connection."""
        if self._watch is not None:
            self._watch.cancel()
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.wait([self.reading])
        if self._connection is not None:
            abort(self._connection)

    async def _send(self, *command: str) -> None:
        try:
            await cast("Connection", self._connection).send_command(*command)
        except Exception as error:
            raise Unavailable(f"{self._target.what} can't be reached") from error

    async def _read(self, connection: Connection) -> None:
        from redis.exceptions import RedisError

        from paddock.providers.connections.redis_socket import explained

        loop = asyncio.get_running_loop()
        left = len(self._patterns)
        read = connection.read_response
        try:
            while True:
                reply: Any = await read(disable_decoding=True, disconnect_on_error=False)
                self._heard = loop.time()
                kind: bytes = reply[0]
                if kind == b"pmessage":
                    await self._take(reply[1], reply[2], reply[3])
                elif kind == b"psubscribe":
                    left -= 1
                    if left == 0 and not self._confirmed.done():
                        self._confirmed.set_result(None)
                elif kind == b"punsubscribe" and reply[2] == 0:
                    return
        except (OSError, RedisError) as error:
            raise explained(error, self._target) from error

    async def _take(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        subject = channel.decode("utf-8", "replace")
        for number, each in enumerate(self._patterns):
            # A message comes once for each pattern that matches: the first one tells it.
            if self._matchers[number](subject):
                if glob(each).encode() == pattern:
                    self._telling = True
                    try:
                        await self._tell(unpacked(subject, data))
                    finally:
                        self._telling = False
                return

    def _look(self) -> None:
        """Ask an idle server for a sign of life; give one up that gave none."""
        loop, timeout = asyncio.get_running_loop(), self._target.timeout
        silent = loop.time() - self._heard
        if self._telling:
            self._heard = loop.time()
        elif silent > 2 * timeout:
            abort(cast("Connection", self._connection))
            return
        elif silent > timeout:
            loop.create_task(self._ping())
        self._watch = loop.call_later(timeout / 2, self._look)

    async def _ping(self) -> None:
        try:
            await self._send("PING")
        except CapabilityError:
            abort(cast("Connection", self._connection))


class ChannelSource:
    """The contract is `paddock.providers.messaging.held.Source`."""

    lease: float | None = None
    returns = False

    def __init__(self, link: RedisLink, subscription: Subscription) -> None:
        self._link = link
        self._subscription = subscription

    async def run(self, inflow: Inflow) -> None:
        """One connection, until it breaks."""

        async def tell(message: Message) -> None:
            if await inflow.room():
                inflow.offer(message, None)

        listener = Listener(self._link.target, self._subscription.subjects, tell)
        try:
            await listener.begin()
            inflow.begun()
            reading = cast("asyncio.Task[None]", listener.reading)
            while not inflow.ending and not reading.done():
                await inflow.pause(3600.0, reading)
            await listener.end()
            if reading.done() and not reading.cancelled() and not inflow.ending:
                reading.result()
        finally:
            await listener.close()

    async def ack(self, token: object) -> None:
        """Nobody wants to know."""

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """Can't be done: the server has forgotten them."""

    async def close(self) -> None:
        """Nothing is left behind."""
