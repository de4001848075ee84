"""CGI programs answer requests: core modules and components, as WAGI has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS, Running

MANIFEST = """
paddock_manifest_version = 1
[application]
name = "cgi"

[[trigger.http]]
route = "/upper/..."
component = "module"
executor = {{ type = "wagi", argv = "cli upper" }}

[[trigger.http]]
route = "/component/..."
component = "component"
executor = {{ type = "wagi", argv = "cli upper" }}

[[trigger.http]]
route = "/env/:user/..."
component = "module"
executor = {{ type = "wagi", argv = "cli env" }}

[[trigger.http]]
route = "/exit/..."
component = "module"
executor = {{ type = "wagi", argv = "cli exit 3" }}

[[trigger.http]]
route = "/spin/..."
component = "short"
executor = {{ type = "wagi", argv = "cli spin" }}

[component.module]
source = "{module}"
environment = {{ GREETING = "hello" }}

[component.component]
source = "{component}"

[component.short]
source = "{module}"
limits = {{ time = "300ms" }}
"""


@pytest.fixture(scope="module")
def host(module_up: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("cgi")
    manifest = folder / "paddock.toml"
    manifest.write_text(
        MANIFEST.format(
            module=GUESTS / "rust/cli/cli-p1.wasm", component=GUESTS / "rust/cli/cli.wasm"
        )
    )
    yield module_up(manifest)  # type: ignore[operator]


@pytest.mark.parametrize("route", ["/upper/", "/component/"])
def test_the_body_is_stdin_and_stdout_the_response(host: Running, route: str) -> None:
    body = b"content-type: text/x-test\nstatus: 201 Made\nx-a: b\n\nhello" + b"x" * 200_000
    response = host.client.post(route, content=body)
    assert response.status_code == 201
    assert response.headers["content-type"] == "TEXT/X-TEST"
    assert response.headers["x-a"] == "B"
    assert response.content == b"HELLO" + b"X" * 200_000


def test_output_that_is_no_response_is_an_error_and_told_in_the_log(host: Running) -> None:
    response = host.get("/env/ada/a%20b?q=1")
    assert (response.status_code, response.content) == (500, b"")
    host.logged(r"\[module\].*no empty line after its header lines")


def test_a_program_that_fails_is_an_error_without_its_text(host: Running) -> None:
    response = host.get("/exit/")
    assert (response.status_code, response.content) == (500, b"")
    host.logged(r"\[module\].*exit code [13]")


def test_a_program_that_never_ends_is_ended(host: Running) -> None:
    assert host.get("/spin/").status_code == 504
    assert host.client.post("/upper/", content=b"location: /x\n\n").status_code == 302


def test_a_component_that_is_no_program_is_refused(up: object, tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(
        'paddock_manifest_version = 1\n[application]\nname = "x"\n'
        '[[trigger.http]]\nroute = "/..."\ncomponent = "a"\nexecutor = { type = "wagi" }\n'
        f'[component.a]\nsource = "{GUESTS / "rust/hello/hello.wasm"}"\n'
    )
    running: Running = up(manifest, wait=False)  # type: ignore[operator]
    assert running.ended() == 5
    assert "is to run as a CGI program but is none" in running.log
