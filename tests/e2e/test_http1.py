"""HTTP/1.1 as a production server speaks it, also with clients that don't."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import pytest
from hosts import Running, wait_for
from manifests import configuration, routed, write
from wire import Wire, ask

LIMITS = '[limits]\nheader_timeout = "700ms"\nidle_timeout = "1500ms"\nbody = "1MiB"\n'


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("http1")
    return module_up(
        write(directory, routed("routes")), "--config", configuration(directory, LIMITS)
    )


def test_a_request_without_host_is_a_bad_request(host: Running) -> None:
    assert ask(host.port, "GET /hello HTTP/1.1\r\n\r\n").status == 400


def test_a_request_with_two_hosts_is_a_bad_request(host: Running) -> None:
    assert ask(host.port, "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400


@pytest.mark.parametrize("name", ["a b", "a/b", "a\x00b", "user@host", "a:port", "[::1"])
def test_a_malformed_host_is_a_bad_request(host: Running, name: str) -> None:
    assert (
        ask(host.port, f"GET /hello HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n").status
        == 400
    )


def test_http_1_0_is_answered_and_the_connection_ends(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.send("GET /hello HTTP/1.0\r\nHost: x\r\n\r\n")
        assert wire.answer().body == b"hello"
        assert wire.closed()


def test_http_1_0_gets_no_chunks(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.send("GET /stream?n=3 HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = wire.answer()
    assert answer.header("transfer-encoding") is None
    assert answer.body.count(b"\n") == 3


def test_an_absolute_target_names_the_host(host: Running) -> None:
    answer = ask(
        host.port,
        "GET http://named.test/request HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n",
    )
    assert b"authority: named.test\n" in answer.body
    assert b"path: /request\n" in answer.body


def test_a_connection_is_kept_for_many_requests(host: Running) -> None:
    with Wire(host.port) as wire:
        for _ in range(20):
            wire.request("GET /hello HTTP/1.1")
            assert wire.answer().body == b"hello"
        wire.request("GET /hello HTTP/1.1", "Connection: close")
        assert wire.answer().header("connection") == "close"
        assert wire.closed()


def test_pipelined_requests_are_answered_in_order(host: Running) -> None:
    with Wire(host.port) as wire:
        paths = ["/sleep?ms=100", "/hello", "/status/404", "/echo", "/hello"]
        requests = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths]
        requests[3] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
        wire.send("".join(requests))
        answers = [wire.answer() for _ in paths]
    assert [a.body for a in answers] == [
        b"slept 100 ms",
        b"hello",
        b"status 404",
        b"body",
        b"hello",
    ]


def test_expect_is_answered_when_the_guest_reads(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /upload HTTP/1.1", "Expect: 100-continue", "Content-Length: 4")
        assert wire.head().status == 100
        wire.send(b"body")
        assert wire.answer().body == b"4 bytes"


def test_a_guest_that_does_not_read_answers_without_100_continue(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /hello HTTP/1.1", "Expect: 100-continue", "Content-Length: 4")
        assert wire.head().status == 200


def test_an_unknown_expectation_fails_or_is_ignored_as_rfc_9110_allows(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /hello HTTP/1.1", "Expect: wonders")
        assert wire.answer().status in (200, 417)


@pytest.mark.parametrize(
    "chunks",
    [
        b"05\r\nhello\r\n0\r\n\r\n",
        b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"2\r\nhe\r\n3\r\nllo\r\n00\r\n\r\n",
        b"A\r\n0123456789\r\n0\r\nx: y\r\n\r\n",
    ],
)
def test_unusual_but_valid_chunks_are_read(host: Running, chunks: bytes) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /echo HTTP/1.1", "Transfer-Encoding: chunked", body=chunks)
        assert wire.answer().body in (b"hello", b"0123456789")
        wire.request("GET /hello HTTP/1.1")
        assert wire.answer().body == b"hello"


def test_headers_of_a_usual_size_pass(host: Running) -> None:
    answer = host.get("/hello", headers={"cookie": "x" * 8000})
    assert answer.status_code == 200


def test_a_head_that_comes_too_slowly_ends_the_connection(host: Running) -> None:
    with Wire(host.port, timeout=15) as wire:
        wire.send("GET /hello HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        with contextlib.suppress(EOFError, ConnectionError):
            assert wire.answer().status == 408
        assert 0.5 < time.monotonic() - began < 10


def test_a_head_that_drips_is_not_given_new_time_for_each_byte(host: Running) -> None:
    with Wire(host.port, timeout=15) as wire:
        wire.socket.settimeout(0.2)
        began = time.monotonic()
        text = "GET /hello HTTP/1.1\r\nHost: x\r\n" + "X-Drip: 1\r\n" * 100
        for character in text:
            try:
                wire.send(character)
                if not wire.more():
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - began < 10


def test_an_idle_connection_is_ended_in_silence(host: Running) -> None:
    with Wire(host.port, timeout=15) as wire:
        wire.request("GET /hello HTTP/1.1")
        assert wire.answer().status == 200
        began = time.monotonic()
        assert wire.closed()
        assert time.monotonic() - began < 10


def test_a_connection_that_says_nothing_is_ended(host: Running) -> None:
    with Wire(host.port, timeout=15) as wire:
        assert wire.closed()


def test_many_silent_connections_keep_nobody_out(host: Running) -> None:
    silent = [Wire(host.port) for _ in range(200)]
    try:
        for wire in silent[:100]:
            wire.send("GET /hello HT")
        began = time.monotonic()
        assert (
            ask(host.port, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body
            == b"hello"
        )
        assert time.monotonic() - began < 5
    finally:
        for wire in silent:
            wire.close()


def test_a_body_above_the_limit_is_413_before_it_is_sent(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /upload HTTP/1.1", f"Content-Length: {2 << 20}", "Expect: 100-continue")
        assert wire.answer().status == 413


def test_a_chunked_body_above_the_limit_is_413_or_cut(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /upload HTTP/1.1", "Transfer-Encoding: chunked")
        chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
        try:
            for _ in range(32):
                wire.send(chunk)
            wire.send(b"0\r\n\r\n")
            assert wire.answer().status in (400, 413)
        except (ConnectionError, EOFError):
            pass
    host.logged(r"body limit of 1048576")


def test_a_body_at_the_limit_passes(host: Running) -> None:
    assert host.client.post("/upload", content=b"x" * (1 << 20)).text == "1048576 bytes"


def test_a_client_that_leaves_early_does_no_harm(host: Running) -> None:
    for path in ("/sleep?ms=300", "/stream?n=100000&size=1000", "/hello"):
        for _ in range(20):
            wire = Wire(host.port)
            wire.request(f"GET {path} HTTP/1.1")
            wire.reset()
    wire = Wire(host.port)
    wire.request("POST /upload HTTP/1.1", "Content-Length: 1000", body=b"half")
    wire.reset()
    assert host.get("/hello").text == "hello"


def test_a_response_that_nobody_reads_ends_when_the_client_goes(host: Running) -> None:
    wire = Wire(host.port)
    wire.request("GET /stream?n=100000000&size=10000 HTTP/1.1")
    assert wire.head().status == 200
    wire.reset()
    wait_for("the guest to end", lambda: busy(host) == 0)


def busy(host: Running) -> int:
    """Instances at work, as far as the host tells; 0 where it does not."""
    server = host.status().get("server")
    return int(server.get("active", 0)) if isinstance(server, dict) else 0


def test_a_request_body_that_the_guest_ignores_does_not_become_the_next_request(
    host: Running,
) -> None:
    smuggled = b"GET /status/500 HTTP/1.1\r\nHost: x\r\n\r\n"
    with Wire(host.port) as wire:
        wire.request("POST /hello HTTP/1.1", f"Content-Length: {len(smuggled)}", body=smuggled)
        assert wire.answer().body == b"hello"
        try:
            wire.request("GET /status/404 HTTP/1.1")
            assert wire.answer().status == 404
        except (EOFError, ConnectionError):
            pass


def test_a_tunnel_is_not_opened(host: Running) -> None:
    assert ask(
        host.port, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
    ).status in (400, 404, 405, 501)


def test_the_options_of_the_whole_server_are_asked_without_harm(host: Running) -> None:
    assert ask(host.port, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status < 500


def test_ipv6_is_served(up, tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return  # no loopback of IPv6 in this container
    host = up(write(tmp_path, routed("hello")), "--listen", "[::1]:0")
    assert host.url.startswith("http://[::1]:")
    assert host.get("/").status_code == 200
