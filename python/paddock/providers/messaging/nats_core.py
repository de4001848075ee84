"""Consuming from core NATS: what arrives while subscribed, at most once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from paddock.capabilities.messaging import Subscription
from paddock.capabilities.subjects import disjoint, matcher
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.nats import explained, pinged, received

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription as Listening

    from paddock.providers.connections.nats import NatsLink

#: Bytes that wait in the client for a slow consumer; what comes beyond is lost, as
#: core NATS has no way to slow a publisher down.
WAITING_BYTES = 64 << 20


class CoreSource:
    """The contract is `paddock.providers.messaging.held.Source`."""

    lease: float | None = None
    returns = False

    def __init__(self, link: NatsLink, subscription: Subscription) -> None:
        self._link = link
        self._subscription = subscription
        self._listening: list[Listening] = []

    async def run(self, inflow: Inflow) -> None:
        """The client subscribes again by itself whenever it has connected anew."""
        link, group = self._link, self._subscription.group or ""
        await link.connected()
        try:
            if not self._listening:
                for number, subject in enumerate(self._subscription.subjects):
                    self._listening.append(
                        await link.client.subscribe(
                            subject,
                            queue=group,
                            cb=self._callback(inflow, number),
                            pending_bytes_limit=WAITING_BYTES,
                            pending_msgs_limit=1 << 20,
                        )
                    )
            await pinged(link)
            inflow.begun()
            while not inflow.ending:
                await inflow.pause(3600.0)
            for listening in self._listening:
                # Ends with the last message that was on its way.
                await listening.drain()  # type: ignore[no-untyped-call]
        except Exception as error:
            if inflow.ending:
                return
            raise explained(link, error) from error

    def _callback(self, inflow: Inflow, number: int) -> Callable[[Msg], Awaitable[None]]:
        mine = self._subscription.subjects[number]
        before = [each for each in self._subscription.subjects[:number] if not disjoint(each, mine)]
        elsewhere = matcher(before) if before else None

        async def take(message: Msg) -> None:
            # What matches an earlier pattern comes by that one too.
            if elsewhere is not None and elsewhere(message.subject):
                return
            if await inflow.room():
                inflow.offer(received(message), None)

        return take

    async def ack(self, token: object) -> None:
        """Nobody wants to know."""

    async def extend(self, token: object) -> None:
        """Nothing: there is no lease."""

    async def release(self, given: Sequence[tuple[object, int]]) -> None:
        """Can't be done: the server has forgotten them."""

    async def close(self) -> None:
        """Unsubscribe, if that was not done."""
        for listening in self._listening:
            if not listening._closed and self._link.client.is_connected:
                try:
                    await listening.unsubscribe()
                except Exception as error:
                    raise explained(self._link, error) from error
