"""What a call from a guest into Python costs: sync, async, blocking.

A guest calls the same imported function `CALLS` times in a loop, so starting it
weighs nothing. Wall clock for one guest alone, CPU time of the whole process
for many at once. Run it on an otherwise idle machine:

    python benchmarks/bridge.py
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine

from paddock import _core
from paddock.types import CallContext, Deferred

API = "bench:bridge/api"
CALLS = 20_000

GUEST = f"""(component
  (import "{API}" (instance $api
    (export "next" (func (param "value" u32) (result u32)))))
  (core func $next (canon lower (func $api "next")))
  (core module $m
    (import "h" "next" (func $next (param i32) (result i32)))
    (func (export "repeat") (param i32) (result i32)
      (local $value i32)
      (loop $again
        (local.set $value (call $next (local.get $value)))
        (br_if $again (i32.lt_u (local.get $value) (local.get 0))))
      (local.get $value)))
  (core instance $m (instantiate $m (with "h" (instance (export "next" (func $next))))))
  (func (export "repeat") (param "times" u32) (result u32)
    (canon lift (core func $m "repeat"))))""".encode()


class Sync:
    def next(self, value: int) -> int:
        return value + 1


class WithContext:
    def next(self, value: int, *, ctx: CallContext) -> int:
        return value + 1


class Async:
    async def next(self, value: int) -> int:
        return value + 1


class Waiting:
    async def next(self, value: int) -> int:
        await asyncio.sleep(0)
        return value + 1


class Blocking:
    def next(self, value: int) -> Deferred[int]:
        return Deferred(lambda: value + 1)


Call = Callable[[int], Coroutine[object, object, object]]


async def measure(call: Call, guests: int, calls: int) -> tuple[float, float]:
    """Microseconds of wall clock and of CPU for each call."""
    await call(100)
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call(calls // guests) for _ in range(guests)))
    done = calls // guests * guests
    return (
        (time.perf_counter() - wall) / done * 1e6,
        (time.process_time() - cpu) / done * 1e6,
    )


async def main() -> None:
    engine = _core.Engine(_core.EngineOptions(instances=128))
    runtime = _core.Runtime(asyncio.get_running_loop(), lambda events: None)
    artifact = engine.load(GUEST)
    spec = _core.ComponentSpec(application="bench", id="guest", time=None)
    print(f"{runtime.workers} workers, {CALLS} calls; microseconds for each call")
    print(f"{'host method':<22}{'guests':>7}{'wall':>9}{'CPU':>9}")
    for host in (Sync(), WithContext(), Async(), Waiting(), Blocking()):
        component = _core.Component(engine, artifact, spec, {API: host}, runtime)

        async def call(times: int, component: _core.Component = component) -> object:
            return await _core.call(component, "repeat", [times])

        for guests in (1, 64):
            wall, cpu = await measure(call, guests, CALLS)
            print(f"{type(host).__name__:<22}{guests:>7}{wall:>9.2f}{cpu:>9.2f}")
    await runtime.cancel_tasks()
    runtime.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
