"""Streams that Python makes, read by a WASI 0.3 guest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.bridge.guests import Bridge, get, listening

from paddock import _core
from paddock.types import Stream, Variant

GUEST = Path(__file__).parent.parent / "guests" / "rust" / "kv3" / "kv3.wasm"
INTERFACE = "spin:key-value/key-value@3.0.0"


async def later(*keys: str) -> AsyncIterator[str]:
    for key in keys:
        await asyncio.sleep(0)
        yield key


def now(*keys: str) -> Iterator[str]:
    yield from keys


async def failing() -> AsyncIterator[str]:
    yield "first"
    raise LookupError("secret")


class Store:
    def __init__(self, keys: object) -> None:
        self.keys = keys

    def open(self, label: str) -> Store:
        return self

    def get_keys(self) -> object:
        return self.keys


class KeyValue:
    def __init__(self, keys: object) -> None:
        self.store = Store(keys)

    def __paddock_error__(self, exc: Exception) -> object:
        return Variant("access-denied") if isinstance(exc, LookupError) else Variant("other", "")


def serve(bridge: Bridge, keys: object) -> int:
    artifact = bridge.engine.load(GUEST.read_bytes())
    bound: dict[str, object] = {
        name: KeyValue(keys) for name in artifact.imports if name == INTERFACE
    }
    bound |= {name: Variables() for name in artifact.imports if "variables" in name}
    spec = _core.ComponentSpec(application="app", id="kv3", time=5.0)
    component = _core.Component(bridge.engine, artifact, spec, bound, bridge.runtime)
    application = _core.ApplicationSpec(id="app", components={"kv3": component})
    route = _core.RouteSpec(application="app", trigger="t", route="/...", component="kv3")
    server = _core.Server(bridge.runtime, _core.ServerOptions())
    server.commit(_core.Generation(1, [application], [route]))
    bridge.keep.append(server)
    return listening(server)


class Variables:
    async def get(self, name: str) -> str:
        return name


@pytest.mark.parametrize(
    "keys",
    [
        Stream(["b", "a"]),
        Stream(now("b", "a")),
        now("b", "a"),
    ],
)
async def test_a_plain_iterator_is_a_stream(bridge: Bridge, keys: object) -> None:
    status, body = await get(serve(bridge, keys), "/keys")
    assert (status, b"a\nb\n" in body) == (200, True)


async def test_an_asynchronous_iterator_is_advanced_on_the_loop(bridge: Bridge) -> None:
    status, body = await get(serve(bridge, Stream(later(*map(str, range(100))))), "/keys")
    assert status == 200
    assert body.count(b"\n") >= 100


async def test_an_iterators_failure_is_the_error_of_the_future(bridge: Bridge) -> None:
    status, body = await get(serve(bridge, Stream(failing())), "/keys")
    assert status == 403
    assert b"secret" not in body
