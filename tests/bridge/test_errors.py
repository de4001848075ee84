"""Exceptions of host methods: what a guest gets, and what only the log gets."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.bridge.guests import TRY, Bridge, passing

from paddock import _core
from paddock.errors import GuestError, NotFound
from paddock.types import Deferred, Err

SECRET = "password=hunter2"


class Host:
    """Fails in the way which the name asks for."""

    def __getattribute__(self, name: str) -> object:
        return type(self).try_ if name == "try_" else super().__getattribute__(name)

    @staticmethod
    def try_(name: str) -> object:
        if name.startswith("later-"):
            return later(name.removeprefix("later-"))
        if name.startswith("blocking-"):
            return Deferred(lambda: fail(name.removeprefix("blocking-")))
        return fail(name)


class Mapped(Host):
    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, NotFound):
            return "not there"
        raise exc


def fail(name: str) -> int:
    match name:
        case "err":
            raise Err("its own error")
        case "exception":
            raise ValueError(SECRET)
        case "not-found":
            raise NotFound("no such thing", hint="make it")
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "cancelled":
            raise asyncio.CancelledError
        case _:
            return len(name)


async def later(name: str) -> int:
    await asyncio.sleep(0)
    return fail(name)


WAYS = pytest.mark.parametrize("way", ["", "later-", "blocking-"])


@WAYS
async def test_err_is_the_error_of_the_result(bridge: Bridge, way: str) -> None:
    component = bridge.component(Host(), passing(TRY))
    with pytest.raises(Err) as caught:
        await _core.call(component, "try", [f"{way}err"])
    assert caught.value.payload == "its own error"
    assert await _core.call(component, "try", [f"{way}abc"]) == 3


@WAYS
async def test_any_other_exception_traps_and_only_the_log_has_its_text(
    bridge: Bridge, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    component = bridge.component(Host(), passing(TRY))
    with pytest.raises(GuestError) as caught:
        await _core.call(component, "try", [f"{way}exception"])
    assert SECRET not in str(caught.value)
    assert "test:bridge/api try" in str(caught.value)
    await bridge.until(lambda: caplog.records and bridge.events)
    assert SECRET not in str(bridge.events)
    record = caplog.records[0]
    assert record.name == "paddock.bridge"
    assert "app/guest: test:bridge/api try" in record.getMessage()
    assert SECRET in caplog.text
    assert "Traceback" in caplog.text


@WAYS
async def test_an_interface_maps_errors_in_one_place(
    bridge: Bridge, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "paddock.bridge")
    component = bridge.component(Mapped(), passing(TRY))
    with pytest.raises(Err) as caught:
        await _core.call(component, "try", [f"{way}not-found"])
    assert caught.value.payload == "not there"
    await bridge.until(lambda: caplog.records)
    assert "no such thing" in caplog.text
    assert "Traceback" not in caplog.text
    with pytest.raises(GuestError):
        await _core.call(component, "try", [f"{way}exception"])


@WAYS
@pytest.mark.parametrize("how", ["exit", "interrupt"])
async def test_a_request_to_exit_goes_to_the_hosts_own_end(
    bridge: Bridge, way: str, how: str
) -> None:
    component = bridge.component(Mapped(), passing(TRY))
    with pytest.raises(GuestError, match="shutting down"):
        await _core.call(component, "try", [way + how])
    await bridge.until(lambda: bridge.exits)
    assert await _core.call(component, "try", ["abcd"]) == 4


@WAYS
async def test_a_cancelled_method_ends_its_guest_only(bridge: Bridge, way: str) -> None:
    component = bridge.component(Host(), passing(TRY))
    with pytest.raises(GuestError, match="shutting down"):
        await _core.call(component, "try", [f"{way}cancelled"])
    assert not bridge.exits


async def test_an_answer_of_the_wrong_shape_traps(bridge: Bridge) -> None:
    class Odd:
        def try_(self, name: str) -> object:
            return {"big": 1 << 70, "wrong": "text", "negative": -1}[name]

    component = bridge.component(Odd(), passing(TRY))
    for name in ("big", "wrong", "negative"):
        with pytest.raises(GuestError):
            await _core.call(component, "try", [name])


async def test_a_flood_of_failures_is_bounded(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    component = bridge.component(Host(), passing(TRY))
    calls = [_core.call(component, "try", ["exception"]) for _ in range(500)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {GuestError}
    assert caplog.records
