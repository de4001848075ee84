"""The facades for messaging, called as the bridge calls them, on the in-process broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from paddock.capabilities.messaging import Message, Subscription
from paddock.errors import (
    AccessDenied,
    BadName,
    CapabilityError,
    Exhausted,
    TimedOut,
    TooLarge,
    Unavailable,
)
from paddock.interfaces import Grants, bind
from paddock.interfaces.wasmcloud_messaging import LARGEST
from paddock.providers.messaging.in_process import InProcessBroker, InProcessConfig
from paddock.types import Variant, resolve

SECOND = "wasmcloud:messaging/consumer@0.2.0"
THIRD = "wasmcloud:messaging/consumer@0.3.0"


@pytest.fixture
async def broker():
    opened = InProcessBroker(InProcessConfig())
    yield opened
    await opened.close()


def granted(broker: object, **more: object) -> Grants:
    return Grants("app", "api", messaging={"default": broker, **more})  # type: ignore[dict-item]


async def streamed(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def failure(interface: Any, call: Any, *args: object) -> object:
    try:
        await resolve(call(*args))
    except Exception as error:
        return interface.__paddock_error__(error)
    raise AssertionError("expected an error")


async def answering(broker: InProcessBroker, subject: str, *answers: bytes) -> asyncio.Task[None]:
    inflow = await broker.subscribe(Subscription((subject,)))

    async def run() -> None:
        async for delivery in inflow:
            for answer in answers:
                broker.publish(Message(delivery.message.reply_to or "", answer))
            await delivery.ack()

    return asyncio.create_task(run())


async def test_0_2_publishes_and_asks(broker: InProcessBroker) -> None:
    consumer: Any = bind(SECOND, granted(broker))
    inflow = await broker.subscribe(Subscription(("a.b",)))
    message = SimpleNamespace(subject="a.b", body=b"\x00\xff", reply_to="c")
    assert consumer.publish(message) is None
    assert (await anext(inflow)).message == Message("a.b", b"\x00\xff", (), "c")
    await answering(broker, "ask", b"!")
    answer = await resolve(consumer.request("ask", b"?", 5000))
    assert (answer.body, answer.reply_to) == (b"!", None)


async def test_0_2_says_in_words_what_failed(broker: InProcessBroker) -> None:
    consumer: Any = bind(SECOND, granted(broker))
    message = SimpleNamespace(subject="a b", body=b"", reply_to=None)
    assert "is not a subject" in str(await failure(consumer, consumer.publish, message))
    assert "nobody answered within 0.05 s" in str(
        await failure(consumer, consumer.request, "ask", b"", 50)
    )
    assert "log" in consumer.__paddock_error__(ValueError("secret"))


async def test_0_3_gathers_streamed_bodies(broker: InProcessBroker) -> None:
    consumer: Any = bind(THIRD, granted(broker))
    inflow = await broker.subscribe(Subscription(("a.b",)))
    message = SimpleNamespace(subject="a.b", body=streamed(b"one", b"", b"two"), reply_to=None)
    await consumer.publish(message)
    assert (await anext(inflow)).message == Message("a.b", b"onetwo")
    await answering(broker, "ask", b"!")
    answer = await consumer.request("ask", streamed(b"?"), None)
    assert (answer["body"], answer["reply_to"]) == (b"!", None)


async def test_0_3_does_not_gather_for_ever(broker: InProcessBroker) -> None:
    consumer: Any = bind(THIRD, granted(broker))
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * (1 << 20)

    message = SimpleNamespace(subject="a", body=endless(), reply_to=None)
    assert await failure(consumer, consumer.publish, message) == Variant("message-too-large")
    assert taken == (LARGEST >> 20) + 1


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def publish(self, message: Message) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "published"),
    [
        (BadName("x"), Variant("subject-invalid")),
        (AccessDenied("x"), Variant("access-denied")),
        (TimedOut("x"), Variant("broker-unavailable")),
        (Unavailable("x"), Variant("broker-unavailable")),
        (TooLarge("x"), Variant("message-too-large")),
        (Exhausted("x"), Variant("quota-exceeded")),
        (CapabilityError("why"), Variant("other", "why")),
        (
            KeyError("secret"),
            Variant("other", "the message broker failed; the host's log has the reason"),
        ),
    ],
)
async def test_0_3_has_a_case_for_each_failure(error: Exception, published: Variant) -> None:
    consumer: Any = bind(THIRD, granted(Failing(error)))
    message = SimpleNamespace(subject="a", body=streamed(), reply_to=None)
    assert await failure(consumer, consumer.publish, message) == published


async def test_0_3_tells_a_request_without_an_answer(broker: InProcessBroker) -> None:
    consumer: Any = bind(THIRD, granted(broker))
    assert await failure(consumer, consumer.request, "ask", streamed(), 50) == Variant("timeout")


async def test_a_broker_without_a_grant_is_denied_and_the_line_is_told() -> None:
    lines: list[tuple[str, str, str]] = []
    grants = Grants("app", "api", denied=lambda *line: lines.append(line))
    third: Any = bind(THIRD, grants)
    message = SimpleNamespace(subject="a", body=streamed(), reply_to=None)
    assert await failure(third, third.publish, message) == Variant("access-denied")
    types: Any = bind("wasi:messaging/types@0.2.0-draft", grants)
    denied: Any = await failure(types, types.client.connect, "other")
    assert denied.case == "permission-denied"
    assert lines == [
        ("message broker", "default", 'message_brokers = ["default"]'),
        ("message broker", "other", 'message_brokers = ["other"]'),
    ]


async def test_a_broker_that_the_host_lacks_is_told() -> None:
    types: Any = bind("wasi:messaging/types@0.2.0-draft", granted(None))
    payload: Any = await failure(types, types.client.connect, "")
    assert payload == Variant("connection", "this host has no message broker 'default'")


# -- wasi:messaging


async def test_a_message_is_made_changed_and_sent_by_label(broker: InProcessBroker) -> None:
    grants = granted(None, other=broker)
    types: Any = bind("wasi:messaging/types@0.2.0-draft", grants)
    producer: Any = bind("wasi:messaging/producer@0.2.0-draft", grants)
    client = types.client.connect("other")
    message = types.message(b"one")
    assert (message.topic(), message.content_type(), message.metadata()) == (None, None, None)
    message.set_data(b"two")
    message.set_content_type("text/plain")
    message.add_metadata("a", "1")
    message.add_metadata("a", "2")
    message.add_metadata("b", "3")
    message.remove_metadata("b")
    message.remove_metadata("absent")
    assert message.metadata() == [("a", "2")]
    inflow = await broker.subscribe(Subscription(("t",)))
    assert await resolve(producer.send(client, "t", message)) is None
    got = (await anext(inflow)).message
    assert (got.body, dict(got.headers)) == (b"two", {"content-type": "text/plain", "a": "2"})
    message.set_metadata([("c", "4")])
    assert (message.content_type(), message.metadata()) == ("text/plain", [("c", "4")])
    assert client.disconnect() is None


async def test_several_answers_and_an_answer_to_an_answer(broker: InProcessBroker) -> None:
    grants = granted(broker)
    types: Any = bind("wasi:messaging/types@0.2.0-draft", grants)
    asking: Any = bind("wasi:messaging/request-reply@0.2.0-draft", grants)
    client = types.client.connect("default")
    await answering(broker, "ask", b"1", b"2")
    options = asking.request_options()
    options.set_timeout_ms(5000)
    options.set_expected_replies(2)
    answers = await resolve(asking.request(client, "ask", types.message(b"?"), options))
    assert [answer.data() for answer in answers] == [b"1", b"2"]
    one = await resolve(asking.request(client, "ask", types.message(b"?"), None))
    assert [answer.data() for answer in one] == [b"1"]
    assert await resolve(asking.reply(answers[0], types.message(b"nobody asked"))) is None


async def test_a_received_message_is_answered_where_it_wants(broker: InProcessBroker) -> None:
    from paddock.interfaces.wasi_messaging import Message as Resource

    asking: Any = bind("wasi:messaging/request-reply@0.2.0-draft", granted(broker))
    inflow = await broker.subscribe(Subscription(("back",)))
    received = Resource.received(Message("t", b"?", (("a", "1"),), "back"), broker)
    assert (received.topic(), received.metadata()) == ("t", [("a", "1")])
    await resolve(asking.reply(received, Resource(b"!")))
    assert (await anext(inflow)).message.body == b"!"


async def test_a_request_without_an_answer_is_a_timeout(broker: InProcessBroker) -> None:
    grants = granted(broker)
    types: Any = bind("wasi:messaging/types@0.2.0-draft", grants)
    asking: Any = bind("wasi:messaging/request-reply@0.2.0-draft", grants)
    client = types.client.connect("")
    options = asking.request_options()
    options.set_timeout_ms(50)
    failed = await failure(asking, asking.request, client, "ask", types.message(b""), options)
    assert failed == Variant("timeout")
