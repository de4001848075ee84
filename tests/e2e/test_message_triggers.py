"""Message triggers on real brokers: none lost, the dead put aside, exchanged under way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hosts import GUESTS, Running, until_taken, wait_for
from tests.services.nats import NatsServer
from tests.services.server import Server

from paddock.capabilities.messaging import Message, MessageBroker
from paddock.providers.registry import find
from paddock.types import resolve

GUEST = GUESTS / "rust/messaging/messaging.wasm"
Start = Callable[..., Running]


@dataclass(frozen=True)
class Source:
    """A trigger's table, and the provider with which a test publishes for it."""

    server: str
    provider: str
    table: str
    more: dict[str, str | list[str]]
    #: Whether what is published while no host is there comes later.
    keeps: bool


SOURCES = {
    "redis channel": Source(
        "redis_server",
        "redis",
        'type = "redis"\naddress = "{url}"\nchannel = "{subject}"',
        {},
        False,
    ),
    "redis stream": Source(
        "redis_server",
        "redis",
        'type = "redis"\naddress = "{url}"\nstream = "{subject}"\ngroup = "g"',
        {"stream": "{subject}"},
        True,
    ),
    "nats": Source(
        "nats_server",
        "nats",
        'type = "nats"\naddress = "{url}"\nsubject = "{subject}"\nqueue = "q"',
        {},
        False,
    ),
    "nats stream": Source(
        "nats_server",
        "nats",
        'type = "nats"\naddress = "{url}"\nsubject = "{subject}"\nstream = "{stream}"\n'
        'durable = "d-{stream}"',
        {"stream": "{stream}", "subjects": ["{subject}"]},
        True,
    ),
    "mqtt": Source(
        "mosquitto_server",
        "mqtt",
        'type = "mqtt"\naddress = "{url}"\ntopic = "{subject}"\nqos = "1"\ngroup = "g-{stream}"\n'
        "durable = true",
        {},
        True,
    ),
    "kafka": Source(
        "kafka_server",
        "kafka",
        'type = "kafka"\naddress = "{url}"\ntopic = "{subject}"\ngroup = "g-{stream}"',
        {},
        True,
    ),
}


@pytest.fixture(params=SOURCES, ids=lambda name: name.replace(" ", "-"))
def flow(request: pytest.FixtureRequest, tmp_path: Path) -> Flow:
    source = SOURCES[request.param]
    server: Server = request.getfixturevalue(source.server)
    return Flow(source, server, tmp_path)


