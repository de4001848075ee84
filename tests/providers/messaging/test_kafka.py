"""Kafka: the shipped suite on the real broker, and what it promises."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from tests.services.kafka import KafkaServer

from paddock.capabilities.messaging import Message, Subscription
from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.kafka import KafkaLink
from paddock.providers.connections.kafka_target import KafkaTarget
from paddock.providers.messaging.inflow import Inflow
from paddock.providers.messaging.kafka import KafkaBroker, KafkaConfig, KafkaMessaging
from paddock.providers.messaging.kafka_group import GroupSource
from paddock.providers.messaging.kafka_member import Member
from paddock.providers.messaging.kafka_offsets import Progress, resumed
from paddock.testing.messaging import MessagingSuite, Requirements
from paddock.types import resolve


@pytest.fixture(autouse=True)
def _server(request: pytest.FixtureRequest, kafka_server: KafkaServer) -> Iterator[None]:
    if request.instance is not None:
        request.instance.server = kafka_server
    yield


def opened(server: KafkaServer, **options: object):
    config = KafkaConfig.from_table({"type": "kafka", "url": f"kafka://{server.url}", **options})
    return KafkaMessaging.open(config, application="app", name="default", state_dir=None)


class TestKafka(MessagingSuite):
    requirements = Requirements(request=False, patience=30.0)
    server: KafkaServer

    def make_broker(self, name: str):
        return opened(self.server)


async def test_partitions_whose_progress_could_not_be_read_are_asked_for_again(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    broker = await resolve(opened(kafka_server))
    inflow = await broker.subscribe(Subscription((f"{name}.>",), name, durable=True))
    real, failures = broker.link.administration, []

    def fails_once():
        if not failures:
            failures.append(Unavailable("away"))
            raise failures[0]
        return real()

    monkeypatch.setattr(broker.link, "administration", fails_once)
    await broker.publish(Message(f"{name}.a", b"x"))
    async with asyncio.timeout(60):
        delivery = await anext(inflow)
    assert failures and delivery.message.body == b"x"
    await delivery.ack()
    await broker.close()


@contextlib.asynccontextmanager
async def broker(server: KafkaServer) -> AsyncIterator[KafkaBroker]:
    async with asyncio.timeout(120):
        one = await opened(server)
        try:
            yield one
        finally:
            await one.close()


async def bodies(inflow: Inflow, most: int) -> list[bytes]:
    """Acknowledges what comes."""
    found = []
    for _ in range(most):
        delivery = await anext(inflow)
        found.append(delivery.message.body)
        await delivery.ack()
    return found


async def test_who_has_no_group_gets_nothing_again_when_a_topic_is_added(
    kafka_server: KafkaServer,
) -> None:
    async with broker(kafka_server) as one:
        await one.publish(Message("added.one", b"early"))
        inflow = await one.subscribe(Subscription(("added.*",)))
        await one.publish(Message("added.one", b"1"))
        assert await bodies(inflow, 1) == [b"1"]
        await one.publish(Message("added.two", b"2"))
        assert await bodies(inflow, 1) == [b"2"]
        await one.publish(Message("added.one", b"3"))
        assert await bodies(inflow, 1) == [b"3"]


async def test_headers_that_others_write_poison_nothing(kafka_server: KafkaServer) -> None:
    async with broker(kafka_server) as one:
        inflow = await one.subscribe(Subscription(("odd",), "odd", True))
        odd = [("null", None), ("twice", b"1"), ("twice", b"2"), ("a b", b""), ("lines", b"a\nb ")]
        await one.link.publish("odd", b"x", headers=odd)  # type: ignore[arg-type]
        delivery = await anext(inflow)
        assert delivery.message.headers == (("null", ""), ("twice", "1"), ("lines", "a b"))
        await delivery.dead_letter("nobody can " + 990 * "x" + " handle it")
        dead = await one.subscribe(Subscription(("dead-letters.odd",), "dead", True))
        assert await bodies(dead, 1) == [b"x"]


async def test_a_drain_waits_for_what_is_tried_again(kafka_server: KafkaServer) -> None:
    wanted = Subscription(("drained",), "drained", True)
    async with broker(kafka_server) as one:
        await one.publish(Message("drained", b"slow"))
        inflow = await one.subscribe(wanted)
        await (await anext(inflow)).nack(3.0)
        await inflow.drain()
        assert await bodies(inflow, 1) == [b"slow"]
        assert [each async for each in inflow] == []
    async with broker(kafka_server) as one:
        await one.publish(Message("drained", b"next"))
        assert await bodies(await one.subscribe(wanted), 1) == [b"next"]


async def test_a_partition_that_could_not_be_begun_is_begun_again(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with broker(kafka_server) as one:
        whole, refused = one.link.administration, 0

        @contextlib.asynccontextmanager
        async def administration():  # type: ignore[no-untyped-def]
            nonlocal refused
            # The first is for the topics.
            refused += 1
            if refused == 2:
                raise Unavailable("not now")
            async with whole() as client:
                yield client

        monkeypatch.setattr(one.link, "administration", administration)
        await one.publish(Message("begun", b"1"))
        inflow = await one.subscribe(Subscription(("begun",), "begun", True))
        async with asyncio.timeout(60):
            assert await bodies(inflow, 1) == [b"1"]
        assert refused > 2


class Slow:
    """A consumer that takes long to leave its group."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.left = False

    async def stop(self) -> None:
        await self.may.wait()
        self.left = True


