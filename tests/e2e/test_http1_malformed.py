"""Requests of HTTP/1.1 that are none: refused, and nothing after them believed."""

from __future__ import annotations

import pytest
from hosts import Running
from manifests import routed, write
from wire import Answer, Wire


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    return module_up(write(tmp_path_factory.mktemp("malformed"), routed("routes")))


MALFORMED = {
    "nonsense": "nonsense\r\n\r\n",
    "no version": "GET /\r\nHost: x\r\n\r\n",
    "a version of the future": "GET / HTTP/7.3\r\nHost: x\r\n\r\n",
    "a space in a header's name": "GET / HTTP/1.1\r\nHost: x\r\nX Y: 1\r\n\r\n",
    "a space before the colon": "GET / HTTP/1.1\r\nHost: x\r\nX-Y : 1\r\n\r\n",
    "a header without a colon": "GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
    "a zero byte in a value": "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "a lone CR in a value": "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    "a method with a space": "G ET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control byte in the target": "GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": "GET hello HTTP/1.1\r\nHost: x\r\n\r\n",
    "a negative length": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length in letters": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n",
    "a length with a sign": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
    "two lengths": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "an endless length": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "length and chunks": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "an unknown coding": "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: wonders\r\n\r\n",
    "chunked not last": "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": "POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_refused_and_the_connection_ends(host: Running, what: str) -> None:
    with Wire(host.port) as wire:
        wire.send(MALFORMED[what])
        try:
            answer = wire.answer()
        except (EOFError, ConnectionError):
            answer = Answer(400, [])
        else:
            # After what can't be understood nothing can be, so nothing is smuggled.
            wire.socket.settimeout(10)
            assert wire.closed()
    if what in ("length and chunks", "chunks and length"):
        # RFC 9112, 6.3: the chunks count, and the connection ends with the answer.
        assert answer.header("connection") == "close"
    else:
        assert 400 <= answer.status <= 505, answer
    assert host.get("/hello").text == "hello"


BAD_CHUNKS = {
    "letters": b"xyz\r\nabc\r\n0\r\n\r\n",
    "a size that overflows": b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
    "a negative size": b"-1\r\na\r\n0\r\n\r\n",
    "no CRLF after the data": b"3\r\nabcXX0\r\n\r\n",
    "an empty size": b"\r\nabc\r\n0\r\n\r\n",
    "0x in front": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a huge extension": b"3;" + b"x" * 100_000 + b"\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD_CHUNKS)
def test_bad_chunks_end_the_connection_and_the_guest_learns_of_it(host: Running, what: str) -> None:
    with Wire(host.port) as wire:
        wire.request("POST /upload HTTP/1.1", "Transfer-Encoding: chunked", body=BAD_CHUNKS[what])
        try:
            assert wire.answer().status == 400
            assert wire.closed()
        except (EOFError, ConnectionError):
            pass
    assert host.get("/hello").text == "hello"


@pytest.mark.parametrize(
    "head",
    [
        "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: " + "x" * 1_000_000 + "\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\n"
        + "".join(f"X-{n}: 1\r\n" for n in range(5000))
        + "\r\n",
        "GET /" + "x" * 1_000_000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["one long header", "many headers", "a long target"],
)
def test_an_oversized_head_is_refused(host: Running, head: str) -> None:
    with Wire(host.port) as wire:
        try:
            wire.send(head)
            assert wire.answer().status in (400, 414, 431)
        except (ConnectionError, EOFError):
            pass
    assert host.get("/hello").text == "hello"
