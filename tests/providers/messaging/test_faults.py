"""Brokers whose server dies, hangs, refuses, or is not there yet."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.services.mosquitto import MosquittoServer
from tests.services.server import Server

from paddock.capabilities.messaging import Deliveries, Message, MessageBroker, Subscription
from paddock.errors import CapabilityError, Exhausted, Unavailable
from paddock.providers.registry import find
from paddock.types import resolve


@dataclass(frozen=True)
class Kind:
    """A provider on a server of the test's own, with options."""

    fixture: str
    provider: str
    options: dict[str, object] = field(default_factory=dict)
    durable: bool = True


KINDS = {
    "nats core": Kind("own_nats", "nats", durable=False),
    "nats stream": Kind("own_nats", "nats", {"stream": "FAULTS", "subjects": ["faults.>"]}),
    "redis channels": Kind("own_redis", "redis", durable=False),
    "redis stream": Kind("own_redis", "redis", {"stream": "faults", "lease": "1s"}),
    # Shared subscriptions do not survive a restart of this broker.
    "mqtt": Kind("own_mosquitto", "mqtt", {"share": False}),
    "kafka": Kind("own_kafka", "kafka"),
}
DURABLE = [name for name, kind in KINDS.items() if kind.durable]
#: Kafka takes its time for everything, so it is left out where others show the same.
QUICK = [name for name in KINDS if name != "kafka"]
Opener = Callable[[], Awaitable[MessageBroker]]


class Setting:
    """A server, and brokers on it."""

    def __init__(self, server: Server, kind: Kind, state_dir: Path) -> None:
        self.server = server
        self.durable = kind.durable
        table: dict[str, object] = {"timeout": "1s", **kind.options}
        if kind.provider == "kafka":
            table |= {"url": server.sasl_url, "timeout": "3s"}  # type: ignore[attr-defined]
        else:
            table["url"] = server.url
        if kind.provider in ("mqtt", "kafka"):
            table |= {"username": server.user, "password": server.password}
        provider = find("messaging", kind.provider)
        self._open = lambda: provider.open(
            provider.Config.from_table(table), application="app", name="x", state_dir=state_dir
        )

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[MessageBroker]:
        opened: MessageBroker = await resolve(self._open())  # type: ignore[arg-type]
        try:
            yield opened
        finally:
            async with asyncio.timeout(60):
                await resolve(opened.close())

    def wanted(self) -> Subscription:
        group = "faults" if self.durable else None
        return Subscription(("faults.>",), group, self.durable)


@pytest.fixture
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    kind = KINDS[request.param]
    return Setting(request.getfixturevalue(kind.fixture), kind, tmp_path)


