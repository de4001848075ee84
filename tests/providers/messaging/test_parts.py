"""Parts of the brokers that need no server: names, formats, configuration."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.capabilities.messaging import Message
from paddock.errors import BadName
from paddock.providers.messaging import inbox as answers
from paddock.providers.messaging.inbox import Inbox
from paddock.providers.messaging.inflow import FIRST_PAUSE, LONGEST_PAUSE, Inflow
from paddock.providers.messaging.kafka import topic_of as kafka_topic
from paddock.providers.messaging.mqtt_topics import filter_of, subject_of, topic_of
from paddock.providers.messaging.redis_channels import MAGIC, glob, packed, unpacked
from paddock.providers.messaging.redis_stream import entry
from paddock.providers.options import OptionError
from paddock.providers.registry import find


@given(st.text(st.characters(exclude_characters="+#\0"), min_size=1))
def test_every_subject_has_a_topic_and_comes_back_from_it(subject: str) -> None:
    assert subject_of(topic_of(subject)) == subject


async def test_a_request_does_not_gather_more_answers_than_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "MOST", 10_000)
    inbox = Inbox()
    question = inbox.ask(2**32 - 1)
    for _ in range(20):
        inbox.answer(Message(question.subject, b"x" * 1000))
    assert len(await question.collect(3600)) == 8


class Faulty:
    """A source with a mistake in it."""

    lease: float | None = None
    returns = False

    async def run(self, inflow: Inflow, /) -> None:
        raise ValueError("nobody thought of this")

    async def ack(self, token: object, /) -> None: ...
    async def extend(self, token: object, /) -> None: ...
    async def release(self, tokens: object, /) -> None: ...
    async def close(self) -> None: ...


async def test_a_subscription_with_a_fault_is_tried_again_ever_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(self: Inflow, seconds: float, *sooner: object) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            enough.set()
        await asyncio.sleep(0)

    async def publish(message: Message) -> None: ...

    monkeypatch.setattr(Inflow, "pause", pause)
    inflow = Inflow(Faulty(), 1, publish)
    await enough.wait()
    await inflow.close()
    assert pauses[0] <= FIRST_PAUSE and pauses[9] >= LONGEST_PAUSE / 2


class Leased(Faulty):
    """A source of one message, whose lease has to be kept."""

    lease = 0.5
    extended = 0

    async def run(self, inflow: Inflow, /) -> None:
        inflow.begun()
        inflow.offer(Message("a"), 1)
        while await inflow.room():
            await inflow.pause(60)

    async def extend(self, token: object, /) -> None:
        self.extended += 1


async def test_time_that_a_handler_took_counts_when_its_message_waits_for_another_attempt() -> None:
    async def publish(message: Message) -> None: ...

    source = Leased()
    inflow = Inflow(source, 2, publish)
    held = await anext(inflow)
    held._leased -= 0.4
    await held.nack(0.11)
    again = await anext(inflow)
    assert (again.attempt, again.redelivered) == (2, True)
    assert source.extended >= 1
    await inflow.close()


def test_patterns_become_filters() -> None:
    assert filter_of("a.*.c/d.>") == "a/+/c.d/#"
    for bad in ("a+", "a.#"):
        with pytest.raises(BadName):
            filter_of(bad)


def test_kafka_has_no_topic_for_some_subjects() -> None:
    assert kafka_topic("a-b_c.D9") == "a-b_c.D9"
    for bad in ("a/b", "grün", "x" * 250):
        with pytest.raises(BadName):
            kafka_topic(bad)


@given(st.binary(), st.none() | st.just("back"), st.dictionaries(st.just("a"), st.text()))
def test_a_message_on_a_channel_comes_back(
    body: bytes, reply_to: str | None, headers: dict[str, str]
) -> None:
    message = Message("s", body, tuple(headers.items()), reply_to)
    assert unpacked("s", packed(message)) == message


@given(st.binary())
def test_what_only_looks_packed_is_a_body(rest: bytes) -> None:
    assert unpacked("s", packed(Message("s", MAGIC + rest))).body == MAGIC + rest
    assert unpacked("s", MAGIC + rest).subject == "s"


def test_what_others_write_into_a_stream_or_a_channel_poisons_nothing() -> None:
    assert entry([b"subject", b"s", b"h:\xff", b"1", b"h:a", b"1\n2"]).headers == (("a", "1 2"),)
    deep = b"[" * 100_000
    wrong = MAGIC + struct.pack(">I", len(deep)) + deep
    assert unpacked("s", wrong).body == wrong


def test_patterns_of_channels_are_escaped() -> None:
    assert glob("a[b].*.c?.>") == r"a\[b\].*.c\?.*"


@pytest.mark.parametrize(
    ("type_name", "table", "key"),
    [
        ("nats", {}, "url"),
        ("nats", {"url": "nats://h", "subjects": ["a"]}, "stream"),
        ("nats", {"url": "nats://h", "stream": "a.b"}, "stream"),
        ("nats", {"url": "nats://h", "stream": ""}, "stream"),
        ("redis", {"url": "redis://h", "stream": ""}, "stream"),
        ("redis", {"url": "http://h"}, "url"),
        ("mqtt", {"url": "mqtt://h", "qos": 3}, "qos"),
        ("mqtt", {"url": "tcp://h"}, "url"),
        ("kafka", {"url": "http://h"}, "url"),
        ("kafka", {"url": "kafka://h:99999"}, "url"),
        ("kafka", {"url": "kafka://h", "mechanism": "OAUTH"}, "mechanism"),
        ("kafka", {"url": "kafka://h", "username": "u"}, "password"),
        ("in_process", {"max_bytes": 1}, "max_bytes"),
    ],
)
def test_a_table_that_is_wrong_names_its_key(
    type_name: str, table: dict[str, object], key: str
) -> None:
    with pytest.raises(OptionError) as error:
        find("messaging", type_name).Config.from_table(table)
    assert error.value.key == key


@pytest.mark.parametrize("type_name", ["nats", "redis", "mqtt", "kafka"])
def test_a_configuration_shows_no_password(type_name: str) -> None:
    table = {"url": f"{type_name}://h:1", "username": "u", "password": "s3cret"}
    assert "s3cret" not in repr(find("messaging", type_name).Config.from_table(table))
