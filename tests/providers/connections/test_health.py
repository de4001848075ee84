"""Whether a server answers is found out in the background and told once for each change."""

from __future__ import annotations

import asyncio
import logging

import pytest

from paddock.errors import CapabilityError, TimedOut, Unavailable
from paddock.providers.connections import health as module
from paddock.providers.connections.health import Health


class Server:
    """Fails with `failure` while it has one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked = 0
        self.changed = asyncio.Event()

    async def ping(self) -> None:
        self.asked += 1
        self.changed.set()
        if self.failure is not None:
            raise self.failure

    async def asked_again(self, times: int = 1) -> None:
        wanted = self.asked + times
        while self.asked < wanted:
            self.changed.clear()
            await self.changed.wait()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.002)


async def settled(health: Health) -> None:
    while health._asking is not None and not health._asking.done():
        await asyncio.sleep(0)


async def test_a_doubt_without_a_reason_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    health = Health("the server", server.ping, 1.0)
    health.doubt()
    health.doubt()
    await settled(health)
    assert server.asked == 1
    health.check()
    assert caplog.text == ""


async def test_calls_fail_at_once_until_it_answers_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    server = Server(Unavailable("the server is away", hint="start it"))
    health = Health("the server", server.ping, 1.0)
    health.doubt()
    await server.asked_again(4)
    with pytest.raises(Unavailable, match="the server is away") as first:
        health.check()
    with pytest.raises(Unavailable) as second:
        health.check()
    assert first.value is not second.value
    assert first.value.hint == "start it"
    assert caplog.text.count("calls fail until it answers") == 1
    server.failure = None
    await settled(health)
    health.check()
    assert caplog.text.count("the server answers again") == 1


async def test_another_reason_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(Unavailable("away"))
    health = Health("the server", server.ping, 1.0)
    health.doubt()
    await server.asked_again(2)
    server.failure = CapabilityError("refused")
    await server.asked_again(2)
    with pytest.raises(CapabilityError, match="refused") as raised:
        health.check()
    assert not raised.value.retryable
    assert [text in caplog.text for text in ("away", "refused")] == [True, True]
    await health.close()


async def test_no_answer_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    health = Health("the server", never, 0.01)
    health.doubt()
    while health.failure is None:
        await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="did not answer within"):
        health.check()
    await health.close()


async def test_a_sign_of_life_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 3600.0)
    server = Server(TimedOut("away"))
    health = Health("the server", server.ping, 1.0)
    health.doubt()
    await server.asked_again()
    server.failure = None
    while health.failure is None:
        await asyncio.sleep(0)
    health.hurry()
    await settled(health)
    health.check()


async def test_closed_it_asks_no_more() -> None:
    server = Server(Unavailable("away"))
    health = Health("the server", server.ping, 1.0)
    health.doubt()
    await server.asked_again()
    await health.close()
    asked = server.asked
    health.doubt()
    await asyncio.sleep(0.01)
    assert server.asked == asked
