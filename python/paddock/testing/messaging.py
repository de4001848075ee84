"""The conformance suite for message brokers, to be run by pytest.

    class TestPigeon(MessagingSuite):
        requirements = Requirements(durable=True)

        def make_broker(self, name: str) -> MessageBroker:
            return PigeonBroker(loft=name)

`make_broker` answers an open broker, or a coroutine for one; all of one test runs
on one event loop. Two brokers of one name reach each other's subscribers unless
`shared` is off. All subjects of a test begin with `name.` and all groups with
`name-`, so nothing needs clearing between tests.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from paddock.capabilities.messaging import (
    ATTEMPTS_HEADER,
    DEAD_LETTERS,
    REASON_HEADER,
    SUBJECT_HEADER,
    Deliveries,
    Delivery,
    Message,
    MessageBroker,
    Subscription,
)
from paddock.errors import BadName, CapabilityError, TimedOut
from paddock.testing.suite import ProviderSuite
from paddock.types import Reply, resolve

T = TypeVar("T")

BODIES = (b"", b"\x00", b"text", bytes(range(256)), b"\xff\xfe")
HEADERS = (("a", "1"), ("B-c", "two words"), ("d", "a=b: &c"), ("e", "gr\u00fcn"), ("f", ""))
BAD_HEADERS = ((("a", "1\r\nb: 2"),), (("a\nb", ""),), (("", "x"),), (("a", "1"), ("a", "2")))
BAD_SUBJECTS = ("", ".", "a.", ".a", "a..b", "a b", "a\nb", "a.*", "a.>", "x" * 2000)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a broker can, as data.

    groups: subscriptions of a group share messages.
    durable: a durable group gets what was published while nobody subscribed, and
    what was not acknowledged comes again, to whoever subscribes then.
    request: answers requests. headers: carries headers. shared: brokers of one
    name reach each other. ordered: one publisher's messages come in their order.
    largest: bytes of a body at least. many: messages of one test.
    patience: seconds until what should happen has happened.
    """

    groups: bool = True
    durable: bool = True
    request: bool = True
    headers: bool = True
    shared: bool = True
    ordered: bool = True
    largest: int = 256 * 1024
    many: int = 500
    patience: float = 20.0


def on_loop(test: Callable[[MessagingSuite], Awaitable[None]]) -> Callable[[MessagingSuite], None]:
    """A test that runs on the suite's loop, with an open broker."""

    def run(self: MessagingSuite) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(5 * self.requirements.patience):
                self.broker = await self.another()
                await test(self)

        self.loop.run_until_complete(bounded())

    run.__name__ = test.__name__
    return run


