"""What guests reach outside: grants asked from Python, blocks, audit, connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.bridge.guests import Bridge, get, listening

from paddock import _core
from paddock.errors import UsageError
from paddock.types import Err

GUESTS = Path(__file__).parent.parent / "guests" / "rust"
LOOPBACK = (None, "127.0.0.0/8", 1, 65535)


def test_an_outbound_policy_answers_as_the_engine_does() -> None:
    granted = _core.Outbound(
        [("redis", "localhost", 6379, 6379), ("postgres", "10.0.0.0/8", 1, 65535)]
    )
    assert granted.allows_host("redis", "LOCALHOST.", 6379)
    assert not granted.allows_host("mqtt", "localhost", 6379)
    assert granted.allows_address("redis", "localhost", "::1", 6379)
    assert not granted.allows_address("redis", "localhost", "192.168.0.1", 6379)
    assert granted.allows_address("postgres", "db.internal", "::ffff:10.2.3.4", 5432)
    assert not granted.allows_address("postgres", "db.internal", "db.internal", 5432)


def test_what_a_host_blocks_no_grant_opens() -> None:
    grants = [(None, "10.0.0.0/8", 1, 65535), (None, "*", 1, 65535)]
    some = _core.Outbound(grants, ["10.1.0.0/16", "93.184.216.34"])
    assert some.allows_address("tcp", "", "10.2.0.1", 1)
    assert not some.allows_address("tcp", "", "10.1.0.1", 1)
    assert not some.allows_address("tcp", "", "::ffff:10.1.0.1", 1)
    assert not some.allows_address("tcp", "", "93.184.216.34", 1)
    private = _core.Outbound(grants, ["private"])
    assert not private.allows_address("tcp", "", "10.2.0.1", 1)
    assert private.allows_address("tcp", "", "93.184.216.34", 1)
    with pytest.raises(UsageError, match="no network to block"):
        _core.Outbound([], ["example.com"])


@dataclass
class Site:
    """A small HTTP server that counts its connections."""

    port: int = 0
    made: int = 0
    open: int = 0
    most: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self.open += 1
        self.most = max(self.most, self.open)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await self.gate.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        self.open -= 1
        writer.close()


@asynccontextmanager
async def site(*, held: bool = False) -> AsyncIterator[Site]:
    running = Site()
    if not held:
        running.gate.set()
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    yield running
    server.close()


def routes(bridge: Bridge, spec: _core.ComponentSpec, options: _core.ServerOptions) -> int:
    """The port of a server of the guest `routes`."""
    artifact = bridge.engine.load((GUESTS / "routes" / "routes.wasm").read_bytes())
    component = _core.Component(bridge.engine, artifact, spec, {}, bridge.runtime)
    application = _core.ApplicationSpec(id="app", components={"a": component})
    route = _core.RouteSpec(application="app", trigger="t", route="/...", component="a")
    server = _core.Server(bridge.runtime, options)
    server.commit(_core.Generation(1, [application], [route]))
    bridge.keep.append(server)
    return listening(server)


def granted(**more: object) -> _core.ComponentSpec:
    return _core.ComponentSpec(application="app", id="a", outbound=[LOOPBACK], **more)  # type: ignore[arg-type]


async def ask(port: int, other: Site) -> tuple[int, bytes]:
    return await get(port, f"/outbound?url=http://127.0.0.1:{other.port}/")


def told(bridge: Bridge, kind: str) -> list[dict[str, str]]:
    return [event.fields for event in bridge.events if event.kind == kind]


async def test_a_connection_is_kept_for_the_next_request_unless_pooling_is_off(
    bridge: Bridge,
) -> None:
    async with site() as other:
        port = routes(bridge, granted(), _core.ServerOptions())
        for _ in range(3):
            assert await ask(port, other) == (200, b"ok")
        assert other.made == 1
        port = routes(bridge, granted(), _core.ServerOptions(outbound_pooling=False))
        for _ in range(3):
            assert (await ask(port, other))[0] == 200
        assert other.made >= 3


async def test_connections_of_a_host_are_limited_and_the_next_request_waits(
    bridge: Bridge,
) -> None:
    async with site(held=True) as other:
        port = routes(bridge, granted(), _core.ServerOptions(outbound_connections=2))
        asked = [asyncio.create_task(ask(port, other)) for _ in range(8)]
        await bridge.until(lambda: other.open == 2)
        other.gate.set()
        assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 8
        assert other.most == 2


async def test_an_idle_connection_gives_its_place_to_another_destination(bridge: Bridge) -> None:
    async with site() as first, site() as second:
        port = routes(bridge, granted(), _core.ServerOptions(outbound_connections=1))
        for other in (first, second, first):
            assert await ask(port, other) == (200, b"ok")
        assert (first.made, second.made) == (2, 1)


async def test_what_is_blocked_is_told_without_a_grant_that_would_help(bridge: Bridge) -> None:
    async with site() as other:
        port = routes(bridge, granted(blocked=["127.0.0.0/8"]), _core.ServerOptions())
        assert (await ask(port, other))[0] == 502
        assert other.made == 0
    await bridge.until(lambda: told(bridge, "denied"))
    (denied,) = told(bridge, "denied")
    assert "configuration blocks" in denied["what"]
    assert denied["grant"] == ""


async def test_an_audit_tells_once_what_is_used(bridge: Bridge) -> None:
    async with site() as other:
        port = routes(bridge, granted(audit=True), _core.ServerOptions())
        await ask(port, other)
        await ask(port, other)
        address = f"http://127.0.0.1:{other.port}"
    await bridge.until(lambda: told(bridge, "allowed"))
    assert told(bridge, "allowed") == [{"what": f"outgoing HTTP to {address}", "grant": address}]


async def sockets(bridge: Bridge, spec: _core.ComponentSpec) -> str:
    """How the guest `sockets` ended."""
    artifact = bridge.engine.load((GUESTS / "sockets" / "sockets.wasm").read_bytes())
    component = _core.Component(bridge.engine, artifact, spec, {}, bridge.runtime)
    try:
        await _core.call(component, "wasi:cli/run@0.2.0#run", [])
    except Err:
        return "failed"
    return "ran"


@pytest.mark.parametrize("kind", ["tcp", "udp"])
async def test_sockets_are_told_too_where_nothing_is_granted(bridge: Bridge, kind: str) -> None:
    arguments = ["sockets", kind, "127.0.0.1", "9", "text"]
    spec = _core.ComponentSpec(application="app", id="a", arguments=arguments)
    with suppress(Exception):
        assert await sockets(bridge, spec) == "failed"
    await bridge.until(lambda: told(bridge, "denied"))
    (denied,) = told(bridge, "denied")
    assert denied["grant"] == f'allowed_outbound_hosts = ["{kind}://127.0.0.1:9"]'


async def test_an_audit_tells_of_sockets(bridge: Bridge) -> None:
    async with site() as other:
        arguments = ["sockets", "tcp", "127.0.0.1", str(other.port), "GET / HTTP/1.0\r\n\r\n"]
        await sockets(bridge, granted(arguments=arguments, audit=True))
        address = f"tcp://127.0.0.1:{other.port}"
    await bridge.until(lambda: told(bridge, "allowed"))
    assert [used["grant"] for used in told(bridge, "allowed")] == [address]