def on(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("setting", names, indirect=True)


async def send(broker: MessageBroker, body: bytes) -> None:
    async with asyncio.timeout(30):
        await resolve(broker.publish(Message("faults.a", body)))


async def answers(broker: MessageBroker) -> None:
    """Publish until it succeeds."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await send(broker, b"again")
            except CapabilityError:
                await asyncio.sleep(0.05)


async def fails(broker: MessageBroker) -> CapabilityError:
    """Publish until it fails; the failure."""
    async with asyncio.timeout(60):
        while True:
            # Nothing else would get its turn while calls fail at once.
            await asyncio.sleep(0.01)
            try:
                await send(broker, b"x")
            except CapabilityError as error:
                return error


class Flow:
    """Publishes numbered messages and handles them, all the time; notes what happened."""

    def __init__(self, broker: MessageBroker) -> None:
        self._broker = broker
        self.acknowledged: list[bytes] = []
        self.failures: list[CapabilityError] = []
        self.unmarked: Counter[bytes] = Counter()
        self.handled: set[bytes] = set()
        self._end = asyncio.Event()
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._end.clear()
        self._tasks = [asyncio.create_task(self.publish()) for _ in range(4)]

    async def pause(self) -> None:
        self._end.set()
        await asyncio.gather(*self._tasks)

    async def publish(self) -> None:
        while not self._end.is_set():
            body = b"%d" % next(self._numbers)
            try:
                await send(self._broker, body)
            except CapabilityError as error:
                self.failures.append(error)
                await asyncio.sleep(0.02)
            else:
                self.acknowledged.append(body)

    async def handle(self, inflow: Deliveries) -> None:
        async for delivery in inflow:
            body = delivery.message.body
            if not delivery.redelivered:
                self.unmarked[body] += 1
            self.handled.add(body)
            try:
                await delivery.ack()
            except Unavailable:
                continue

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(90):
            while not condition():
                await asyncio.sleep(0.02)


@on(*DURABLE)
async def test_a_server_that_is_killed_under_load_loses_nothing_that_it_took(
    setting: Setting,
) -> None:
    async with setting.broker() as broker:
        flow = Flow(broker)
        inflow = await resolve(broker.subscribe(setting.wanted()))
        handling = asyncio.create_task(flow.handle(inflow))
        flow.begin()
        for _ in range(2):
            done = len(flow.acknowledged)
            await flow.until(lambda done=done: len(flow.acknowledged) > done + 50)  # type: ignore[misc]
            if setting.server.name == "mosquitto":
                # It writes down what it has acknowledged a moment later.
                await flow.pause()
                await asyncio.to_thread(setting.server.save)
            failed = len(flow.failures)
            await asyncio.to_thread(setting.server.kill)
            if setting.server.name == "mosquitto":
                flow.begin()
            await flow.until(lambda failed=failed: len(flow.failures) > failed)  # type: ignore[misc]
            await asyncio.to_thread(setting.server.start)
            await answers(broker)
        await flow.pause()
        await flow.until(lambda: handling.done() or set(flow.acknowledged) <= flow.handled)
        assert all(isinstance(each, Unavailable) for each in flow.failures)
        assert {body for body, times in flow.unmarked.items() if times > 1} <= {b"again"}
        assert not handling.done(), handling.result()
        handling.cancel()


@on(*KINDS)
async def test_a_server_that_hangs_is_told_within_the_timeout_and_found_again(
    setting: Setting,
) -> None:
    async with setting.broker() as broker:
        await answers(broker)
        setting.server.pause()
        try:
            errors = await asyncio.gather(*(fails(broker) for _ in range(64)))
            assert all(isinstance(error, Unavailable) for error in errors)
        finally:
            setting.server.resume()
        await answers(broker)


@on(*KINDS)
async def test_a_host_begins_without_its_server(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "paddock")
    setting.server.stop()
    async with setting.broker() as broker:
        assert isinstance(await fails(broker), Unavailable)
        async with asyncio.timeout(60):
            inflow = await resolve(broker.subscribe(setting.wanted()))
        await asyncio.to_thread(setting.server.start)
        await answers(broker)

        async def publish() -> None:
            while True:
                await answers(broker)
                await asyncio.sleep(0.1)

        publishing = asyncio.create_task(publish())
        async with asyncio.timeout(60):
            assert (await anext(inflow)).message.body in (b"again", b"x")
        publishing.cancel()
    told = [record.message for record in caplog.records]
    assert len([line for line in told if "calls fail until it answers" in line]) >= 1
    assert [line for line in told if "answers again" in line]
    assert not [line for line in told if setting.server.password in line]


@on(*KINDS)
async def test_a_password_that_is_refused_is_told_and_never_shown(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "paddock")
    await asyncio.to_thread(setting.server.refuse_authentication)  # type: ignore[attr-defined]
    async with setting.broker() as broker:
        refused: CapabilityError | None = None
        async with asyncio.timeout(60):
            while refused is None or isinstance(refused, Unavailable):
                refused = await fails(broker)
        assert "refused the user name" in refused.message
        assert setting.server.password not in f"{refused} {refused.__cause__!r} {broker!r}"
        await asyncio.to_thread(setting.server.accept_authentication)  # type: ignore[attr-defined]
        await answers(broker)
    assert setting.server.password not in caplog.text


FULL = {
    "nats stream": {"stream": "FULL", "subjects": ["faults.>"], "max_bytes": 20_000},
    "redis stream": {"stream": "full", "max_length": 20},
}


@pytest.mark.parametrize("name", FULL)
async def test_a_stream_that_is_full_refuses_and_loses_nothing(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kind = Kind(KINDS[name].fixture, KINDS[name].provider, FULL[name])
    setting = Setting(request.getfixturevalue(kind.fixture), kind, tmp_path)
    async with setting.broker() as broker:
        inflow = await resolve(broker.subscribe(setting.wanted()))
        taken = 0
        with pytest.raises(Exhausted):
            for _ in range(1000):
                await send(broker, b"x" * 1000)
                taken += 1
        for _ in range(taken):
            async with asyncio.timeout(20):
                await (await anext(inflow)).ack()


async def test_an_mqtt_broker_without_memory_refuses_and_loses_nothing(
    start_server: Callable[[MosquittoServer], MosquittoServer], tmp_path: Path
) -> None:
    server = start_server(MosquittoServer(memory=3_000_000))
    setting = Setting(server, KINDS["mqtt"], tmp_path)
    async with setting.broker() as broker:
        inflow = await resolve(broker.subscribe(setting.wanted()))
        taken = 0
        with pytest.raises(CapabilityError, match=r"refused it|closed the connection"):
            for _ in range(100):
                await send(broker, b"x" * 100_000)
                taken += 1
        for _ in range(taken):
            async with asyncio.timeout(20):
                await (await anext(inflow)).ack()
        await answers(broker)
