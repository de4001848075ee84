"""What guests and a host make of blob stores whose servers go away, hang or refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import configuration, routed, write
from tests.services.nats import NatsServer
from tests.services.s3 import S3Server

WASI, WASMCLOUD = "blob", "blob-wasmcloud"
Server = S3Server | NatsServer


@pytest.fixture(params=["own_s3", "own_nats"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def table(server: Server, **changes: str) -> str:
    if isinstance(server, S3Server):
        options = {
            "type": "s3", "bucket": server.bucket, "endpoint": server.url,
            "access_key": server.user, "secret_key": server.password,
        }  # fmt: skip
    else:
        options = {
            "type": "nats", "url": server.address, "username": server.user,
            "password": server.password,
        }  # fmt: skip
    options |= {"timeout": "1s", **changes}
    lines = [f'{key} = "{value}"' for key, value in options.items()]
    return "\n".join(["[blob_store.default]", *lines, ""])


def started(up, directory: Path, text: str) -> Running:
    parts = [
        routed(
            name, GUESTS / "rust" / name / f"{name}.wasm", extra='blob_containers = ["default"]'
        ).replace('"/..."', f'"/..."\nhost = "{name}.test"', 1)
        for name in (WASI, WASMCLOUD)
    ]
    return up(write(directory, *parts), "--config", configuration(directory, text))


def ask(host: Running, who: str, route: str, **query: object) -> tuple[int, str]:
    answer = host.get(f"/{route}", params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


def test_a_host_starts_without_the_server_and_finds_it_later(
    up, tmp_path: Path, server: Server
) -> None:
    server.kill()
    host = started(up, tmp_path, table(server))
    assert ask(host, WASMCLOUD, "exists") in (
        (503, "error: store-unavailable\n"), (504, "error: timeout\n"),
    )  # fmt: skip
    host.logged("calls fail until it answers")
    server.start()
    wait_for("the server", lambda: ask(host, WASI, "exists")[0] == 200)
    assert ask(host, WASI, "create") == (200, "default\n")


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_server_that_goes_away_is_the_interfaces_error_until_it_is_back(
    up, tmp_path: Path, server: Server, fault: str
) -> None:
    host = started(up, tmp_path, table(server))
    assert ask(host, WASI, "create")[0] == 200
    for number in range(5):
        assert ask(host, WASMCLOUD, "write", name=f"{number}", value="kept")[0] == 200
    getattr(server, fault)()
    for route in ("write", "read", "list", "info"):
        status, text = ask(host, WASMCLOUD, route, name="0", value="lost")
        assert (status, text) in (
            (503, "error: store-unavailable\n"), (504, "error: timeout\n"),
        )  # fmt: skip
        status, text = ask(host, WASI, route, name="0", value="lost")
        assert status == 500
        assert server.password not in text
    server.start() if fault == "kill" else server.resume()
    wait_for("the server", lambda: ask(host, WASI, "exists") == (200, "true\n"))
    for number in range(1, 5):
        assert ask(host, WASI, "read", name=f"{number}") == (200, "kept")
    assert ask(host, WASI, "write", name="0", value="again")[0] == 200
    assert server.password not in host.log


def test_a_wrong_secret_is_in_no_answer_and_no_log(up, tmp_path: Path, server: Server) -> None:
    key = "secret_key" if isinstance(server, S3Server) else "password"
    host = started(up, tmp_path, table(server, **{key: "wrong-secret"}))
    for who in (WASI, WASMCLOUD):
        status, text = ask(host, who, "exists")
        assert status != 200
        assert "wrong-secret" not in text
    host.logged("refuse[sd]")
    assert "wrong-secret" not in host.log
    assert "wrong-secret" not in host.command("status", "--json").stdout


def test_a_full_server_is_told_and_still_answers(up, tmp_path: Path, own_nats: NatsServer) -> None:
    host = started(up, tmp_path, table(own_nats))
    assert ask(host, WASI, "create")[0] == 200
    assert ask(host, WASI, "write", name="kept", value="kept")[0] == 200
    own_nats.full = True
    own_nats.restart()
    wait_for("the server", lambda: ask(host, WASI, "exists") == (200, "true\n"))
    assert ask(host, WASMCLOUD, "write", name="more", value="x" * 1000) == (
        507, "error: quota-exceeded\n",
    )  # fmt: skip
    status, text = ask(host, WASI, "write", name="more", value="x" * 1000)
    assert (status, "no room left" in text) == (500, True), text
    assert ask(host, WASI, "read", name="kept") == (200, "kept")
    own_nats.full = False
    own_nats.restart()
    wait_for("room", lambda: ask(host, WASI, "write", name="more", value="x")[0] == 200)
    assert ask(host, WASI, "read", name="kept") == (200, "kept")
