"""Which export of a component takes a message or a tick, and in which shape.

The names and types are those of `wasmcloud:messaging` 0.2.0 and 0.3.0,
`wasi:messaging` 0.2.0-draft,
`fermyon:spin/inbound-redis`, `spin:redis/inbound-redis@3.0.0`, the worlds of
Spin's MQTT and cron triggers, and `wasi:cli/run`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from paddock.errors import PlanError

if TYPE_CHECKING:
    from paddock.capabilities.messaging import Message, MessageBroker

T = TypeVar("T")

#: What a handler gets: the export's name and its arguments.
Shaped = tuple[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class BrokerMessage:
    """The record `broker-message` of `wasmcloud:messaging/types`."""

    subject: str
    body: bytes
    reply_to: str | None


@dataclass(frozen=True, slots=True)
class TopicMetadata:
    """The record `metadata` of `spin:mqtt-trigger/spin-mqtt-types`."""

    topic: str


@dataclass(frozen=True, slots=True)
class CronMetadata:
    """The record `metadata` of `fermyon:spin-cron/cron-types`; seconds since 1970."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message, and where an answer to it goes; None where nobody takes one."""

    message: Message
    broker: MessageBroker | None


def _broker(received: Received) -> Sequence[object]:
    message = received.message
    return (BrokerMessage(message.subject, message.body, message.reply_to),)


def _resource(received: Received) -> Sequence[object]:
    from paddock.interfaces.wasi_messaging import Message

    return (Message.received(received.message, received.broker),)


def _payload(received: Received) -> Sequence[object]:
    return (received.message.body,)


def _topic(received: Received) -> Sequence[object]:
    return (received.message.body, TopicMetadata(received.message.subject))


def _nothing(event: object) -> Sequence[object]:
    del event
    return ()


def _tick(timestamp: int) -> Sequence[object]:
    return (CronMetadata(timestamp),)


#: Exports, the most telling first: a prefix of the name, the function, its arguments.
_MESSAGE: tuple[tuple[str, str, Callable[[Received], Sequence[object]]], ...] = (
    ("wasmcloud:messaging/handler@0.3.", "#handle-message", _broker),
    ("wasmcloud:messaging/handler@0.2.", "#handle-message", _broker),
    ("wasi:messaging/incoming-handler@0.2.0-draft", "#handle", _resource),
    ("spin:redis/inbound-redis@3.", "#handle-message", _payload),
    ("fermyon:spin/inbound-redis", "#handle-message", _payload),
    ("handle-message", "", _topic),
    ("wasi:cli/run@0.", "#run", _nothing),
)
_TICK: tuple[tuple[str, str, Callable[[int], Sequence[object]]], ...] = (
    ("handle-cron-event", "", _tick),
    ("wasi:cli/run@0.", "#run", _nothing),
)


def message_handler(
    exports: Sequence[str], broker: MessageBroker | None = None
) -> Callable[[Message], Shaped]:
    """How a component with these exports takes a message; PlanError if it can't.

    `broker` is where the message came from.
    """
    shaped = _found(exports, _MESSAGE, "messages")
    return lambda message: shaped(Received(message, broker))


def tick_handler(exports: Sequence[str]) -> Callable[[int], Shaped]:
    """How a component with these exports takes a moment, in seconds since 1970."""
    return _found(exports, _TICK, "cron events")


def command(exports: Sequence[str]) -> str:
    """The export that runs a command; PlanError if there is none."""
    return _found(exports, (("wasi:cli/run@0.", "#run", _nothing),), "a start as a command")(None)[
        0
    ]


def _found(
    exports: Sequence[str],
    known: Sequence[tuple[str, str, Callable[[T], Sequence[object]]]],
    what: str,
) -> Callable[[T], Shaped]:
    for prefix, function, arguments in known:
        # Of several versions the last one is the component's newest.
        for name in sorted(exports, reverse=True):
            if name.startswith(prefix):
                export = name + function
                return lambda event: (export, arguments(event))
    names = ", ".join(prefix.removesuffix(".") for prefix, _, _ in known)
    raise PlanError(
        f"the component takes no {what}: it exports {', '.join(exports) or 'nothing'}",
        hint=f"it has to export one of: {names}",
    )