class MessagingSuite(ProviderSuite):
    """Subclass it under a name that begins with `Test`, and give `make_broker`."""

    requirements: ClassVar[Requirements] = Requirements()
    broker: MessageBroker

    def make_broker(self, name: str) -> Reply[MessageBroker]:
        """Open a broker."""
        raise NotImplementedError

    def setup_method(self) -> None:
        super().setup_method()
        self.name = f"t{uuid.uuid4().hex[:12]}"

    # -- what tests are made of

    async def another(self) -> MessageBroker:
        """One more broker of the test's name, closed after it."""
        broker: MessageBroker = await resolve(self.make_broker(self.name))
        return self.kept(broker)

    def subject(self, rest: str = "a") -> str:
        """A subject of the test."""
        return f"{self.name}.{rest}"

    async def subscribe(
        self,
        rest: str = "a",
        group: str | None = None,
        *,
        durable: bool = False,
        most: int = 64,
        broker: MessageBroker | None = None,
    ) -> Deliveries:
        """A subscription to patterns of the test, with blanks between them."""
        wanted = Subscription(
            tuple(self.subject(each) for each in rest.split()),
            f"{self.name}-{group}" if group else None,
            durable,
            max_in_flight=most,
        )
        return await resolve((broker or self.broker).subscribe(wanted))

    async def publish(self, rest: str, *bodies: bytes, broker: MessageBroker | None = None) -> None:
        """Publish one after the other."""
        for body in bodies:
            await resolve((broker or self.broker).publish(Message(self.subject(rest), body)))

    async def one(self, deliveries: Deliveries) -> Delivery:
        """The next delivery."""
        async with asyncio.timeout(self.requirements.patience):
            return await anext(deliveries)

    async def bodies(self, deliveries: Deliveries, count: int) -> list[bytes]:
        """The bodies of the next messages, each acknowledged."""
        found: list[bytes] = []
        for _ in range(count):
            delivery = await self.one(deliveries)
            found.append(delivery.message.body)
            await delivery.ack()
        return found

    async def rest(self, deliveries: Deliveries) -> list[bytes]:
        """The bodies until the iteration ends, each acknowledged."""
        found: list[bytes] = []
        async with asyncio.timeout(self.requirements.patience):
            async for delivery in deliveries:
                found.append(delivery.message.body)
                await delivery.ack()
        return found

    async def fails(
        self, call: Callable[[], Reply[object]], kind: type[CapabilityError] = CapabilityError
    ) -> None:
        """The call raises `kind`."""
        try:
            await resolve(call())
        except kind:
            return
        raise AssertionError(f"expected {kind.__name__}")

    # -- publishing and patterns

    @on_loop
    async def test_a_message_arrives_as_it_was_sent(self) -> None:
        inflow = await self.subscribe()
        headers = HEADERS if self.requirements.headers else ()
        for body in BODIES:
            message = Message(self.subject(), body, headers)
            await resolve(self.broker.publish(message))
            delivery = await self.one(inflow)
            got = delivery.message
            assert (got.subject, got.body, got.reply_to) == (message.subject, body, None)
            assert type(got.body) is bytes
            assert sorted(got.headers) == sorted(headers)
            assert (delivery.redelivered, delivery.attempt) == (False, 1)
            await delivery.ack()

    @on_loop
    async def test_patterns_match_tokens(self) -> None:
        star = await self.subscribe("x.*.z")
        tail = await self.subscribe("x.>")
        plain = await self.subscribe("x.y")
        for rest in ("x.y", "x.y.z", "x.yy.z", "x.y.z.u", "x.y.zz", "xx.y.z"):
            await self.publish(rest, rest.encode())
        assert sorted(await self.bodies(star, 2)) == [b"x.y.z", b"x.yy.z"]
        assert sorted(await self.bodies(tail, 5)) == [
            b"x.y", b"x.y.z", b"x.y.z.u", b"x.y.zz", b"x.yy.z",
        ]  # fmt: skip
        assert await self.bodies(plain, 1) == [b"x.y"]
        await self.publish("x.y.z", b"last")
        assert await self.bodies(star, 1) == [b"last"]
        assert await self.bodies(tail, 1) == [b"last"]
        await self.publish("x.y", b"plain")
        assert await self.bodies(plain, 1) == [b"plain"]

    @on_loop
    async def test_a_message_that_matches_twice_comes_once(self) -> None:
        both = await self.subscribe("x.* x.y")
        await self.publish("x.y", b"1", b"2")
        assert await self.bodies(both, 2) == [b"1", b"2"]

    @on_loop
    async def test_each_subscription_without_a_group_gets_all(self) -> None:
        inflows = [await self.subscribe() for _ in range(3)]
        await self.publish("a", b"1", b"2")
        for inflow in inflows:
            assert sorted(await self.bodies(inflow, 2)) == [b"1", b"2"]

    @on_loop
    async def test_brokers_of_one_name_reach_each_other(self) -> None:
        self.need("shared")
        inflow = await self.subscribe(broker=await self.another())
        await self.publish("a", b"1")
        assert await self.bodies(inflow, 1) == [b"1"]

    @on_loop
    async def test_order_is_kept(self) -> None:
        self.need("ordered")
        inflow = await self.subscribe()
        wanted = [b"%d" % number for number in range(self.requirements.many // 5)]
        sending = asyncio.create_task(self.publish("a", *wanted))
        assert await self.bodies(inflow, len(wanted)) == wanted
        await sending

    @on_loop
    async def test_many_at_once_all_arrive(self) -> None:
        inflow = await self.subscribe()
        wanted = [b"%d" % number for number in range(self.requirements.many)]
        sending = asyncio.gather(*(self.publish("a", body) for body in wanted))
        assert sorted(await self.bodies(inflow, len(wanted))) == sorted(wanted)
        await sending

    @on_loop
    async def test_large_bodies_arrive(self) -> None:
        inflow = await self.subscribe()
        body = bytes(range(256)) * (self.requirements.largest // 256)
        await self.publish("a", body)
        assert await self.bodies(inflow, 1) == [body]

    @on_loop
    async def test_what_is_no_subject_is_refused(self) -> None:
        for subject in BAD_SUBJECTS:
            message = Message(subject, b"")
            await self.fails(lambda message=message: self.broker.publish(message), BadName)  # type: ignore[misc]

    @on_loop
    async def test_headers_that_would_be_others_are_refused(self) -> None:
        for headers in BAD_HEADERS:
            message = Message(self.subject(), b"", headers)
            await self.fails(lambda message=message: self.broker.publish(message), BadName)  # type: ignore[misc]

    @on_loop
    async def test_closing_can_be_repeated_and_ends_iterations(self) -> None:
        inflow = await self.subscribe()
        ended = asyncio.create_task(self.rest(inflow))
        for _ in range(2):
            await resolve(self.broker.close())
        assert await ended == []
        await self.fails(lambda: self.broker.publish(Message(self.subject(), b"")))

    # -- settling

    @on_loop
    async def test_a_group_shares_the_messages(self) -> None:
        self.need("groups")
        inflows = [await self.subscribe(group="g", most=4) for _ in range(2)]
        alone = await self.subscribe()
        wanted = [b"%d" % number for number in range(20)]
        await self.publish("a", *wanted)
        found: list[bytes] = []
        enough = asyncio.Event()

        async def consume(inflow: Deliveries) -> None:
            async for delivery in inflow:
                found.append(delivery.message.body)
                await delivery.ack()
                if len(found) == len(wanted):
                    enough.set()

        tasks = [asyncio.create_task(consume(inflow)) for inflow in inflows]
        assert sorted(await self.bodies(alone, 20)) == sorted(wanted)
        async with asyncio.timeout(self.requirements.patience):
            await enough.wait()
            # A message that came twice would be among what draining lets through.
            for inflow in inflows:
                await inflow.drain()
            await asyncio.gather(*tasks)
        assert sorted(found) == sorted(wanted)

    @on_loop
    async def test_no_more_is_in_hand_than_was_asked_for(self) -> None:
        limited = await self.subscribe(most=2)
        witness = await self.subscribe()
        await self.publish("a", b"1", b"2", b"3")
        assert len(await self.bodies(witness, 3)) == 3
        first, _ = await self.one(limited), await self.one(limited)
        third = asyncio.create_task(self.one(limited))
        await self.publish("a", b"4")
        await self.bodies(witness, 1)
        assert not third.done()
        await first.ack()
        assert (await third).message.body in (b"1", b"2", b"3")

    @on_loop
    async def test_what_was_refused_comes_again_marked(self) -> None:
        inflow = await self.subscribe()
        await self.publish("a", b"poison", b"good")
        delivery = await self.one(inflow)
        assert delivery.message.body == b"poison"
        await delivery.nack(0.2)
        await delivery.ack()
        assert await self.bodies(inflow, 1) == [b"good"]
        again = await self.one(inflow)
        assert (again.message.body, again.redelivered, again.attempt) == (b"poison", True, 2)
        await again.nack()
        third = await self.one(inflow)
        assert (third.redelivered, third.attempt) == (True, 3)
        await third.ack()

    @on_loop
    async def test_a_dead_letter_tells_what_it_was(self) -> None:
        dead = await resolve(
            self.broker.subscribe(Subscription((f"{DEAD_LETTERS}.{self.name}.>",)))
        )
        inflow = await self.subscribe()
        await self.publish("a", b"poison", b"good")
        delivery = await self.one(inflow)
        await delivery.dead_letter("no\nhandler")
        assert await self.bodies(inflow, 1) == [b"good"]
        letter = (await self.one(dead)).message
        assert (letter.subject, letter.body) == (f"{DEAD_LETTERS}.{self.subject()}", b"poison")
        if self.requirements.headers:
            told = dict(letter.headers)
            assert told[SUBJECT_HEADER] == self.subject()
            assert (told[REASON_HEADER], told[ATTEMPTS_HEADER]) == ("no handler", "1")

    # -- durable groups

    @on_loop
    async def test_a_durable_group_gets_what_came_while_nobody_was_there(self) -> None:
        self.need("durable")
        first = await self.subscribe(group="g", durable=True)
        await self.publish("a", b"1")
        assert await self.bodies(first, 1) == [b"1"]
        await first.close()
        await self.publish("a", b"2", b"3")
        second = await self.subscribe(group="g", durable=True)
        await self.publish("a", b"4")
        assert await self.bodies(second, 3) == [b"2", b"3", b"4"]

    @on_loop
    async def test_what_was_not_acknowledged_comes_again_marked(self) -> None:
        self.need("durable")
        first = await self.subscribe(group="g", durable=True)
        await self.publish("a", b"1", b"2", b"3")
        handed = [await self.one(first) for _ in range(2)]
        await handed[1].ack()
        await first.close()
        await handed[0].ack()
        second = await self.subscribe(group="g", durable=True)
        again = [await self.one(second) for _ in range(2)]
        marks = {each.message.body: each.redelivered for each in again}
        assert set(marks) == {b"1", b"3"}
        assert marks[b"1"] is True
        for each in again:
            await each.ack()
        await self.publish("a", b"4")
        assert await self.bodies(second, 1) == [b"4"]

    @on_loop
    async def test_a_successor_gets_what_a_stopped_subscription_was_not_given(self) -> None:
        self.need("durable")
        first = await self.subscribe(group="g", durable=True, most=8)
        await self.publish("a", *(b"%d" % number for number in range(20)))
        in_hand = await self.one(first)
        second = await self.subscribe(group="g", durable=True, most=8)
        await first.stop()
        await in_hand.ack()
        assert await self.rest(first) == []
        got: set[bytes] = set()
        while len(got) < 19:
            got |= set(await self.bodies(second, 1))
        assert got == {b"%d" % number for number in range(20)} - {in_hand.message.body}

    @on_loop
    async def test_draining_takes_what_is_there_and_ends(self) -> None:
        inflow = (
            await self.subscribe(group="g", durable=True)
            if self.requirements.durable
            else (await self.subscribe())
        )
        wanted = [b"%d" % number for number in range(100)]
        await self.publish("a", *wanted)
        first = await self.one(inflow)
        await inflow.drain()
        await first.nack()
        assert sorted(await self.rest(inflow)) == sorted(wanted)

    # -- requests

    @on_loop
    async def test_a_request_is_answered(self) -> None:
        self.need("request")
        inflow = await self.subscribe("ask.*")

        async def answer() -> None:
            async for delivery in inflow:
                asked = delivery.message
                assert asked.reply_to
                for number in range(2):
                    reply = Message(asked.reply_to, asked.body + b"%d" % number)
                    await resolve(self.broker.publish(reply))
                await delivery.ack()

        task = asyncio.create_task(answer())
        patience = self.requirements.patience

        async def ask(body: bytes, replies: int) -> list[bytes]:
            message = Message(self.subject("ask.x"), body)
            got = await resolve(self.broker.request(message, timeout=patience, replies=replies))
            return [each.body for each in got]

        assert await ask(b"a", 1) == [b"a0"]
        assert sorted(await ask(b"b", 2)) == [b"b0", b"b1"]
        bodies = [b"%d:" % number for number in range(20)]
        assert await asyncio.gather(*(ask(body, 1) for body in bodies)) == [
            [body + b"0"] for body in bodies
        ]
        await inflow.close()
        await task

    @on_loop
    async def test_a_request_that_nobody_answers_times_out(self) -> None:
        self.need("request")
        inflow = await self.subscribe("silent")
        message = Message(self.subject("silent"), b"?")
        await self.fails(lambda: self.broker.request(message, timeout=0.3), TimedOut)
        assert (await self.one(inflow)).message.body == b"?"

    @on_loop
    async def test_a_request_answers_with_what_came_in_time(self) -> None:
        self.need("request")
        inflow = await self.subscribe("ask")
        message = Message(self.subject("ask"), b"?")
        asking = asyncio.create_task(resolve(self.broker.request(message, timeout=2.0, replies=5)))
        asked = (await self.one(inflow)).message
        await resolve(self.broker.publish(Message(asked.reply_to or "", b"!")))
        assert [each.body for each in await asking] == [b"!"]
