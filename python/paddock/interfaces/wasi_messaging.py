"""`wasi:messaging@0.2.0-draft`: producer and request-reply, on brokers by their label,
and the message that `incoming-handler` is given.

A message's content type is the header `content-type`; its metadata are all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paddock.capabilities.messaging import Message as Sent
from paddock.capabilities.messaging import MessageBroker
from paddock.errors import AccessDenied, CapabilityError, NotFound, TimedOut, Unavailable
from paddock.types import Reply, Variant, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the message broker failed; the host's log has the reason"

CONTENT_TYPE = "content-type"

#: Seconds that a request waits which names no time: the instance's own limit ends it before.
PATIENCE = 600.0


class Errors:
    """Gives a bound interface the package's `error`."""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        text = exc.message if isinstance(exc, CapabilityError) else INTERNAL
        for kind, case in (
            (AccessDenied, "permission-denied"),
            (NotFound, "connection"),
            (Unavailable, "connection"),
        ):
            # The base class last: TimedOut is an Unavailable.
            if isinstance(exc, TimedOut):
                return Variant("timeout")
            if isinstance(exc, kind):
                return Variant(case, text)
        return Variant("other", text)


class Client:
    """The resource: a broker."""

    __slots__ = ("broker",)

    def __init__(self, broker: MessageBroker) -> None:
        self.broker = broker

    def disconnect(self) -> None:
        """Nothing: the connection is the host's."""


class Message:
    """The resource. `reply_to` and the topic are those of a message that was received."""

    __slots__ = ("_data", "_metadata", "broker", "reply_to", "subject")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._metadata: dict[str, str] = {}
        self.subject: str | None = None
        self.reply_to: str | None = None
        self.broker: MessageBroker | None = None

    @classmethod
    def received(cls, message: Sent, broker: MessageBroker | None) -> Message:
        """One that came from a broker, which also takes the answer to it.

        Answering needs no grant: it goes only where the message says that an answer
        is awaited, which the guest can't change.
        """
        self = cls(message.body)
        self._metadata = dict(message.headers)
        self.subject, self.reply_to, self.broker = message.subject, message.reply_to, broker
        return self

    def sent(self, topic: str) -> Sent:
        """What the capability sends."""
        return Sent(topic, self._data, tuple(self._metadata.items()))

    def topic(self) -> str | None:
        """Where it was received."""
        return self.subject

    def content_type(self) -> str | None:
        """How the data are to be read."""
        return self._metadata.get(CONTENT_TYPE)

    def set_content_type(self, content_type: str) -> None:
        """Say how the data are to be read."""
        self._metadata[CONTENT_TYPE] = content_type

    def data(self) -> bytes:
        """The body."""
        return self._data

    def set_data(self, data: bytes) -> None:
        """Another body."""
        self._data = data

    def metadata(self) -> list[tuple[str, str]] | None:
        """The headers; None if there are none."""
        found = [each for each in self._metadata.items() if each[0] != CONTENT_TYPE]
        return found or None

    def add_metadata(self, key: str, value: str) -> None:
        """Add or replace a header."""
        self._metadata[key] = value

    def set_metadata(self, meta: Sequence[tuple[str, str]]) -> None:
        """Replace all headers but the content type."""
        kept = self._metadata.get(CONTENT_TYPE)
        self._metadata = dict(meta)
        if kept is not None:
            self._metadata.setdefault(CONTENT_TYPE, kept)

    def remove_metadata(self, key: str) -> None:
        """Remove a header; an absent one is no error."""
        self._metadata.pop(key, None)


class Types(Errors):
    """`wasi:messaging/types`."""

    __slots__ = ("client",)
    message = Message

    def __init__(self, grants: Grants) -> None:
        self.client = _Clients(grants)


class _Clients:
    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def connect(self, name: str) -> Client:
        """A client for the broker `name`; the empty name is the default one's."""
        return Client(self._grants.broker(name or "default"))


class Producer(Errors):
    """`wasi:messaging/producer`."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a client is the grant

    def send(self, c: Client, topic: str, message: Message) -> Reply[None]:
        """See the capability's contract."""
        return c.broker.publish(message.sent(topic))


class RequestOptions:
    """The resource: how long to wait, and for how many answers."""

    __slots__ = ("replies", "timeout")

    def __init__(self) -> None:
        self.timeout = PATIENCE
        self.replies = 1

    def set_timeout_ms(self, timeout_ms: int) -> None:
        """Wait no longer than this."""
        self.timeout = timeout_ms / 1000

    def set_expected_replies(self, expected_replies: int) -> None:
        """Wait for so many answers."""
        self.replies = max(1, expected_replies)


class RequestReply(Errors):
    """`wasi:messaging/request-reply`."""

    __slots__ = ()
    request_options = RequestOptions

    def __init__(self, grants: Grants) -> None:
        del grants  # a client is the grant

    def request(
        self, c: Client, topic: str, message: Message, options: RequestOptions | None
    ) -> Reply[list[Message]]:
        """The answers that came in time, at least one."""
        wanted = options or RequestOptions()
        reply = c.broker.request(
            message.sent(topic), timeout=wanted.timeout, replies=wanted.replies
        )
        return then(
            reply, lambda answers: [Message.received(answer, c.broker) for answer in answers]
        )

    def reply(self, reply_to: Message, message: Message) -> Reply[None]:
        """Answer a message; nothing where no answer is awaited, as the proposal says."""
        if reply_to.broker is None or reply_to.reply_to is None:
            return None
        return reply_to.broker.publish(message.sent(reply_to.reply_to))