def member(**options: object) -> Member:
    target = KafkaTarget(("127.0.0.1:1",), timeout=0.1)
    link = SimpleNamespace(target=target)
    return Member(cast("KafkaLink", link), Subscription(("a",), "a", True, **options))  # type: ignore[arg-type]


async def test_leaving_a_group_is_not_cut_off_when_it_takes_long() -> None:
    one, slow = member(), Slow()
    one._consumer = cast("AIOKafkaConsumer", slow)
    await one.leave()
    slow.may.set()
    async with asyncio.timeout(10):
        while not slow.left:
            await asyncio.sleep(0)


async def test_what_is_handled_during_a_commit_is_committed_next() -> None:
    one = member()
    committed: list[int] = []

    class Committing:
        async def commit(self, offsets: dict[object, tuple[int, str]]) -> None:
            committed.extend(offset for offset, _ in offsets.values())
            if len(committed) == 1:
                progress.settle(1)
                one.dirty = True

    one._consumer = cast("AIOKafkaConsumer", Committing())
    progress = one.progress[TopicPartition("a", 0)] = Progress(0, 0, 0)
    for offset in (0, 1):
        progress.hand_out(offset)
    progress.settle(0)
    one.dirty = True
    await one.commit()
    one._committed_at = -60.0
    await one.commit()
    assert committed == [1, 2]


async def test_a_partition_that_goes_is_let_go_though_its_commit_fails() -> None:
    one = member()

    class Refusing:
        async def commit(self, offsets: object) -> None:
            raise KafkaError("no coordinator")

    async def publish(message: Message) -> None: ...

    one._consumer = cast("AIOKafkaConsumer", Refusing())
    one.inflow = Inflow(GroupSource(one._link, one._subscription), 1, publish)
    partition = TopicPartition("a", 0)
    one.progress[partition] = Progress(0, 0, 0)
    with contextlib.suppress(KafkaError):
        await one.revoked([partition])
    assert one.progress == {}
    await one.inflow.close()


async def test_what_is_still_here_after_a_new_session_is_not_taken_twice() -> None:
    async def publish(message: Message) -> None: ...

    one = member()
    source = GroupSource(one._link, one._subscription)
    one = source._member
    inflow = one.inflow = Inflow(source, 9, publish)
    partition = TopicPartition("a", 0)
    record = SimpleNamespace(topic="a", value=b"x", headers=(), offset=0)
    progress = one.progress[partition] = Progress(0, 0, 0)
    await source._hand_out(inflow, {partition: [record]})  # type: ignore[list-item]
    held = await anext(inflow)
    progress = one.progress[partition] = resumed(progress.low, progress.metadata)
    await source._hand_out(inflow, {partition: [record]})  # type: ignore[list-item]
    assert not inflow.idle()
    await held.ack()
    assert progress.low == 1
    await inflow.close()


async def test_certificates_that_are_gone_are_told_with_each_call(
    kafka_server: KafkaServer, tmp_path: Path
) -> None:
    certificate = tmp_path / "none.pem"
    certificate.write_bytes(Path(kafka_server.certificate()[0]).read_bytes())
    table = {"url": "kafkas://127.0.0.1:1", "ca": "none.pem", "timeout": "1s"}
    config = KafkaConfig.from_table(table, tmp_path)
    certificate.unlink()
    one = await KafkaMessaging.open(config, application="app", name="x", state_dir=tmp_path)
    for _ in range(2):
        with pytest.raises(CapabilityError, match=r"none\.pem"):
            await one.publish(Message("a", b"x"))
    await one.close()
