"""Guests whose responses break the rules, and clients that don't read them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hosts import Running, while_served
from manifests import configuration, routed, write
from wire import Wire


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    def at(id: str, time: str) -> str:
        limits = f'limits = {{ time = "{time}" }}\n'
        return routed(id, "hostile", limits).replace('"/..."', f'"/..."\nhost = "{id}.test"')

    directory = tmp_path_factory.mktemp("bodies")
    return module_up(
        write(directory, routed("neighbour", "hello"), at("hostile", "1s"), at("slow", "60s"))
    )


def test_a_client_that_stops_reading_does_not_hold_its_instance_for_ever(
    up, tmp_path: Path
) -> None:
    config = configuration(
        tmp_path,
        '[limits]\ninstances = 1\nqueue_timeout = "30s"\nidle_timeout = "1s"\ntime = "1s"\n',
    )
    host: Running = up(write(tmp_path, routed("hostile")), "--config", config)
    with Wire(host.port) as wire:
        wire.request("GET /endless HTTP/1.1")
        assert wire.head().status == 200
        # The only slot is taken until the host ends the stream that nobody reads.
        assert host.get("/ignore-body").text == "not read"


def test_a_client_that_sends_half_a_body_holds_its_instance_no_longer_than_its_time(
    up, tmp_path: Path
) -> None:
    config = configuration(tmp_path, '[limits]\ninstances = 1\nqueue_timeout = "30s"\n')
    host: Running = up(
        write(tmp_path, routed("routes", extra='limits = { time = "1s" }\n')), "--config", config
    )
    with Wire(host.port) as wire:
        wire.request("POST /upload HTTP/1.1", "Content-Length: 1000", body=b"half")
        assert wire.answer().status in (408, 504)
    assert host.get("/hello").text == "hello"


def test_a_response_that_never_ends_ends_with_its_client(host: Running) -> None:
    wires = [Wire(host.port) for _ in range(4)]
    for wire in wires:
        wire.request("GET /endless HTTP/1.1", host="slow.test")
        assert wire.head().status == 200
        wire.exactly(100_000)

    def leave() -> None:
        for wire in wires:
            wire.reset()

    while_served(host, leave)


def test_a_response_that_never_ends_and_is_not_read_takes_no_memory(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /endless HTTP/1.1", host="slow.test")
        assert wire.head().status == 200
        before = resident(host)
        for _ in range(20):
            while_served(host, lambda: None)
        assert resident(host) - before < 64 << 20


def resident(host: Running) -> int:
    pages = Path(f"/proc/{host.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_fewer_bytes_than_declared_break_the_response(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /close-early HTTP/1.1", host="hostile.test")
        try:
            answer = wire.answer()
        except EOFError:
            return
    assert answer.status == 500 or not answer.whole


def test_more_bytes_than_declared_are_not_sent(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /too-many HTTP/1.1", host="hostile.test")
        answer = wire.answer()
        assert answer.status == 500 or len(answer.body) <= 5
        # What is too much must not look like the next response.
        try:
            wire.request("GET / HTTP/1.1")
            assert wire.answer().body.strip() == b"hello"
        except (EOFError, ConnectionError):
            pass


def test_a_body_that_is_not_finished_is_cut(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /no-finish HTTP/1.1", host="hostile.test")
        try:
            answer = wire.answer()
        except EOFError:
            return
    assert answer.status == 500 or not answer.whole


def test_a_trap_in_the_middle_cuts_the_response(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /trap-after-headers HTTP/1.1", host="hostile.test")
        try:
            answer = wire.answer()
        except EOFError:
            answer = None
    assert answer is None or answer.status == 500 or not answer.whole
    host.logged(r"\[hostile\] error: the guest failed: .*unreachable")


def test_bytes_that_are_no_utf8_in_a_header_pass_or_are_refused(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /bytes-in-headers HTTP/1.1", host="hostile.test")
        answer = wire.answer()
    assert answer.status == 200
    if b"accepted" in answer.body:
        assert answer.header("x-bytes") == "a\xff\xfez"


def test_headers_can_not_be_injected(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /injection HTTP/1.1", host="hostile.test")
        answer = wire.answer()
        assert answer.status == 200
        assert b"accepted" not in answer.body
        assert answer.header("x-injected") is None
        assert b"<html>" not in answer.body.split(b"\n")[0]
        wire.request("GET / HTTP/1.1")
        assert wire.answer().body.strip() == b"hello"


def test_headers_that_belong_to_the_host_can_not_be_set(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /forbidden HTTP/1.1", host="hostile.test")
        answer = wire.answer()
        assert answer.status == 200
        for name in ("upgrade", "keep-alive", "proxy-connection", "http2-settings"):
            assert answer.header(name) is None, name
        wire.request("GET / HTTP/1.1")
        assert wire.answer().body.strip() == b"hello"


def test_huge_headers_of_a_guest_do_no_harm(host: Running) -> None:
    with Wire(host.port, timeout=60) as wire:
        wire.request("GET /huge-headers?n=1000 HTTP/1.1", host="slow.test")
        with contextlib.suppress(EOFError, ConnectionError):
            assert wire.answer().status in (200, 500)
    assert host.get("/").status_code == 200
