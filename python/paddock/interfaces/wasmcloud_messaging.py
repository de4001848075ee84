"""`wasmcloud:messaging/consumer` 0.2.0 and 0.3.0: publish and request, on the broker `default`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Protocol

from paddock.capabilities.messaging import Message
from paddock.errors import (
    AccessDenied,
    BadName,
    CapabilityError,
    Exhausted,
    TimedOut,
    TooLarge,
    Unavailable,
)
from paddock.types import Reply, Variant, resolve, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

#: The name of the broker: the interface has no words for another one.
LABEL = "default"

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the message broker failed; the host's log has the reason"

#: Bytes of a streamed body that are gathered: brokers send a message as one piece.
LARGEST = 64 << 20

#: Seconds that a request waits which names no time.
PATIENCE = 30.0


class BrokerMessage(Protocol):
    """The record `broker-message` of 0.2.0."""

    subject: str
    body: bytes
    reply_to: str | None


class StreamedMessage(Protocol):
    """The record `broker-message` of 0.3.0."""

    subject: str
    body: AsyncIterator[bytes]
    reply_to: str | None


class Consumer:
    """0.2.0, where an error is a text."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def __paddock_error__(self, exc: Exception) -> object:
        return exc.message if isinstance(exc, CapabilityError) else INTERNAL

    def publish(self, msg: BrokerMessage) -> Reply[None]:
        """See the capability's contract."""
        message = Message(msg.subject, msg.body, (), msg.reply_to)
        return self._grants.broker(LABEL).publish(message)

    def request(self, subject: str, body: bytes, timeout_ms: int) -> Reply[Message]:
        """The first answer; it has the fields of the record."""
        broker = self._grants.broker(LABEL)
        reply = broker.request(Message(subject, body), timeout=timeout_ms / 1000)
        return then(reply, lambda answers: answers[0])


class Consumer3:
    """0.3.0: asynchronous, with bodies as streams, which are gathered before they are sent."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def __paddock_error__(self, exc: Exception) -> object:
        return error_payload(exc)

    async def publish(self, msg: StreamedMessage) -> None:
        """Answers when the broker has the whole message."""
        broker = self._grants.broker(LABEL)
        body = await _gathered(msg.body)
        try:
            await resolve(broker.publish(Message(msg.subject, body, (), msg.reply_to)))
        except TimedOut as error:
            # `timeout` is for requests that nobody answered.
            raise Unavailable(error.message, hint=error.hint) from error

    async def request(
        self, subject: str, body: AsyncIterator[bytes], timeout_ms: int | None
    ) -> Mapping[str, object]:
        """The time counts from when the body has been read."""
        broker = self._grants.broker(LABEL)
        message = Message(subject, await _gathered(body))
        timeout = PATIENCE if timeout_ms is None else timeout_ms / 1000
        answer = (await resolve(broker.request(message, timeout=timeout)))[0]
        return {"subject": answer.subject, "body": answer.body, "reply_to": answer.reply_to}


def error_payload(exc: Exception) -> Variant:
    """The `error` of 0.3.0 for an exception."""
    for kind, case in (
        (BadName, "subject-invalid"),
        (AccessDenied, "access-denied"),
        (TimedOut, "timeout"),
        (TooLarge, "message-too-large"),
        (Exhausted, "quota-exceeded"),
        (Unavailable, "broker-unavailable"),
    ):
        if isinstance(exc, kind):
            return Variant(case)
    return Variant("other", exc.message if isinstance(exc, CapabilityError) else INTERNAL)


async def _gathered(body: AsyncIterator[bytes]) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > LARGEST:
            raise TooLarge(f"a message has at most {LARGEST} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
