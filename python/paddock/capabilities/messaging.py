"""The messaging capability: messages on subjects, sent, asked with, and consumed.

A subject is a text of tokens parted by dots, `orders.eu.created`. A pattern is a
subject in which the token `*` stands for any one token and, as the last token,
`>` for one or more. The form is that of NATS; each provider documents how its
product's names come from it.

Sending may be answered plain, with a coroutine or a `Deferred`, as every call of
a capability (see `paddock.types.Reply`). Consuming is for Python code on one event
loop. All failures are of the `CapabilityError` tree.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply

#: Deliveries that one subscription has in hand at once unless asked otherwise.
IN_FLIGHT = 64

#: Where messages go that nobody could handle: `dead-letters.<their subject>`.
DEAD_LETTERS = "dead-letters"

#: Headers of a dead letter: where it was sent, why it is dead, how often it was tried.
SUBJECT_HEADER = "Paddock-Subject"
REASON_HEADER = "Paddock-Reason"
ATTEMPTS_HEADER = "Paddock-Attempts"

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent and received.

    A header's name occurs once and is a token as in HTTP (RFC 9110, 5.6.2); its
    value is text without line breaks or blanks around it. `reply_to` is the
    subject on which an answer is awaited.
    """

    subject: str
    body: bytes = field(default=b"", repr=False)
    headers: Headers = ()
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is consumed, and how.

    subjects: one or more patterns; a message that matches several comes once.
    group: subscriptions of one group share the messages, each goes to one of them.
    durable: what arrives while nobody of the group is subscribed is kept for it;
    needs a group, whose name identifies what is kept.
    start: for a durable group that is new: "all" begins with what the broker still
    has, "new" with what arrives from now on. A known group goes on where it was.
    max_in_flight: deliveries handed out and not settled, and fetched ahead, at
    once. More is not taken from the broker, which is the back-pressure.
    """

    subjects: tuple[str, ...]
    group: str | None = None
    durable: bool = False
    start: Literal["all", "new"] = "all"
    max_in_flight: int = IN_FLIGHT

    def __post_init__(self) -> None:
        from paddock.capabilities.subjects import check_pattern
        from paddock.errors import CapabilityError

        for subject in self.subjects:
            check_pattern(subject)
        if not self.subjects or self.max_in_flight < 1:
            raise CapabilityError("a subscription needs a subject, and room for one delivery")
        if self.durable and not self.group:
            raise CapabilityError(
                "a durable subscription needs a group", hint="give the group a name"
            )


class Delivery(Protocol):
    """One message in the hands of a handler, who settles it once: ack, nack or dead letter.

    A delivery that is not settled comes again: at once when its subscription is
    closed, or when `lease` has run out, or when the server or this host was
    restarted, where the provider can do that. Settling a delivery twice, or after
    its lease, has no effect. Settling raises `Unavailable` when the broker can't be
    told: the message then comes again, marked.
    """

    @property
    def message(self) -> Message: ...

    @property
    def redelivered(self) -> bool:
        """Whether it may have been handed out before; never False for one that was."""
        ...

    @property
    def attempt(self) -> int:
        """Which handing out this is, from 1, as far as the broker knows."""
        ...

    @property
    def lease(self) -> float | None:
        """Seconds after which an unsettled one comes again while its handler still works.

        None where only the end of the connection does that. `extend` starts it anew.
        """
        ...

    async def ack(self) -> None:
        """It is handled: it does not come again."""
        ...

    async def nack(self, delay: float = 0.0) -> None:
        """It is not handled: it comes again after `delay` seconds, others do not wait."""
        ...

    async def dead_letter(self, reason: str) -> None:
        """It can't be handled: put it where dead letters go, then acknowledge it.

        A copy is published under `dead-letters.<subject>` with its headers and
        those named above; where that fails it is not acknowledged.
        """
        ...

    async def extend(self) -> None:
        """The handler is still at work: the lease starts anew."""
        ...


class Deliveries(Protocol):
    """One open subscription: iterate over it, from one or several tasks.

    It reconnects for ever and so only ends when it is drained, stopped or closed.
    Handlers may work on several deliveries at once; order is the broker's, and one
    that was nacked comes out of order.
    """

    def __aiter__(self) -> AsyncIterator[Delivery]: ...

    async def __anext__(self) -> Delivery: ...

    async def drain(self) -> None:
        """Take what the broker holds for this subscription and no more; returns at once.

        The iteration ends when all of it is settled. For an exchange of the
        broker, when those who publish to the old one have ended.
        """
        ...

    async def stop(self) -> None:
        """Take no more; what nobody was given goes back to the broker.

        The iteration ends; what is in hand can still be settled. For an exchange
        of the component, whose successor subscribes to the same broker: a
        durable group loses nothing, and a group that is not durable loses
        nothing if the successor has subscribed before.
        """
        ...

    async def close(self) -> None:
        """The same, and what is in hand comes again; may be repeated."""
        ...

    @property
    def waiting(self) -> int | None:
        """Messages that wait for this subscription, as last heard; None if unknown."""
        ...


class MessageBroker(Protocol):
    """One open broker."""

    def publish(self, message: Message, /) -> Reply[None]:
        """Send a message; when it answers, the broker has it.

        That says nothing about subscribers: without one it may be gone. After
        `Unavailable` the message was perhaps sent. `Exhausted` when the broker
        has no room, `TooLarge` when it never will, `BadName` for a subject
        that this broker can't have.
        """
        ...

    def request(
        self, message: Message, /, *, timeout: float, replies: int = 1
    ) -> Reply[list[Message]]:
        """Send a message and answer with at most `replies` answers to it, at least one.

        It waits for them `timeout` seconds at most, and then answers with those
        that came. `TimedOut` when none came. `reply_to` of the message is set here.
        """
        ...

    def subscribe(self, subscription: Subscription, /) -> Reply[Deliveries]:
        """Open a subscription; what is published after this answered is delivered.

        It does not need the server: while that is away, it is opened later, and
        the promise holds from then. CapabilityError for what the broker can't do.
        """
        ...

    def close(self) -> Reply[None]:
        """Close all subscriptions and let go of connections; may be repeated."""
        ...
