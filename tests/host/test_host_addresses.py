"""Clients for addresses that guests name: shared, within the grants, and within what the host blocks."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

from paddock.capabilities.redis import RedisClient
from paddock.capabilities.sql import SqlDatabase
from paddock.errors import AccessDenied, CapabilityError, Exhausted
from paddock.host import addresses as pooled
from paddock.host.addresses import AddressPool, ComponentAddresses, grant_for
from paddock.host.audit import Audit
from paddock.host.observed import ObservedAddresses
from paddock.interfaces.spin_redis import Connection
from paddock.manifest.model import Component
from paddock.types import resolve

Told = list[tuple[str, str, str]]


@pytest.fixture
async def pool() -> AsyncIterator[AddressPool]:
    pool = AddressPool()
    yield pool
    await pool.close()


def opener(
    pool: AddressPool, server: RedisServer, blocked: Sequence[str] = (), told: Told | None = None
) -> ComponentAddresses:
    grants = [("redis", "127.0.0.1", server.port, server.port)]
    known: Told = [] if told is None else told
    return pool.of(("app", "api"), grants, blocked, lambda *each: known.append(each))


async def answered(client: object, server: RedisServer) -> object:
    """What a client answers to its first call."""
    return await resolve(client.execute("ECHO", [b"hello"]))  # type: ignore[attr-defined]


async def test_one_client_serves_all_who_name_the_same_address(
    pool: AddressPool, redis_server: RedisServer
) -> None:
    addresses = opener(pool, redis_server)
    client = addresses.open("redis", redis_server.url)
    assert addresses.open("redis", redis_server.url) is client
    assert opener(pool, redis_server).open("redis", redis_server.url) is client


async def test_an_address_without_a_grant_is_denied_and_told_once_without_its_password(
    pool: AddressPool, redis_server: RedisServer
) -> None:
    told: Told = []
    addresses = opener(pool, redis_server, told=told)
    for _ in range(2):
        with pytest.raises(AccessDenied, match=r"redis://127\.0\.0\.1:1 is not permitted"):
            addresses.open("redis", "redis://user:s3cret@127.0.0.1:1/0")
    line = 'allowed_outbound_hosts = ["redis://127.0.0.1:1"]'
    assert told == [("outbound address", "redis://127.0.0.1:1", line)]


@pytest.mark.parametrize("blocked", ["private", "127.0.0.0/8", "127.0.0.1"])
async def test_an_address_that_the_host_blocks_is_not_connected_to(
    pool: AddressPool, redis_server: RedisServer, blocked: str
) -> None:
    addresses = opener(pool, redis_server, blocked=[blocked])
    with pytest.raises(CapabilityError):
        await answered(addresses.open("redis", redis_server.url), redis_server)


async def test_what_is_neither_denied_nor_blocked_is_reached_and_an_audit_sees_it(
    pool: AddressPool, redis_server: RedisServer
) -> None:
    one = Audit().of("app", Component("api", "/api.wasm"))  # type: ignore[arg-type]
    addresses = ObservedAddresses(opener(pool, redis_server, blocked=["10.0.0.0/8"]), one)
    client = addresses.open("redis", redis_server.url)
    assert await answered(client, redis_server) == [b"hello"]
    assert [*one.used] == [("outbound address", f"redis://127.0.0.1:{redis_server.port}")]


async def closed_when_idle(addresses: ComponentAddresses, kind: str, url: str) -> None:
    """Waits until the pool has looked for idle clients and closed one that nobody holds."""
    gone = weakref.ref(addresses.open(kind, url))
    async with asyncio.timeout(30):
        while gone() is not None:
            await asyncio.sleep(0.005)


async def test_a_connection_that_a_guest_holds_outlives_any_pause(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "IDLE", 0.02)
    pool = AddressPool()
    addresses = opener(pool, redis_server)
    connection = Connection(cast("RedisClient", addresses.open("redis", redis_server.url)))
    await closed_when_idle(addresses, "redis", f"{redis_server.url}?db=1")
    assert await resolve(connection.get("nothing")) is None
    await pool.close()


async def test_a_session_that_a_guest_holds_outlives_any_pause(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "IDLE", 0.02)
    pool = AddressPool()
    grants = [("postgres", "127.0.0.1", postgres_server.port, postgres_server.port)]
    addresses = pool.of(("app", "api"), grants, (), lambda *_: None)
    session = cast("SqlDatabase", addresses.open("postgres", postgres_server.url)).session()
    await closed_when_idle(addresses, "postgres", f"{postgres_server.url}?charset=utf8")
    assert (await resolve(session.fetch("SELECT 1"))).rows == [(1,)]
    await pool.close()


@pytest.mark.parametrize(
    ("kind", "url", "grant"),
    [
        ("redis", "redis://db", "redis://db:6379"),
        ("redis", "rediss://:pw@db:7000/1", "redis://db:7000"),
        ("postgres", "postgresql://u:p@[fd00::1]/x", "postgres://[fd00::1]:5432"),
        ("mysql", "mysql://db:1", "mysql://db:1"),
    ],
)
def test_the_grant_for_an_address_names_its_server_and_nothing_else(
    kind: str, url: str, grant: str
) -> None:
    assert grant_for(kind, url) == grant


async def test_beyond_the_most_addresses_one_that_nobody_holds_goes_and_held_ones_stay(
    pool: AddressPool, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "MOST", 2)
    addresses = opener(pool, redis_server)
    held = [Connection(cast("RedisClient", addresses.open("redis", redis_server.url)))]
    quiet = weakref.ref(addresses.open("redis", f"{redis_server.url}?db=1"))
    held.append(
        Connection(cast("RedisClient", addresses.open("redis", f"{redis_server.url}?db=2")))
    )
    while quiet() is not None:
        await asyncio.sleep(0.01)
    assert [await resolve(each.get("nothing")) for each in held] == [None, None]
    with pytest.raises(Exhausted, match="holds connections to 2 addresses"):
        addresses.open("redis", f"{redis_server.url}?db=3")