class Flow:
    """One trigger on one broker, on a subject of its own."""

    def __init__(self, source: Source, server: Server, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.subject = f"t{abs(hash(folder)) % 10**9}"
        self.url: str = server.url  # type: ignore[attr-defined]
        if source.provider == "mqtt":
            credentials = f"//{server.user}:{server.password}@"  # type: ignore[attr-defined]
            self.url = self.url.replace("//", credentials, 1)

    def filled(self, text: str) -> str:
        return text.format(url=self.url, subject=self.subject, stream=f"S{self.subject}")

    def write(self, version: int = 1, guest: Path = GUEST, more: str = "") -> Path:
        kind, _, table = self.filled(self.source.table).partition("\n")
        manifest = self.folder / "paddock.toml"
        manifest.write_text(
            'paddock_manifest_version = 1\n[application]\nname = "flow"\n'
            f"[[trigger.{kind.split(chr(34))[1]}]]\n"
            f'id = "t"\ncomponent = "handler"\nattempts = 3\nbackoff = "50ms"\n{table}\n{more}'
            '[[trigger.http]]\nroute = "/..."\ncomponent = "handler"\n'
            f'[component.handler]\nsource = "{guest}"\nkey_value_stores = ["default"]\n'
            f'message_brokers = ["default"]\nenvironment = {{ VERSION = "{version}" }}\n'
        )
        return manifest

    def publish(self, bodies: Iterable[str]) -> None:
        """Each acknowledged by the broker before the next."""
        asyncio.run(self._publish(list(bodies)))

    async def _publish(self, bodies: list[str]) -> None:
        more = {
            key: [self.filled(each) for each in value]
            if isinstance(value, list)
            else self.filled(value)
            for key, value in self.source.more.items()
        }
        provider = find("messaging", self.source.provider)
        config = provider.Config.from_table({"url": self.url, **more}, None)
        opened = provider.open(config, application="tests", name="publisher", state_dir=self.folder)
        broker: MessageBroker = await resolve(opened)  # type: ignore[arg-type]
        try:
            for body in bodies:
                await self._acknowledged(broker, Message(self.subject, body.encode()))
        finally:
            await resolve(broker.close())

    async def _acknowledged(self, broker: MessageBroker, message: Message) -> None:
        """Published until the broker says that it has it."""
        await until_taken(lambda: resolve(broker.publish(message)))


def received(host: Running) -> list[tuple[str, str]]:
    """Version and body of each message that was handled, in order."""
    lines = host.get("/received").text.splitlines()
    return [(line.split(" ")[0], line.split(" ", 3)[3]) for line in lines]


def test_each_message_is_handled_and_poison_is_put_aside(flow: Flow, up: Start) -> None:
    host = up(flow.write())
    flow.publish(["warm"])
    wait_for("the first message", lambda: received(host))
    flow.publish([*(f"m {number}" for number in range(50)), "poison", "once more", "last"])
    wanted = {"warm", *(f"m {number}" for number in range(50)), "once more", "last"}
    wait_for("all messages", lambda: {body for _, body in received(host)} == wanted)
    try:
        wait_for("the dead letter", lambda: host.trigger("t")["dead"] == 1)
    except TimeoutError:
        raise AssertionError(f"{host.trigger('t')}\n{host.log}") from None
    assert host.get("/tried", params={"body": "poison"}).text == "3"
    assert host.get("/tried", params={"body": "once more"}).text == "2"
    found = host.trigger("t")
    assert found["running"] == 0 and int(found["handled"]) == len(wanted)  # type: ignore[call-overload]
    host.logged("given up after 3 attempts")


def test_a_component_is_exchanged_while_messages_flow_and_none_is_lost(
    flow: Flow, up: Start
) -> None:
    host = up(flow.write())
    flow.publish(["warm"])
    wait_for("the first message", lambda: received(host))
    count, exchanges = 1500, 50

    async def flowing() -> None:
        publishing = asyncio.create_task(flow._publish([f"m {n}" for n in range(count)]))
        for version in range(2, exchanges + 2):
            flow.write(version)
            await asyncio.to_thread(host.apply)
        await publishing

    asyncio.run(flowing())
    flow.publish(["end"])
    wanted = {"warm", "end", *(f"m {number}" for number in range(count))}
    wait_for("all messages", lambda: {body for _, body in received(host)} == wanted)
    found = received(host)
    assert len({version for version, _ in found}) > 1
    # Handled twice only where the broker marked it as handed out again.
    twice = len(found) - len({body for _, body in found})
    assert twice <= int(host.trigger("t")["redelivered"])  # type: ignore[call-overload]


def test_what_is_published_while_no_host_is_there_comes_later(flow: Flow, up: Start) -> None:
    if not flow.source.keeps:
        flow.publish(["nobody listens"])
        return
    host = up(flow.write())
    flow.publish(["before"])
    wait_for("the first message", lambda: received(host))
    host.stop()
    flow.publish(["meanwhile"])
    again = up(flow.write(), "--state-dir", host.state_dir)
    wait_for("the second", lambda: "meanwhile" in {body for _, body in received(again)})
    bodies = [body for _, body in received(again)]
    assert bodies.count("before") == 1


def test_a_handler_of_wasi_0_3_reads_the_body_as_a_stream_and_rejects_for_good(
    nats_server: NatsServer, up: Start, tmp_path: Path
) -> None:
    flow = Flow(SOURCES["nats"], nats_server, tmp_path)
    host = up(flow.write(guest=GUEST.parents[1] / "messaging3/messaging3.wasm"))
    long = "long " + "x" * 200_000
    flow.publish(["m 1", "poison", "once more", long])
    wanted = {"m 1", "once more", long}
    wait_for("all messages", lambda: {body for _, body in received(host)} == wanted)
    wait_for("the dead letter", lambda: host.trigger("t")["dead"] == 1)
    assert host.get("/tried", params={"body": "poison"}).text == "1"


@pytest.mark.parametrize("name", ["redis stream", "nats stream", "kafka"])
def test_one_at_a_time_keeps_the_order_of_the_source(
    name: str, request: pytest.FixtureRequest, up: Start, tmp_path: Path
) -> None:
    flow = Flow(SOURCES[name], request.getfixturevalue(SOURCES[name].server), tmp_path)
    host = up(flow.write(more="concurrency = 1\n"))
    bodies = [f"m {number}" for number in range(150)]
    flow.publish(bodies)
    wait_for("all messages", lambda: len(received(host)) >= len(bodies))
    assert [body for _, body in received(host)] == bodies


#: Sources that keep messages, each with a server of the test's own.
KEPT = [("redis stream", "own_redis"), ("nats stream", "own_nats"), ("kafka", "own_kafka")]


@pytest.mark.parametrize(("name", "server"), KEPT, ids=lambda each: each.replace(" ", "-"))
def test_a_killed_host_and_a_killed_server_lose_nothing_that_was_acknowledged(
    name: str, server: str, request: pytest.FixtureRequest, up: Start, tmp_path: Path
) -> None:
    own = request.getfixturevalue(server)
    flow = Flow(SOURCES[name], own, tmp_path)
    host = up(flow.write())
    flow.publish(["warm"])
    wait_for("the first message", lambda: received(host))

    async def flowing() -> Running:
        publishing = asyncio.create_task(flow._publish([f"slow 5 {n}" for n in range(400)]))
        await asyncio.to_thread(wait_for, "messages", lambda: len(received(host)) > 30)
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.restart)
        seen = len(received(host))
        await asyncio.to_thread(wait_for, "more of them", lambda: len(received(host)) > seen)
        host.signal(signal.SIGKILL)
        await asyncio.to_thread(host.ended)
        again = await asyncio.to_thread(up, flow.write(), "--state-dir", host.state_dir)
        await publishing
        return again

    again = asyncio.run(flowing())
    wanted = {"warm", *(f"slow 5 {number}" for number in range(400))}
    wait_for("all messages", lambda: {body for _, body in received(again)} >= wanted, 120)
    assert again.trigger("t")["dead"] == 0
