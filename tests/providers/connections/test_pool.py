"""The pool of connections: bounded, and quick to say that a server is away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from paddock.errors import AccessDenied, Unavailable
from paddock.providers.connections import pool as module
from paddock.providers.connections.dial import addresses
from paddock.providers.connections.pool import Pool


class Connection:
    def __init__(self) -> None:
        self.usable = True
        self.discarded = False
        self.closed = False

    def discard(self) -> None:
        self.discarded = True

    async def close(self) -> None:
        self.closed = True


class Connector:
    """A server that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.attempts = 0

    def __str__(self) -> str:
        return "the test server"

    async def connect(self) -> Connection:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the test server can't be reached")
        return Connection()


@pytest.fixture
def connector() -> Connector:
    return Connector()


def made(connector: Connector, size: int = 2, timeout: float = 5.0) -> Pool[Connection]:
    return Pool(connector, size=size, timeout=timeout)


async def test_a_connection_is_used_again(connector: Connector) -> None:
    pool = made(connector)
    first = await pool.acquire()
    pool.release(first)
    assert await pool.acquire() is first
    assert connector.attempts == 1


async def test_there_are_never_more_than_its_size(connector: Connector) -> None:
    pool = made(connector, size=3)
    seen = 0
    lent = 0

    async def use() -> None:
        nonlocal seen, lent
        connection = pool.take() or await pool.acquire()
        lent += 1
        seen = max(seen, lent)
        await asyncio.sleep(0)
        lent -= 1
        pool.release(connection)

    await asyncio.gather(*(use() for _ in range(50)))
    assert (seen, connector.attempts) == (3, 3)
    assert not pool.busy


async def test_who_waits_too_long_is_told_why(connector: Connector) -> None:
    pool = made(connector, size=1, timeout=0.01)
    await pool.acquire()
    with pytest.raises(Unavailable, match="all 1 connections were in use"):
        await pool.acquire()


async def test_what_is_not_usable_is_dropped(connector: Connector) -> None:
    pool = made(connector)
    first, second = await pool.acquire(), await pool.acquire()
    first.usable = False
    pool.release(first)
    pool.release(second)
    assert first.discarded
    second.usable = False
    third = await pool.acquire()
    assert third is not second and second.discarded


async def test_a_cancelled_waiter_does_not_swallow_its_turn(connector: Connector) -> None:
    pool = made(connector, size=1)
    only = await pool.acquire()
    waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    pool.release(only)
    waiting[1].cancel()
    assert await waiting[2] is only


async def test_while_the_server_is_away_all_fail_at_once_and_one_task_tries(
    connector: Connector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.002)
    caplog.set_level(logging.INFO)
    connector.away = True
    pool = made(connector)
    for _ in range(100):
        with pytest.raises(Unavailable, match="can't be reached") as raised:
            await pool.acquire()
        assert raised.value.retryable
    attempts = connector.attempts
    assert attempts < 10
    while connector.attempts < attempts + 5:
        await asyncio.sleep(0)
    connector.away = False
    while pool.take() is None:
        await asyncio.sleep(0)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "the test server can't be reached; calls fail until it answers",
        "the test server answers again",
    ]
    await pool.close()


async def test_a_probe_tells_early_that_the_server_is_away(
    connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    connector.away = True
    pool = made(connector)
    pool.probe()
    while not caplog.records:
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pool.acquire()
    await pool.close()
    with pytest.raises(Unavailable, match="is closed"):
        await pool.acquire()


async def test_closing_closes_what_is_idle_and_drops_what_comes_back(
    connector: Connector,
) -> None:
    pool = made(connector)
    first, second = await pool.acquire(), await pool.acquire()
    pool.release(first)
    await pool.close()
    assert first.closed
    pool.release(second)
    assert second.discarded


async def test_only_permitted_addresses_of_a_name_are_connected_to() -> None:
    assert await addresses("127.0.0.1", 1, None) == ["127.0.0.1"]
    asked: list[tuple[str, str, int]] = []

    def allowed(host: str, address: str, port: int) -> bool:
        asked.append((host, address, port))
        return False

    with pytest.raises(AccessDenied, match="'localhost' is not permitted"):
        await addresses("localhost", 5, allowed)
    assert ("localhost", "127.0.0.1", 5) in asked
    with pytest.raises(Unavailable, match="can't be resolved"):
        await addresses("no-such-host.invalid", 5, None)
