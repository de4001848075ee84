"""A gate counts what is under way, in threads and coroutines, and can keep the rest waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from paddock.host.live import gate as module
from paddock.host.live.gate import Gate


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    yield


async def test_a_closed_gate_lets_nobody_in_until_it_is_opened() -> None:
    gate = Gate()
    await gate.close()
    assert gate.begin() is None
    waiting = [asyncio.ensure_future(gate.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    gate.open()
    for flight in await asyncio.gather(*waiting):
        flight.pop()
    assert gate.begin() is not None


async def test_closing_waits_for_who_is_inside() -> None:
    gate = Gate()
    flight = gate.begin()
    assert flight is not None
    closing = asyncio.ensure_future(gate.close())
    await asyncio.sleep(module.LOOK * 3)
    assert not closing.done()
    assert gate.begin() is None
    flight.pop()
    await closing


async def test_renewing_waits_for_who_was_inside_and_lets_others_in() -> None:
    gate = Gate()
    old = gate.begin()
    assert old is not None
    renewing = asyncio.ensure_future(gate.renew())
    await asyncio.sleep(module.LOOK * 3)
    new = gate.begin()
    assert new is not None and new is not old
    assert not renewing.done()
    old.pop()
    await renewing
    new.pop()


async def test_one_who_waits_may_give_up_and_the_others_go_on() -> None:
    gate = Gate()
    await gate.close()
    one, other = (asyncio.ensure_future(gate.enter()) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    gate.open()
    assert await other is gate.flight


@pytest.mark.usefixtures("impatient")
async def test_nobody_waits_for_ever() -> None:
    gate = Gate()
    flight = gate.begin()
    assert flight is not None
    with pytest.raises(TimeoutError):
        await gate.renew()
    inside = gate.begin()
    with pytest.raises(TimeoutError):
        await gate.close()
    assert inside is not None
    # It opened again: nobody would otherwise.
    assert gate.begin() is not None
    gate = Gate()
    await gate.close()
    with pytest.raises(TimeoutError):
        await gate.enter()
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(gate.wait)


async def test_a_thread_waits_too() -> None:
    gate = Gate()
    await gate.close()
    waiting = asyncio.ensure_future(asyncio.to_thread(gate.wait))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.open()
    assert await waiting is gate.flight


async def test_whoever_closes_is_alone_however_many_threads_enter() -> None:
    """Threads change a number under the gate, with no lock; who closed it sees it at rest."""
    gate, stop = Gate(), threading.Event()
    inside = [0, 0, 0, 0]
    entered = [0, 0, 0, 0]

    def enter(number: int) -> None:
        while not stop.is_set():
            flight = gate.wait()
            inside[number] += 1
            entered[number] += 1
            inside[number] -= 1
            flight.pop()

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            await gate.close()
            before = list(entered)
            for _ in range(3):
                await asyncio.sleep(0)
                assert inside == [0, 0, 0, 0]
                assert entered == before
            gate.open()
            await gate.renew()
    finally:
        stop.set()
        gate.open()
        for thread in threads:
            thread.join()
    assert min(entered) > 0
