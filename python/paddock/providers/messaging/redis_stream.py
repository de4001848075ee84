"""A stream of Redis: what its entries look like, and reading it without a group.

An entry has the fields `subject` and `body`, perhaps `reply-to`, and `h:NAME` for
each header.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from paddock.capabilities.messaging import Message, Subscription
from paddock.capabilities.subjects import fitting, matcher
from paddock.errors import CapabilityError, Unavailable
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.redis_channels import abort, connected

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

    from paddock.providers.connections.redis import RedisLink
    from paddock.providers.connections.redis_target import RedisTarget
    from paddock.providers.messaging.redis import RedisConfig

#: Milliseconds that a read waits at the server.
BLOCK = 2000


def fields(message: Message) -> Iterator[bytes | str]:
    """Names and values of an entry."""
    yield from ("subject", message.subject, "body", message.body)
    if message.reply_to is not None:
        yield from ("reply-to", message.reply_to)
    for name, value in message.headers:
        yield from (f"h:{name}", value)


def entry(values: Sequence[bytes]) -> Message:
    """The message of an entry's names and values."""
    found = dict(zip(values[::2], values[1::2], strict=True))
    reply_to = found.get(b"reply-to")
    return Message(
        found.get(b"subject", b"").decode("utf-8", "replace"),
        found.get(b"body", b""),
        fitting(
            (name[2:].decode("utf-8", "replace"), value.decode("utf-8", "replace"))
            for name, value in found.items()
            if name.startswith(b"h:")
        ),
        reply_to.decode("utf-8", "replace") if reply_to is not None else None,
    )


class Reader:
    """A connection that blocks in reads, and can be unblocked."""

    def __init__(self, link: RedisLink, connection: Connection) -> None:
        self._link = link
        self._connection = connection
        self._id = 0

    @classmethod
    async def open(cls, link: RedisLink) -> Reader:
        """Connect; raises CapabilityError, Unavailable."""
        self = cls(link, await connected(link.target))
        try:
            self._id = cast("int", await self._call("CLIENT", "ID"))
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the connection."""
        abort(self._connection)

    async def read(self, inflow: Inflow, *command: bytes | str | int) -> object:
        """The answer of a command that may block for `BLOCK`; sooner when `inflow` changes."""
        asking = asyncio.get_running_loop().create_task(self._call(*command))
        try:
            await inflow.pause(BLOCK / 1000 + self._link.target.timeout, asking)
            if not asking.done() and inflow.ending:
                await self._link.execute("CLIENT", "UNBLOCK", self._id)
                await asyncio.wait([asking], timeout=self._link.target.timeout)
            if not asking.done():
                raise Unavailable(f"{self._link.target.what} did not answer in time")
            return asking.result()
        finally:
            asking.cancel()

    async def _call(self, *command: bytes | str | int) -> object:
        from redis.exceptions import RedisError

        from paddock.providers.connections.redis_socket import explained

        target: RedisTarget = self._link.target
        try:
            await self._connection.send_command(*command)
            answer: object = await self._connection.read_response(
                disable_decoding=True, disconnect_on_error=False
            )
        except (OSError, RedisError) as error:
            raise explained(error, target) from error
        return answer


class TailSource:
    """Reads what is added, without a group. The contract is that of `held.Source`."""

    lease: float | None = None
    returns = False

    def __init__(self, link: RedisLink, config: RedisConfig, subscription: Subscription) -> None:
        self._link = link
        self._stream = config.stream or ""
        self._matches = matcher(subscription.subjects)
        self._last: bytes | None = None

    async def run(self, inflow: Inflow) -> None:
        """Goes on behind the last entry that it has read, also after an interruption."""
        reader = await Reader.open(self._link)
        try:
            if self._last is None:
                self._last = await self._end()
            inflow.begun()
            while room := await inflow.room():
                command = self._command(room, inflow.ending)
                answer: Any = await reader.read(inflow, *command)
                if answer is None:
                    if inflow.ending:
                        return
                    continue
                for id, values in answer[0][1]:
                    self._last = id
                    message = entry(values)
                    if self._matches(message.subject):
                        inflow.offer(message, None)
        finally:
            reader.close()

    def _command(self, room: int, ending: bool) -> Sequence[bytes | str | int]:
        block = () if ending else ("BLOCK", BLOCK)
        return ("XREAD", "COUNT", room, *block, "STREAMS", self._stream, self._last or b"0")

    async def _end(self) -> bytes:
        try:
            info: Any = await self._link.execute("XINFO", "STREAM", self._stream)
        except CapabilityError as error:
            if "no such key" in error.message:
                return b"0"
            raise
        found: bytes = dict(zip(info[::2], info[1::2], strict=True))[b"last-generated-id"]
        return found

    async def ack(self, token: object) -> None:
        """Nobody wants to know."""

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """Nobody else reads for this one."""

    async def close(self) -> None:
        """Nothing is left behind."""
