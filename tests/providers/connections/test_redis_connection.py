"""Connections to Redis: pipelined, bounded, shared, only where it is allowed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.services.redis import RedisServer

from paddock.errors import AccessDenied, CapabilityError, Exhausted, TimedOut, Unavailable
from paddock.providers.connections import redis
from paddock.providers.connections.redis_target import RedisTarget, target_from, target_of
from paddock.providers.options import Options


def target(server: RedisServer, **options: object) -> RedisTarget:
    return target_from(Options({"url": server.url, **options}, "a test"), None)


async def test_equal_targets_share_connections_which_end_with_the_last(
    redis_server: RedisServer,
) -> None:
    one, other = redis.take(target(redis_server)), redis.take(target(redis_server))
    third = redis.take(target(redis_server, timeout=6))
    assert one is other and third is not one
    await redis.give(one)
    assert await other.execute("PING") == b"PONG"
    await redis.give(other)
    with pytest.raises(Unavailable, match="is closed"):
        await other.execute("PING")
    await redis.give(third)


async def test_answers_of_all_shapes_come_back_to_who_asked(redis_server: RedisServer) -> None:
    link = redis.take(target(redis_server))
    asked = [
        link.execute("ECHO", "text"), link.execute("STRLEN", "absent"),
        link.execute("GET", "absent"), link.execute("MGET", "absent", "absent"),
        link.execute("NOSUCH"), link.execute("ECHO", b"\x00" * 3_000_000),
    ]  # fmt: skip
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[:4] == [b"text", 0, None, [None, None]]
    assert isinstance(answers[4], CapabilityError) and "unknown command" in answers[4].message
    assert answers[5] == b"\x00" * 3_000_000
    await redis.give(link)


async def test_many_calls_at_once_use_few_connections(own_redis: RedisServer) -> None:
    link = redis.take(target(own_redis, connections=3))
    await asyncio.gather(*(link.execute("ECHO", f"{number}") for number in range(2000)))
    listed = await link.execute("CLIENT", "LIST", "TYPE", "normal")
    assert isinstance(listed, bytes) and listed.count(b"id=") <= 3
    await redis.give(link)


async def test_an_address_that_is_not_allowed_is_not_connected_to(
    redis_server: RedisServer,
) -> None:
    asked: list[tuple[str, str, int]] = []

    def allowed(host: str, address: str, port: int) -> bool:
        asked.append((host, address, port))
        return False

    link = redis.take(target_of(f"redis://localhost:{redis_server.port}", allowed))
    with pytest.raises(AccessDenied):
        await link.execute("PING")
    assert asked and {each[0] for each in asked} == {"localhost"}
    await redis.give(link)


async def test_the_address_that_was_asked_about_is_the_one_connected_to(
    redis_server: RedisServer,
) -> None:
    # Only one of the addresses of `localhost` has a server.
    url = redis_server.url.replace("127.0.0.1", "localhost")
    link = redis.take(target_of(url, lambda host, address, port: address == "127.0.0.1"))
    assert await link.execute("PING") == b"PONG"
    await redis.give(link)


async def test_a_server_that_hangs_costs_a_call_its_timeout_and_is_left(
    own_redis: RedisServer,
) -> None:
    link = redis.take(target(own_redis, timeout=1.0))
    assert await link.execute("PING") == b"PONG"
    own_redis.pause()
    with pytest.raises(TimedOut, match=r"did not answer within 1 s"):
        await link.execute("PING")
    own_redis.resume()
    while True:
        try:
            assert await link.execute("ECHO", "again") == b"again"
            break
        except Unavailable:
            await asyncio.sleep(0.01)
    await redis.give(link)


async def test_a_connection_that_the_server_ended_is_made_anew_without_an_error(
    own_redis: RedisServer,
) -> None:
    link = redis.take(target(own_redis))
    assert await link.execute("PING") == b"PONG"
    lane = link._first
    own_redis.call("CLIENT", "KILL", "TYPE", "normal")
    while lane._running is not None:
        await asyncio.sleep(0.001)
    assert await link.execute("PING") == b"PONG"
    await redis.give(link)


async def test_a_full_server_is_an_error_of_its_own(own_redis: RedisServer) -> None:
    link = redis.take(target(own_redis))
    own_redis.fill_up()
    with pytest.raises(Exhausted, match="no memory left"):
        await link.execute("SET", "key", "value")
    await redis.give(link)


async def test_what_is_no_redis_is_told(unused_tcp_server: int) -> None:
    link = redis.take(RedisTarget("127.0.0.1", unused_tcp_server, timeout=1.0))
    with pytest.raises(CapabilityError):
        await link.execute("PING")
    await redis.give(link)


@pytest.fixture
async def unused_tcp_server():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def test_a_target_shows_no_password(redis_server: RedisServer) -> None:
    made = target(redis_server)
    assert redis_server.password not in f"{made!r}{made}{made.place}{made.what}"
    assert made != replace(made, password=None)


@pytest.mark.parametrize("url", ["", "http://h", "redis://", "redis://h:x", "redis://h/name"])
def test_an_address_that_is_no_url_of_redis_is_told(url: str) -> None:
    with pytest.raises(CapabilityError, match="not the URL of a Redis server"):
        target_of(url, lambda *_: True)
