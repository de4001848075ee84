"""Components made with Spin 1 answer routes, from both versions of Spin's manifest."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running

Start = Callable[..., Running]

SOURCE = GUESTS / "rust/http-spin1/http-spin1.wasm"
V1 = """
spin_manifest_version = "1"
name = "old"
version = "1.0.0"
trigger = {{ type = "http", base = "/" }}

[[component]]
id = "guest"
source = "{source}"
allowed_http_hosts = ["http://self", "http://127.0.0.1:{port}"]
[component.trigger]
route = "/guest/..."
executor = {{ type = "spin" }}
"""
V2 = """
spin_manifest_version = 2
[application]
name = "old"

[[trigger.http]]
route = "/users/:user/..."
component = "guest"
executor = {{ type = "spin" }}

[[trigger.http]]
route = "/guest/..."
component = "guest"

[component.guest]
source = "{source}"
allowed_outbound_hosts = ["http://self", "http://hello.spin.internal", "http://127.0.0.1:{port}"]

[[trigger.http]]
route = "/hello"
component = "hello"

[component.hello]
source = "{hello}"
"""


def write(folder: Path, text: str, port: int = 1) -> Path:
    manifest = folder / "spin.toml"
    hello = GUESTS / "rust/hello/hello.wasm"
    manifest.write_text(text.format(source=SOURCE, hello=hello, port=port))
    return manifest


@pytest.fixture(scope="module", params=[V1, V2], ids=["spin 1", "spin 2"])
def host(
    request: pytest.FixtureRequest, module_up: Start, tmp_path_factory: pytest.TempPathFactory
) -> Running:
    folder = tmp_path_factory.mktemp("spin1")
    config = folder / "host.toml"
    config.write_text('[limits]\ntime = "1s"\nmemory = "16MiB"\n')
    return module_up(write(folder, request.param), "--config", config)


def test_the_body_goes_in_whole_and_the_response_comes_out(host: Running) -> None:
    body = bytes(range(256)) * 4000
    response = host.client.post("/guest/echo", content=body)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["x-guest"] == "spin1"
    assert response.headers["content-length"] == str(len(body))
    in_parts = host.client.post("/guest/echo", content=iter([body[:1000], body[1000:]]))
    assert in_parts.content == body
    assert host.get("/guest/echo").content == b""
    nothing = host.get("/guest/nothing")
    assert (nothing.status_code, nothing.content) == (200, b"")
    assert host.get("/guest/status?n=404").status_code == 404


def test_the_guest_sees_the_request_with_spins_headers(host: Running) -> None:
    lines = host.client.put(
        "/guest/request?a=b%20c", headers={"x-one": "1", "spin-path-info": "/forged"}
    ).text.splitlines()
    assert lines[0] == "Method::Put /guest/request?a=b%20c 0 parameters"
    assert "x-one: 1" in lines
    assert "spin-path-info: /request" in lines
    assert "spin-component-route: /guest" in lines
    assert f"host: 127.0.0.1:{host.port}" in lines


def test_methods_that_the_interface_lacks_are_not_allowed(host: Running) -> None:
    response = host.client.request("PROPFIND", "/guest/echo")
    assert response.status_code == 405
    assert "PATCH" in response.headers["allow"]
    head = host.client.head("/guest/long?n=7")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "7", b"")


def test_each_request_has_an_instance_of_its_own(host: Running) -> None:
    assert [host.get("/guest/count").text for _ in range(3)] == ["1", "1", "1"]


def test_a_trap_is_an_empty_500_and_told_in_the_log(host: Running) -> None:
    response = host.get("/guest/trap")
    assert (response.status_code, response.content) == (500, b"")
    host.logged(r"\[guest\].*unreachable")
    assert host.get("/guest/loop").status_code == 504
    assert host.get("/guest/long?n=100000000").status_code == 500
    assert host.get("/guest/count").text == "1"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("header?name=connection&value=close", "connection is the server's"),
        ("header?name=transfer-encoding&value=chunked", "transfer-encoding is the server's"),
        ("header?name=a%20b", "is no header"),
        ("header?name=a&value=b%0d%0ac:%20d", "bad value"),
        ("status?n=99", "99 is no status"),
        ("status?n=101", "101 is no status"),
    ],
)
def test_a_response_that_can_not_be_sent_is_a_500(host: Running, query: str, why: str) -> None:
    response = host.get(f"/guest/{query}")
    assert (response.status_code, response.content) == (500, b"")
    host.logged(rf"\[guest\].*the guest's response is none: .*{why}")


def test_a_body_beyond_the_instances_memory_is_refused(host: Running) -> None:
    part = b"x" * (1 << 20)
    response = host.client.post("/guest/echo", content=part * 17)
    assert (response.status_code, response.content) == (413, b"")
    host.logged(r"\[guest\].*body limit of .*instance's memory")
    streamed = host.client.post("/guest/echo", content=(part for _ in range(17)))
    assert streamed.status_code == 413
    assert host.client.post("/guest/echo", content=part).status_code == 200


def test_a_body_that_breaks_off_is_not_shown_to_the_guest(host: Running) -> None:
    with socket.create_connection(("127.0.0.1", host.port), timeout=20) as client:
        client.sendall(
            b"POST /guest/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_a_request_of_the_guest_needs_a_grant(host: Running) -> None:
    assert host.get("/guest/send?url=http://example.com/").text == (
        "error: destination-not-allowed"
    )
    host.logged(r'\[guest\].*allowed_outbound_hosts = \["http://example.com"\]')
    assert host.get("/guest/send?url=http://a:b:c/").text == "error: invalid-url"
    assert host.get("/guest/send?url=http://127.0.0.1:1/").text == "error: runtime-error"


def test_a_request_of_the_guest_reaches_the_application_itself(host: Running) -> None:
    sent = host.client.post(
        "/guest/send?method=post&url=/guest/request%3Fq", headers={"x-one": "1"}, content=b"abc"
    ).text.splitlines()
    assert sent[:2] == ["200", "Method::Post /guest/request?q 0 parameters"]
    assert "x-one: 1" in sent
    echoed = host.client.post("/guest/send?method=post&url=/guest/echo", content=b"abc")
    assert echoed.text == "200\nabc"
    assert host.get("/guest/send?url=/nowhere").text == "404\n"


def test_a_chained_call_reaches_another_component(up: Start, tmp_path: Path) -> None:
    running = up(write(tmp_path, V2))
    answer = running.get("/guest/send?url=http://hello.spin.internal/")
    assert answer.text.startswith("200\nhello")
    matched = running.get("/users/ada/request").text.splitlines()
    assert "spin-path-match-user: ada" in matched


def test_reuse_is_said_to_have_no_effect(up: Start, tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(
        'paddock_manifest_version = 1\n[application]\nname = "x"\n'
        '[[trigger.http]]\nroute = "/..."\ncomponent = "a"\n'
        f'[component.a]\nsource = "{SOURCE}"\nreuse = {{ requests = 10 }}\n'
    )
    running = up(manifest)
    running.logged(r"component 'a' has reuse, but a component of Spin 1 has a fresh instance")
    assert [running.get("/count").text for _ in range(2)] == ["1", "1"]
