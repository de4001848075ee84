"""The control socket: one line in, one line out, and only for its user."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from paddock.errors import HostError, PlanError
from paddock.host.control import ControlServer, Refused, request, socket_path


async def echo(arguments: Mapping[str, object]) -> object:
    return {"got": arguments.get("value")}


async def refuse(arguments: Mapping[str, object]) -> object:
    raise PlanError(f"no {arguments.get('value')}", hint="ask for less")


async def fail(arguments: Mapping[str, object]) -> object:
    raise RuntimeError("a secret")


HANDLERS = {"echo": echo, "refuse": refuse, "fail": fail}


@contextlib.asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[ControlServer]:
    server = ControlServer(directory, HANDLERS)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def test_a_request_is_answered_by_its_operation(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert await asyncio.to_thread(request, tmp_path, "echo", value=[1]) == {"got": [1]}


async def test_a_refusal_comes_back_with_hint_and_exit_code(tmp_path: Path) -> None:
    async with serving(tmp_path):
        with pytest.raises(Refused) as caught:
            await asyncio.to_thread(request, tmp_path, "refuse", value="more")
    refusal = caught.value
    assert (refusal.message, refusal.hint, refusal.exit_code) == ("no more", "ask for less", 5)


async def test_a_flaw_in_an_operation_is_logged_and_its_text_stays_inside(tmp_path: Path) -> None:
    async with serving(tmp_path):
        with pytest.raises(Refused) as caught:
            await asyncio.to_thread(request, tmp_path, "fail")
    assert "secret" not in str(caught.value) and "log" in caught.value.message


async def test_an_unknown_operation_names_those_that_are_known(tmp_path: Path) -> None:
    async with serving(tmp_path):
        with pytest.raises(Refused, match="echo, fail, refuse"):
            await asyncio.to_thread(request, tmp_path, "explode")


def test_without_a_host_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no host is running") as caught:
        request(tmp_path, "status")
    assert caught.value.hint and "paddock up" in caught.value.hint


async def test_the_socket_is_its_users_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["control.sock"]
    assert not server.path.exists()


async def test_a_second_server_is_refused_unless_it_replaces_the_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        second = ControlServer(tmp_path, {"echo": refuse})
        with pytest.raises(HostError, match="already running"):
            await second.start()
        await second.start(replace=True)
        with pytest.raises(Refused):
            await asyncio.to_thread(request, tmp_path, "echo")
        await first.close()
        # What the newer one put in place stays.
        assert second.path.exists()
        await second.close()
    assert not second.path.exists()


async def test_a_socket_that_nobody_answers_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    async with serving(tmp_path):
        assert await asyncio.to_thread(request, tmp_path, "echo", value=1) == {"got": 1}


def test_a_path_too_long_for_a_socket_is_replaced_by_one_of_its_own(tmp_path: Path) -> None:
    one, other = (socket_path(tmp_path / ("x" * 120) / name) for name in ("a", "b"))
    assert one != other
    assert len(os.fsencode(one)) <= 100


async def test_a_line_that_is_no_request_is_answered_with_an_error(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for line in (b"nonsense\n", b"[]\n", b'{"operation": []}\n'):
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(line)
            assert "error" in json.loads(await reader.readline())
            writer.close()
