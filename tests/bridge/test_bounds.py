"""What a guest or a provider could use up of the host without a bound of its own."""

from __future__ import annotations

import asyncio

import pytest
from tests.bridge.guests import Bridge, Function, passing

from paddock import _core
from paddock.errors import GuestError
from paddock.types import Variant

HANDLES = """(component
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "h" "new" (func $new (param i32) (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "hold") (param $n i32)
      (loop $more
        (drop (call $new (local.get $n)))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "churn") (param $n i32)
      (loop $more
        (call $drop (call $new (local.get $n)))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (core instance $m (instantiate $m (with "h" (instance
    (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "hold") (param "n" u32) (canon lift (core func $m "hold")))
  (func (export "churn") (param "n" u32) (canon lift (core func $m "churn"))))"""

LIST = Function("items", (), "(list u32)", "", "ptr")


async def test_a_guest_holds_no_more_handles_than_fit(bridge: Bridge) -> None:
    artifact = bridge.engine.load(HANDLES.encode())
    spec = _core.ComponentSpec(application="app", id="guest")
    guest = _core.Component(bridge.engine, artifact, spec, {}, bridge.runtime)
    await _core.call(guest, "hold", [9_000])
    await _core.call(guest, "churn", [50_000])
    with pytest.raises(GuestError, match="handle"):
        await _core.call(guest, "hold", [50_000])


@pytest.mark.parametrize("kind", ["list", "dict", "variant"])
async def test_an_answer_that_contains_itself_is_an_error_and_no_crash(
    bridge: Bridge, kind: str
) -> None:
    class Host:
        def items(self) -> object:
            if kind == "list":
                endless: list[object] = []
                endless.append(endless)
                return endless
            deep: object = 1
            for _ in range(200_000):
                deep = {"a": deep} if kind == "dict" else Variant("a", deep)
            return deep

    guest = bridge.component(Host(), passing(LIST))
    with pytest.raises(GuestError):
        async with asyncio.timeout(60):
            await _core.call(guest, "items", [])
