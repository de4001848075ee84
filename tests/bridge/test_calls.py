"""An observer hears of what guests ask of the host, how it ended and how long it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.bridge.guests import API, Bridge, get, listening

from paddock import _core
from paddock.errors import GuestError

GUESTS = Path(__file__).parents[1] / "guests/rust"

Watched = tuple[Bridge, list[_core.Call], list[int]]


@pytest.fixture
async def watched(engine: _core.Engine) -> AsyncIterator[Watched]:
    calls: list[_core.Call] = []
    lost: list[int] = []

    def told(batch: list[_core.Call], missed: int) -> None:
        calls.extend(batch)
        lost.append(missed)

    runtime = _core.Runtime(
        asyncio.get_running_loop(), lambda events: None, on_calls=told, workers=2
    )
    yield Bridge(engine, runtime, [], []), calls, lost
    await runtime.cancel_tasks()
    runtime.shutdown()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


class Host:
    async def number(self, value: int) -> int:
        if value == 0:
            raise RuntimeError("unforeseen")
        await asyncio.sleep(0.05)
        return value + 1


async def test_a_call_is_told_with_its_outcome_and_time(watched: Watched) -> None:
    bridge, calls, lost = watched
    assert await _core.call(bridge.component(Host()), "number", [1]) == 2
    await until(lambda: len(calls) == 1)
    (call,) = calls
    assert (call.interface, call.function, call.call) == (API, "number", 1)
    assert (call.outcome, call.instance) == ("answered", 1)
    assert call.application and call.component
    assert call.seconds > 0.04
    assert set(lost) == {0}


async def test_a_call_that_traps_and_one_that_nobody_waits_for(watched: Watched) -> None:
    bridge, calls, _ = watched
    component = bridge.component(Host())
    with pytest.raises(GuestError):
        await _core.call(component, "number", [0])
    waiting = asyncio.ensure_future(_core.call(component, "number", [1]))
    await asyncio.sleep(0)
    await until(lambda: bridge.runtime.pending > 0)
    waiting.cancel()
    await until(lambda: len(calls) == 2)
    assert [call.outcome for call in calls] == ["trapped", "abandoned"]


async def test_what_comes_too_fast_is_counted_and_no_guest_waits(watched: Watched) -> None:
    bridge, calls, lost = watched
    answered = 0

    class Sync:
        def number(self, value: int) -> int:
            nonlocal answered
            answered += 1
            return value

    component = bridge.component(Sync())
    guests = [asyncio.ensure_future(_core.call(component, "number", [1])) for _ in range(9000)]
    # The loop takes nothing out of the queue meanwhile.
    deadline = time.monotonic() + 60
    while answered < len(guests):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert await asyncio.gather(*guests) == [1] * len(guests)
    await until(lambda: len(calls) + sum(lost) == len(guests))
    assert sum(lost) > 0


async def test_what_the_engine_answers_itself_is_told_too(watched: Watched) -> None:
    bridge, calls, _ = watched
    artifact = bridge.engine.load((GUESTS / "routes/routes.wasm").read_bytes())
    spec = _core.ComponentSpec(application="app", id="guest")
    guest = _core.Component(bridge.engine, artifact, spec, {}, bridge.runtime)
    application = _core.ApplicationSpec(id="app", components={"guest": guest})
    route = _core.RouteSpec(application="app", trigger="t", route="/...", component="guest")
    server = _core.Server(bridge.runtime, _core.ServerOptions())
    server.commit(_core.Generation(1, [application], [route]))
    port = listening(server)
    for path in ("/random?n=8", "/clock", "/outbound?url=http://127.0.0.1:1/"):
        await get(port, path)
    await until(lambda: any(call.function == "handle" for call in calls))
    told = {(call.interface, call.outcome) for call in calls}
    assert ("wasi:random/random", "answered") in told
    assert ("wasi:clocks/wall-clock", "answered") in told
    # No host is granted to it.
    assert ("wasi:http/outgoing-handler", "failed") in told
    await server.drain(5.0)
