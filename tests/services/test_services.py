"""Each real server answers its usual client and bears what fault tests do to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.services.clients import CLIENTS
from tests.services.fixtures import KINDS, start_or_skip, started
from tests.services.nats import NatsServer
from tests.services.process import descendants, state, wait_for_states
from tests.services.redis import RedisServer
from tests.services.server import DidNotStart, Server

NAMES = sorted(CLIENTS)


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture(scope="module")
def own(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One for the tests of this file, each of which leaves it running."""
    yield from started(KINDS[request.param])


def test_every_kind_of_server_is_tried() -> None:
    assert set(NAMES) == set(KINDS)


@pytest.mark.parametrize("shared", NAMES, indirect=True)
async def test_it_keeps_a_value_for_its_usual_client(shared: Server) -> None:
    client = CLIENTS[shared.name]
    await client.keep(shared, "kept-in-session", b"\x00value")
    assert await client.kept(shared, "kept-in-session") == b"\x00value"
    assert await client.kept(shared, "never-kept") is None


@pytest.mark.parametrize("own", NAMES, indirect=True)
async def test_what_it_acknowledged_survives_kill_and_restart(own: Server) -> None:
    client, url, pid = CLIENTS[own.name], own.url, own.pid
    await client.keep(own, "killed", b"1")
    own.save()
    own.kill()
    assert not own.running
    with pytest.raises(Exception):  # noqa: B017 # each client has its own
        await client.kept(own, "killed")
    own.restart()
    assert (own.url, own.pid != pid) == (url, True)
    assert await client.kept(own, "killed") == b"1"
    own.restart()
    assert await client.kept(own, "killed") == b"1"


@pytest.mark.parametrize("own", NAMES, indirect=True)
async def test_while_paused_it_answers_nothing_and_then_goes_on(own: Server) -> None:
    client = CLIENTS[own.name]
    await client.keep(own, "paused", b"1")
    own.pause()
    answer = asyncio.ensure_future(client.kept(own, "paused"))
    assert await asyncio.wait([answer], timeout=0.3) == (set(), {answer})
    own.resume()
    assert await answer == b"1"


@pytest.mark.parametrize("own", NAMES, indirect=True)
async def test_it_refuses_authentication_until_it_accepts_it_again(own: Server) -> None:
    client = CLIENTS[own.name]
    await client.keep(own, "refused", b"1")
    own.refuse_authentication()
    with pytest.raises(Exception):  # noqa: B017 # each client has its own
        await client.kept(own, "refused")
    own.accept_authentication()
    assert await client.kept(own, "refused") == b"1"


async def test_a_paused_server_stops_with_its_children(own_postgres: Server) -> None:
    children = list(descendants(own_postgres.pid))
    own_postgres.pause()
    assert len(children) > 3
    # A worker that was about to end may have.
    assert {state(pid) for pid in [own_postgres.pid, *children]} <= {"T", "Z"}
    assert state(own_postgres.pid) == "T"
    own_postgres.kill()
    assert {state(pid) for pid in children} <= {"Z", "X"}


@pytest.mark.parametrize("kind", [RedisServer, NatsServer])
async def test_a_full_server_refuses_to_keep_and_still_answers(
    kind: type[RedisServer | NatsServer],
    start_server: Callable[[RedisServer | NatsServer], RedisServer | NatsServer],
) -> None:
    server, client = start_server(kind()), CLIENTS[kind.name]
    await client.keep(server, "k", b"1" * 100)
    server.full = True
    server.restart()
    with pytest.raises(Exception, match=r"maxmemory|insufficient resources"):
        await client.keep(server, "more", b"2")
    assert await client.kept(server, "k") == b"1" * 100
    server.full = False
    server.restart()
    await client.keep(server, "more", b"2")


async def test_redis_is_filled_and_emptied_while_it_runs(own_redis: RedisServer) -> None:
    own_redis.fill_up()
    with pytest.raises(Exception, match="maxmemory"):
        await CLIENTS["redis"].keep(own_redis, "k", b"1")
    own_redis.make_room()
    await CLIENTS["redis"].keep(own_redis, "k", b"1")


def test_a_server_that_does_not_start_shows_its_log(own_redis: RedisServer) -> None:
    second = RedisServer()
    second.port = own_redis.port
    with pytest.raises(DidNotStart, match="Address already in use"):
        second.start()
    second.close()
    assert own_redis.running


def test_a_missing_program_skips_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.programs.find", lambda name: None)
    with closing(RedisServer()) as server, pytest.raises(pytest.skip.Exception) as skipped:
        start_or_skip(server)
    assert "redis-server is missing: `make services`" in str(skipped.value)


def test_no_server_runs_as_root(own_redis: RedisServer) -> None:
    assert os.stat(f"/proc/{own_redis.pid}").st_uid != 0


def test_the_servers_of_killed_tests_end_and_leave_nothing() -> None:
    program = (
        "import os, signal\n"
        "from tests.services.postgres import PostgresServer\n"
        "from tests.services.process import descendants\n"
        "server = PostgresServer().start(); server.pause()\n"
        "print(server.directory, server.pid, *descendants(server.pid), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    # The pipe is the undertaker's too: its end is read when that has done its work.
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    directory, *pids = ended.stdout.split()
    assert not Path(directory).exists()
    wait_for_states([int(pid) for pid in pids], "ZX")
