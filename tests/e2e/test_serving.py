"""What a host does for a WASI 0.2 guest: requests in, responses out, grants in between."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import httpx
import pytest
from hosts import Running, wait_for
from manifests import component, routed, write
from wire import Wire

FILES = """\
environment = { COLOUR = "blue", EMPTY = "" }
files = ["assets/*.txt", { source = "pages", destination = "/pages" }]
exclude_files = ["assets/hidden.txt"]
variables = { ignored = "x" }
"""


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("serving")
    for name, text in (("assets/a.txt", "A"), ("assets/hidden.txt", "no"), ("pages/p.html", "<p>")):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    (directory / "secret").write_text("secret")
    os.symlink("/etc/passwd", directory / "pages" / "link-to-etc-passwd")
    os.symlink("..", directory / "pages" / "link-to-parent")
    manifest = write(
        directory,
        routed("routes", extra=FILES),
        component("hello"),
        component("other", "hello-wat"),
    )
    return module_up(manifest, "--env", "ADDED=yes")


def test_a_request_is_answered_by_the_guest(host: Running) -> None:
    answer = host.get("/hello")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == "5"


def test_a_response_has_a_date_and_names_no_server(host: Running) -> None:
    headers = host.get("/hello").headers
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
    assert "server" not in headers


def test_each_request_gets_an_instance_of_its_own(host: Running) -> None:
    assert {host.get("/count").text for _ in range(5)} == {"1"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
def test_method_authority_and_path_reach_the_guest(host: Running, method: str) -> None:
    text = host.client.request(method, "/request", params={"a": "1 2"}).text
    assert f"method: {method}\n" in text
    assert f"authority: 127.0.0.1:{host.port}\n" in text
    assert "path: /request?a=1" in text
    assert "scheme: Some(Scheme::Http)" in text


def test_request_headers_reach_the_guest_more_than_once_and_as_bytes(host: Running) -> None:
    headers = [("x-one", "1"), ("x-two", "a"), ("x-two", "b"), ("accept", "text/plain")]
    lines = host.get("/headers", headers=headers).text.splitlines()
    assert "x-one: 1" in lines and "accept: text/plain" in lines
    assert [line for line in lines if line.startswith("x-two")] == ["x-two: a", "x-two: b"]


def test_hop_by_hop_headers_of_a_request_stay_with_the_host(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request(
            "GET /headers HTTP/1.1",
            "Connection: keep-alive, x-gone",
            "Keep-Alive: 5",
            "X-Gone: 1",
            "X-Kept: 1",
        )
        lines = wire.answer().body.decode().splitlines()
    names = {line.split(":")[0] for line in lines}
    assert "x-kept" in names
    assert not names & {"connection", "keep-alive", "transfer-encoding"}


def test_spin_headers_tell_what_was_matched(host: Running) -> None:
    lines = host.get("/headers?x=1").text.splitlines()
    told = dict(line.split(": ", 1) for line in lines if line.startswith("spin-") and ": " in line)
    assert told["spin-full-url"] == f"{host.url}/headers?x=1"
    assert told["spin-matched-route"] == "/..."
    assert told["spin-raw-component-route"] == "/..."
    assert told["spin-path-info"] == "/headers"
    assert re.fullmatch(r"127\.0\.0\.1:\d+", told["spin-client-addr"])
    lines = host.get("/headers").text.splitlines()
    assert "spin-component-route: " in lines or "spin-component-route:" in lines


def test_a_client_cannot_forge_spin_headers(host: Running) -> None:
    forged = {
        "spin-client-addr": "1.2.3.4:5",
        "spin-path-match-user": "admin",
        "Spin-Full-Url": "http://evil/",
    }
    text = host.get("/headers", headers=forged).text
    assert "1.2.3.4" not in text and "evil" not in text and "admin" not in text


def test_ten_megabytes_come_back_as_they_went(host: Running) -> None:
    body = os.urandom(10 << 20)
    answer = host.client.post("/echo", content=body)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(body).digest()


def test_a_chunked_upload_is_counted_to_its_end(host: Running) -> None:
    answer = host.client.post("/upload", content=(b"x" * 1000 for _ in range(50)))
    assert answer.text == "50000 bytes"


def test_a_body_streams_both_ways_at_once(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /echo HTTP/1.1", "Transfer-Encoding: chunked")
        wire.send(b"3\r\none\r\n")
        assert wire.head().header("transfer-encoding") == "chunked"
        for text in (b"one", b"second", b"third"):
            if text != b"one":
                wire.send(b"%x\r\n%s\r\n" % (len(text), text))
            assert int(wire.line(), 16) == len(text)
            assert wire.exactly(len(text) + 2) == text + b"\r\n"
        wire.send(b"0\r\n\r\n")
        assert wire.line() == b"0"


def test_a_streamed_response_arrives_while_it_is_made(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /stream?n=1000000&ms=20 HTTP/1.1")
        assert wire.head().status == 200
        first = wire.exactly(int(wire.line(), 16) + 2)
        assert first.startswith(b"chunk 0")


def test_a_long_streamed_response_is_whole(host: Running) -> None:
    lines = host.get("/stream?n=2000&size=100").text.splitlines()
    assert len(lines) == 2000 and lines[-1].startswith("chunk 1999.")


def test_trailers_go_in_and_come_out(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request(
            "POST /trailers HTTP/1.1",
            "Transfer-Encoding: chunked",
            "TE: trailers",
            "Trailer: x-sum",
        )
        wire.send(b"5\r\nhello\r\n0\r\nx-sum: 99\r\n\r\n")
        answer = wire.answer()
    assert answer.body == b"trailers follow\n"
    assert ("x-body-bytes", "5") in answer.trailers
    assert ("x-sum", "99") in answer.trailers


def test_head_has_the_headers_of_get_and_no_body(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("HEAD /hello HTTP/1.1")
        answer = wire.answer("HEAD")
        assert (answer.status, answer.header("content-length")) == (200, "5")
        wire.request("GET /hello HTTP/1.1")
        assert wire.answer().body == b"hello"


@pytest.mark.parametrize("status", [201, 204, 301, 304, 404, 418, 500, 503, 599])
def test_a_status_is_passed_on(host: Running, status: int) -> None:
    assert host.get(f"/status/{status}").status_code == status


def test_headers_with_one_name_stay_apart(host: Running) -> None:
    assert host.get("/cookies").headers.get_list("set-cookie") == ["a=1", "b=2; HttpOnly"]


def test_output_goes_to_the_log_with_time_component_and_stream(host: Running) -> None:
    host.get("/stdout?msg=written-here")
    time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    host.logged(time + r" \[routes\] stdout: stdout: written-here$")
    host.logged(time + r" \[routes\] stderr: stderr: written-here$")


def test_a_guest_cannot_forge_lines_of_the_log(host: Running) -> None:
    host.get(
        "/stdout", params={"msg": "first\n2026-01-01T00:00:00.000Z paddock error: forged\x1b[2J"}
    )
    host.logged(r"\[routes\] stderr: stderr: first")
    host.logged(r"forged")
    assert not re.search(r"^2026-01-01", host.log, re.MULTILINE)
    assert "\x1b" not in host.log


def test_environment_comes_from_the_manifest_and_the_command_line(host: Running) -> None:
    assert host.get("/env").text.splitlines() == ["ADDED=yes", "COLOUR=blue", "EMPTY="]


def test_files_that_the_manifest_names_can_be_read(host: Running) -> None:
    assert host.get("/file?path=assets/a.txt&preopen=/").text == "A"
    assert host.get("/file?path=p.html&preopen=/pages").text == "<p>"
    assert host.get("/files?path=assets&preopen=/").text == "a.txt\n"
    assert host.get("/file?path=assets/hidden.txt&preopen=/").status_code == 404


def test_files_are_read_only(host: Running) -> None:
    for where in ("path=assets/a.txt&preopen=/", "path=new.txt&preopen=/pages"):
        assert host.client.post(f"/write-file?{where}", content=b"changed").status_code == 403
    assert host.get("/file?path=assets/a.txt&preopen=/").text == "A"
    assert not (host.manifest.parent / "pages" / "new.txt").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "/etc/passwd",
        "link-to-etc-passwd",
        "link-to-parent/secret",
        "../../../../etc/passwd",
        "p.html/../../secret",
    ],
)
def test_no_path_leads_out_of_a_directory(host: Running, path: str) -> None:
    answer = host.get("/file", params={"path": path, "preopen": "/pages"})
    assert answer.status_code == 403, answer.text


def test_without_grants_a_guest_sees_no_files_and_no_environment(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("routes")), env={"SECRET_OF_THE_HOST": "x"})
    assert host.get("/preopens").text == ""
    assert host.get("/env").text == ""


def test_clocks_and_random_numbers_are_there(host: Running) -> None:
    assert re.match(r"wall: \d{10}\.\d{9}\n", host.get("/clock").text)
    assert len({host.get("/random?n=16").text for _ in range(3)}) == 3


def test_many_clients_at_once_are_all_answered(host: Running) -> None:
    import asyncio

    async def together() -> list[int]:
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(
            base_url=host.url, timeout=60, limits=limits, trust_env=False
        ) as client:
            answers = await asyncio.gather(*(client.get("/sleep?ms=100") for _ in range(200)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(together()) == [200] * 200


def test_the_routes_are_printed_with_their_urls(host: Running) -> None:
    assert f"routes: {host.url}/ (wildcard)" in host.stdout
    # Data on stdout, talk on stderr: a script may read the URL.
    assert host.stdout.startswith(f"Serving {host.url}\n")


def test_quiet_keeps_guests_out_of_the_terminal_and_log_dir_in_files(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("routes")), "--quiet", "--log-dir", tmp_path / "logs")
    host.get("/stdout?msg=silent")
    file = tmp_path / "logs" / "test_routes_stdout.txt"
    wait_for(
        "the file of the component's output", lambda: file.exists() and "silent" in file.read_text()
    )
    assert "silent" not in host.log


def test_a_json_log_is_a_line_of_json_for_each_record(up, tmp_path: Path) -> None:
    import json

    host = up(write(tmp_path, routed("routes")), "--json")
    host.get("/stdout?msg=a%22b")
    host.logged("stdout: a")
    records = [json.loads(line) for line in host.log.splitlines()]
    [record] = [r for r in records if r.get("stream") == "stdout"]
    assert record["message"] == 'stdout: a"b'
    assert (record["application"], record["component"]) == ("test", "routes")


def test_a_bare_component_is_served_without_a_manifest(up, tmp_path: Path) -> None:
    import shutil

    from manifests import guest

    file = Path(shutil.copy(guest("hello"), tmp_path / "bare.wasm"))
    host = up(file)
    assert host.get("/any/path").status_code == 200
