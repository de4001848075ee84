"""The binding's server: generations over sockets, from Python."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.bridge.guests import Bridge, get, listening

from paddock import _core
from paddock.errors import PlanError, UsageError

GUESTS = Path(__file__).parent.parent / "guests"


class Store:
    """`wasi:keyvalue/store` with one key, awaited or in place."""

    def __init__(self, value: bytes, gate: asyncio.Event | None = None) -> None:
        self.value = value
        self.gate = gate
        self.waiting = 0

    def open(self, name: str) -> Store:
        return self

    def get(self, key: str) -> object:
        return self.value if self.gate is None else self._later()

    async def _later(self) -> bytes:
        assert self.gate is not None
        self.waiting += 1
        await self.gate.wait()
        return self.value


def generation(bridge: Bridge, number: int, store: Store) -> _core.Generation:
    artifact = bridge.engine.load((GUESTS / "wat" / "kv-get.wasm").read_bytes())
    component = _core.Component(
        bridge.engine,
        artifact,
        _core.ComponentSpec(application="app", id="kv"),
        {name: store for name in artifact.imports if name.startswith("wasi:keyvalue")},
        bridge.runtime,
    )
    return _core.Generation(
        number,
        [_core.ApplicationSpec(id="app", components={"kv": component})],
        [
            _core.RouteSpec(application="app", trigger="kv", route="/...", component="kv"),
            _core.RouteSpec(
                application="app",
                trigger="fixed",
                route="/fixed",
                static=(203, [("x-kind", "fixed")], b"fixed"),
            ),
        ],
    )


async def test_a_request_stays_on_the_generation_where_it_began(bridge: Bridge) -> None:
    server = _core.Server(bridge.runtime, _core.ServerOptions())
    gate = asyncio.Event()
    old_store = Store(b"old", gate)
    old = generation(bridge, 1, old_store)
    server.commit(old)
    port = listening(server)
    assert await get(port, "/fixed") == (203, b"fixed")
    slow = asyncio.create_task(get(port, "/"))
    await bridge.until(lambda: old_store.waiting)
    server.commit(generation(bridge, 2, Store(b"new")))
    assert (await get(port, "/"))[1] == b"new"
    assert await old.retired(0.01) > 0
    gate.set()
    assert (await slow)[1] == b"old"
    assert await old.retired(5) == 0
    assert server.stats()["tasks"] == 0
    assert await server.drain(5) == 0
    with pytest.raises(OSError):
        await get(port, "/")


async def test_what_does_not_end_in_time_is_cut_off_and_counted(bridge: Bridge) -> None:
    server = _core.Server(bridge.runtime, _core.ServerOptions())
    store = Store(b"never", asyncio.Event())
    server.commit(generation(bridge, 1, store))
    port = listening(server)
    request = asyncio.create_task(get(port, "/"))
    await bridge.until(lambda: store.waiting)
    assert await server.drain(0.05) == 1
    with pytest.raises((OSError, IndexError)):
        await request


async def test_a_stream_of_a_generation_that_nobody_waits_for_any_more_is_cut(
    bridge: Bridge,
) -> None:
    def endless(number: int) -> _core.Generation:
        artifact = bridge.engine.load((GUESTS / "rust/hostile/hostile.wasm").read_bytes())
        spec = _core.ComponentSpec(application="app", id="endless")
        component = _core.Component(bridge.engine, artifact, spec, {}, bridge.runtime)
        route = _core.RouteSpec(
            application="app", trigger="endless", route="/...", component="endless"
        )
        applications = [_core.ApplicationSpec(id="app", components={"endless": component})]
        return _core.Generation(number, applications, [route])

    server = _core.Server(bridge.runtime, _core.ServerOptions())
    old = endless(1)
    server.commit(old)
    reader, writer = await asyncio.open_connection("127.0.0.1", listening(server))
    writer.write(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    server.commit(endless(2))
    assert await old.retired(0.05) == 1
    old.cut()
    with pytest.raises(asyncio.IncompleteReadError):
        await drained(reader)
    assert await old.retired(10) == 0
    writer.close()


async def drained(reader: asyncio.StreamReader) -> None:
    """Read to the end of the connection, which never says that it is complete."""
    while True:
        await reader.readexactly(65536)


async def test_mistakes_of_the_caller_are_told(bridge: Bridge) -> None:
    server = _core.Server(bridge.runtime, _core.ServerOptions())
    with pytest.raises(UsageError, match="nothing to serve"):
        listening(server)
    first = generation(bridge, 1, Store(b""))
    with pytest.raises(UsageError, match="not retiring"):
        first.retired(1)
    server.commit(first)
    with pytest.raises(UsageError, match="committed before"):
        server.commit(first)
    with pytest.raises(UsageError, match="TLS"):
        server.tls(b"no", b"pem")
    twice = [
        _core.RouteSpec(application="app", trigger=t, route="/a", static=(200, [], b""))
        for t in "xy"
    ]
    with pytest.raises(PlanError, match="would answer the same requests"):
        _core.Generation(2, [_core.ApplicationSpec(id="app")], twice)
