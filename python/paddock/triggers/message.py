"""`[[trigger.message]]`: a component handles messages of a broker, whichever it is.

    [[trigger.message]]
    component = "orders"
    broker = "default"
    subject = "orders.*"
    group = "orders"

The triggers named after products (`redis`, `nats`, `mqtt`, `kafka`) are this one
with their products' words.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Literal, cast

from paddock.capabilities.messaging import (
    DEAD_LETTERS,
    Deliveries,
    Delivery,
    Message,
    Subscription,
)
from paddock.errors import ManifestError, Unavailable
from paddock.interfaces.handlers import message_handler
from paddock.manifest.hostconfig import ProviderConfig
from paddock.triggers.source import Call, Context, Event, Need, Standing, Trigger
from paddock.types import resolve

if TYPE_CHECKING:
    from paddock.capabilities.messaging import MessageBroker
    from paddock.manifest.model import RawValue
    from paddock.providers.options import Options


class MessageEvent(Event):
    """One delivery of a broker, which itself brings back what was not handled."""

    __slots__ = ("_delivery",)
    returns = True

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(f"a message on {delivery.message.subject}")
        self._delivery = delivery
        self.attempt = delivery.attempt
        self.redelivered = delivery.redelivered

    @property
    def message(self) -> Message:
        """What was sent."""
        return self._delivery.message

    @property
    def lease(self) -> float | None:  # type: ignore[override]
        """The delivery's own."""
        return self._delivery.lease

    def record(self) -> dict[str, object]:
        """The whole message."""
        message = self._delivery.message
        return {
            "subject": message.subject,
            "headers": list(message.headers),
            "body": base64.b64encode(message.body).decode(),
        }

    async def ack(self) -> None:
        """Told to the broker."""
        await self._delivery.ack()

    async def nack(self, delay: float) -> None:
        """Told to the broker."""
        await self._delivery.nack(delay)

    async def dead_letter(self, reason: str) -> bool:
        """The broker has a place for them."""
        await self._delivery.dead_letter(reason)
        return True

    async def extend(self) -> None:
        """Told to the broker."""
        await self._delivery.extend()


class MessageTrigger(Trigger):
    """`broker` ("default"), `subject` or `subjects`, `group`, `durable`, `start`."""

    def __init__(self, context: Context, options: Options) -> None:
        self._broker = cast("MessageBroker", context.opened)
        self._shape = message_handler(context.exports, self._broker)
        self.in_flight = context.concurrency
        #: What it subscribes to.
        self.wanted = self.subscription(context, options)
        self._deliveries: Deliveries | None = None
        self._ending = False

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """A broker of the host, by name."""
        return at_address("", {"broker": options.get("broker")}, {}, {})

    def subscription(self, context: Context, options: Options) -> Subscription:
        """What is subscribed to."""
        options.text("broker")
        subjects = names(options, "subject", "subjects")
        group = options.text("group", f"{context.application}.{context.id}")
        durable = options.flag("durable")
        return Subscription(subjects, group or None, durable, started(options), self.in_flight)

    def call(self, event: Event) -> Call:
        """Made by the runner, so that a message of which none can be made is put aside."""
        message = cast("MessageEvent", event).message
        export, arguments = self._shape(self.seen(message))
        return Call(export, arguments, _trace(message))

    def seen(self, message: Message) -> Message:
        """The message as the component sees it."""
        return message

    async def subscribe(self) -> None:
        """Open the subscription."""
        if self._deliveries is None:
            self._deliveries = await resolve(self._broker.subscribe(self.wanted))

    async def events(self) -> AsyncIterator[Event]:
        """Deliveries as they come."""
        await self.subscribe()
        assert self._deliveries is not None
        for_dead = any(each.startswith(DEAD_LETTERS) for each in self.wanted.subjects)
        async for delivery in self._deliveries:
            if not for_dead and delivery.message.subject.startswith(f"{DEAD_LETTERS}."):
                # A pattern for everything would give back what was just put aside.
                await delivery.ack()
                continue
            yield MessageEvent(delivery)
        if not self._ending:
            # A server that came back refused it for good; opened anew it says why.
            await self._deliveries.close()
            self._deliveries = None
            raise Unavailable("the subscription ended")

    def standing(self) -> Standing:
        """How many wait at the broker."""
        return Standing(waiting=self._deliveries.waiting if self._deliveries else None)

    async def stop(self) -> None:
        """Give back what nobody has in hand."""
        self._ending = True
        if self._deliveries is not None:
            await self._deliveries.stop()

    async def drain(self) -> None:
        """Take what is there for this subscription, then end."""
        self._ending = True
        if self._deliveries is not None:
            await self._deliveries.drain()

    async def close(self) -> None:
        """Close the subscription."""
        self._ending = True
        if self._deliveries is not None:
            await self._deliveries.close()


def _trace(message: Message) -> str | None:
    for name, value in message.headers:
        if name.lower() == "traceparent":
            return value
    return None


def at_address(
    type_name: str,
    options: Mapping[str, object],
    settings: Mapping[str, object],
    more: Mapping[str, object],
) -> Need:
    """A server by the `address` of the trigger's table or of the application's
    settings, with `more` options of its provider; else the host's broker `broker`.
    """
    address = options.get("address") or settings.get("address")
    broker = options.get("broker")
    if address is None or broker is not None:
        if options.get("address") is not None:
            raise ManifestError("set `address`, or `broker`, not both")
        if not isinstance(broker, str | None) or broker == "":
            raise ManifestError("`broker` must be the name of a message broker")
        return Need("messaging", broker or "default")
    if not isinstance(address, str):
        raise ManifestError("`address` must be a URL")
    chosen = {"url": address, **more}
    return Need("messaging", ProviderConfig(type_name, cast("Mapping[str, RawValue]", chosen)))


def started(options: Options) -> Literal["all", "new"]:
    """The option `start`: where a group that is new begins."""
    return "new" if options.choice("start", ("all", "new")) == "new" else "all"


def names(options: Options, one: str, many: str) -> tuple[str, ...]:
    """The option `one`, or the list `many`: exactly one of them has to be there."""
    single = options.text(one)
    several = tuple(options.strings(many))
    if bool(single) == bool(several):
        raise ManifestError(f"set `{one}`, or the list `{many}`")
    return (single,) if single else several
