"""How a host method may answer, and who runs it where."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from tests.bridge.guests import API, Bridge, Function, passing

from paddock import _core
from paddock.errors import GuestError, PlanError, UsageError
from paddock.types import CallContext, Deferred, blocking


class Sync:
    def number(self, value: int) -> int:
        return value * 2


class Async:
    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0
        self.cancelled = 0
        self.gate = asyncio.Event()

    async def number(self, value: int) -> int:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return value + 1


async def test_a_sync_method_answers_in_place(bridge: Bridge) -> None:
    assert await _core.call(bridge.component(Sync()), "number", [21]) == 42


async def test_a_coroutine_runs_on_the_loop_of_the_host(bridge: Bridge) -> None:
    class Host:
        async def number(self, value: int) -> int:
            await asyncio.sleep(0)
            assert asyncio.get_running_loop() is loop
            return value + 1

    loop = asyncio.get_running_loop()
    assert await _core.call(bridge.component(Host()), "number", [1]) == 2


async def test_a_future_is_awaited_too(bridge: Bridge) -> None:
    loop = asyncio.get_running_loop()

    class Host:
        def number(self, value: int) -> asyncio.Future[int]:
            future: asyncio.Future[int] = loop.create_future()
            loop.call_soon_threadsafe(future.set_result, value + 2)
            return future

    assert await _core.call(bridge.component(Host()), "number", [1]) == 3


async def test_a_thousand_coroutines_wait_at_once(bridge: Bridge) -> None:
    host = Async()
    component = bridge.component(host)
    calls = asyncio.gather(*(_core.call(component, "number", [n]) for n in range(1000)))
    await bridge.until(lambda: host.waiting == 1000)
    host.gate.set()
    assert await calls == list(range(1, 1001))
    await bridge.until(lambda: bridge.runtime.pending == 0)


async def test_blocking_work_runs_on_at_most_as_many_threads_as_allowed(bridge: Bridge) -> None:
    running = 0
    most = 0
    lock = threading.Lock()

    class Host:
        @blocking
        def number(self, value: int) -> int:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.002)
            with lock:
                running -= 1
            return value * 3

    component = bridge.component(Host())
    results = await asyncio.gather(*(_core.call(component, "number", [n]) for n in range(40)))
    assert results == [n * 3 for n in range(40)]
    assert most == 2


async def test_a_deferred_runs_off_the_loop(bridge: Bridge) -> None:
    class Host:
        def number(self, value: int) -> Deferred[int]:
            return Deferred(lambda: threading.get_ident())

    wide = Function("number", ("u32",), "u64", "i32", "i64")
    found = await _core.call(bridge.component(Host(), passing(wide)), "number", [0])
    assert found != threading.get_ident()


async def test_a_method_that_asks_for_it_gets_the_context(bridge: Bridge) -> None:
    seen: list[CallContext] = []

    class Host:
        def number(self, value: int, *, ctx: CallContext) -> int:
            seen.append(ctx)
            return value

    before = time.monotonic()
    await _core.call(bridge.component(Host(), time=5.0), "number", [1])
    (context,) = seen
    assert (context.application, context.component) == ("app", "guest")
    assert (context.interface, context.function) == (API, "number")
    assert (context.call, context.trace) == (1, None)
    assert context.deadline is not None
    assert before + 4 < context.deadline < time.monotonic() + 5.1


async def test_a_wrapped_method_gets_the_context_too(bridge: Bridge) -> None:
    class Host:
        @blocking
        def number(self, value: int, *, ctx: CallContext) -> int:
            return ctx.call

    assert await _core.call(bridge.component(Host()), "number", [9]) == 1


async def test_a_coroutine_is_cancelled_when_the_guests_time_is_over(bridge: Bridge) -> None:
    host = Async()
    with pytest.raises(GuestError, match="longer than its limit"):
        await _core.call(bridge.component(host, time=0.05), "number", [1])
    await bridge.until(lambda: host.cancelled == 1)
    await bridge.until(lambda: bridge.events)
    assert bridge.events[0].kind == "limit"
    assert bridge.events[0].fields["limit"] == "time"


async def test_a_coroutine_is_cancelled_when_nobody_waits_for_its_guest(bridge: Bridge) -> None:
    host = Async()
    call = asyncio.ensure_future(_core.call(bridge.component(host), "number", [1]))
    await bridge.until(lambda: host.waiting == 1)
    call.cancel()
    await bridge.until(lambda: host.cancelled == 1)


async def test_coroutines_under_way_can_be_cancelled_all_at_once(bridge: Bridge) -> None:
    host = Async()
    calls = [asyncio.ensure_future(_core.call(bridge.component(host), "number", [1])) for _ in "ab"]
    await bridge.until(lambda: host.waiting == 2)
    await bridge.runtime.cancel_tasks()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, GuestError) for result in results)


async def test_a_missing_method_is_named_when_the_component_is_bound(bridge: Bridge) -> None:
    class Halfway:
        pass

    with pytest.raises(PlanError) as caught:
        bridge.component(Halfway())
    for part in (API, "number", "Halfway"):
        assert part in str(caught.value)


async def test_calls_that_do_not_fit_say_so(bridge: Bridge) -> None:
    component = bridge.component(Sync())
    with pytest.raises(UsageError, match=r"no function ['\"]nothing['\"]"):
        await _core.call(component, "nothing", [])
    with pytest.raises(UsageError, match="takes 1 argument"):
        await _core.call(component, "number", [])
    with pytest.raises(UsageError, match="p0"):
        await _core.call(component, "number", ["text"])


async def test_a_runtime_that_was_shut_down_refuses_work(engine: _core.Engine) -> None:
    runtime = _core.Runtime(asyncio.get_running_loop(), lambda events: None, workers=1)
    component = Bridge(engine, runtime, []).component(Sync())
    runtime.shutdown()
    runtime.shutdown()
    call = asyncio.ensure_future(_core.call(component, "number", [1]))
    await asyncio.wait([call], timeout=0.05)
    assert not call.done() or isinstance(call.exception(), Exception)
    call.cancel()


async def test_names_of_wit_become_names_of_python(bridge: Bridge) -> None:
    class Host:
        def list_keys(self) -> int:
            return 1

        def import_(self) -> int:
            return 2

    functions = [Function(name, (), "u32", "", "i32") for name in ("list-keys", "import")]
    component = bridge.component(Host(), passing(*functions))
    assert await _core.call(component, "list-keys", []) == 1
    assert await _core.call(component, "import", []) == 2
