"""HTTP/2 with prior knowledge, TLS, and the choice between versions in it (ALPN)."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import httpx
import pytest
from hosts import Running, paddock
from manifests import configuration, routed, write
from wire import Wire

CERTIFICATE = Path(__file__).parent / "certificate" / "certificate.pem"
KEY = Path(__file__).parent / "certificate" / "key.pem"


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    async_guest = routed("http3").replace('"/..."', '"/..."\nhost = "async.test"')
    return module_up(write(tmp_path_factory.mktemp("http2"), routed("routes"), async_guest))


@pytest.fixture(scope="module")
def secure(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    return module_up(
        write(tmp_path_factory.mktemp("tls"), routed("routes")),
        "--tls-cert",
        CERTIFICATE,
        "--tls-key",
        KEY,
    )


def context(*protocols: str) -> ssl.SSLContext:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    if protocols:
        trusting.set_alpn_protocols(list(protocols))
    return trusting


def test_http_2_is_spoken_with_prior_knowledge(host: Running) -> None:
    with host.new_client(http1=False, http2=True) as client:
        answer = client.get("/request")
        assert answer.http_version == "HTTP/2"
        assert f"authority: 127.0.0.1:{host.port}\n" in answer.text
        assert client.post("/echo", content=b"x" * 3_000_000).content == b"x" * 3_000_000


def test_many_streams_share_a_connection_of_http_2(host: Running) -> None:
    import asyncio

    async def together() -> list[str]:
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(
            base_url=host.url, http1=False, http2=True, limits=limits, timeout=60, trust_env=False
        ) as client:
            began = time.monotonic()
            answers = await asyncio.gather(*(client.get("/sleep?ms=200") for _ in range(50)))
            assert time.monotonic() - began < 5
        return [answer.text for answer in answers]

    assert asyncio.run(together()) == ["slept 200 ms"] * 50


class Two:
    """A connection of HTTP/2 by hand."""

    def __init__(self, port: int, authority: str = "x") -> None:
        self._authority = authority
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.state.data_to_send())

    def headers(
        self, stream: int, path: str, *, end: bool, method: str = "GET", **more: str
    ) -> None:
        head = [
            (":method", method),
            (":path", path),
            (":scheme", "http"),
            (":authority", self._authority),
            *more.items(),
        ]
        self.state.send_headers(stream, head, end_stream=end)
        self.flush()

    def events(self, stream: int) -> list[object]:
        """All events until the stream ends, or the connection does."""
        seen: list[object] = []
        while True:
            data = self.socket.recv(65536)
            if not data:
                return seen
            for event in self.state.receive_data(data):
                seen.append(event)
                if isinstance(event, h2.events.DataReceived):
                    self.state.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                ended = (h2.events.StreamEnded, h2.events.StreamReset)
                if isinstance(event, ended) and event.stream_id == stream:
                    return seen
                if isinstance(event, h2.events.ConnectionTerminated):
                    return seen
            self.flush()


@pytest.mark.parametrize("authority", ["x", "async.test"])
def test_trailers_go_both_ways_in_http_2(host: Running, authority: str) -> None:
    two = Two(host.port, authority)
    two.headers(1, "/trailers", end=False, method="POST", te="trailers")
    two.state.send_data(1, b"hello")
    two.state.send_headers(1, [("x-sum", "99")], end_stream=True)
    two.flush()
    [trailers] = [
        dict(e.headers) for e in two.events(1) if isinstance(e, h2.events.TrailersReceived)
    ]
    assert trailers == {"x-body-bytes": "5", "x-sum": "99"}


def test_a_stream_that_the_client_gives_up_ends_alone(host: Running) -> None:
    two = Two(host.port)
    two.headers(1, "/stream?n=1000000&ms=10", end=True)
    two.headers(3, "/sleep?ms=200", end=True)
    two.state.reset_stream(1)
    two.flush()
    data = [
        e.data for e in two.events(3) if isinstance(e, h2.events.DataReceived) and e.stream_id == 3
    ]
    assert b"".join(data) == b"slept 200 ms"


def test_a_flood_of_given_up_streams_does_not_keep_others_out(host: Running) -> None:
    two = Two(host.port)
    try:
        for stream in range(1, 2001, 2):
            two.headers(stream, "/sleep?ms=2000", end=True)
            two.state.reset_stream(stream)
        two.flush()
    except ConnectionError:
        pass  # the host had enough
    began = time.monotonic()
    assert host.get("/hello").text == "hello"
    assert time.monotonic() - began < 5


def test_headers_beyond_all_measure_are_refused_in_http_2(host: Running) -> None:
    two = Two(host.port)
    try:
        for stream in (1, 3):
            two.headers(stream, "/hello", end=True, **{f"x-{n}": "y" * 1000 for n in range(100)})
        events = two.events(3)
    except (ConnectionError, h2.exceptions.ProtocolError):
        events = []
    statuses = [
        dict(e.headers)[":status"] for e in events if isinstance(e, h2.events.ResponseReceived)
    ]
    assert all(status in ("200", "431") for status in statuses)
    assert host.get("/hello").text == "hello"


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]
)
def test_alpn_chooses_the_version(secure: Running, offered: list[str], chosen: str | None) -> None:
    with Wire(secure.port, context=context(*offered)) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        assert wire.socket.selected_alpn_protocol() == chosen
        assert wire.socket.version() in ("TLSv1.2", "TLSv1.3")


def test_both_versions_are_served_over_tls_and_the_guest_learns_the_scheme(secure: Running) -> None:
    assert secure.url.startswith("https://")
    for two in (False, True):
        with secure.new_client(verify=context(), http2=two) as client:
            answer = client.get("/request")
            assert answer.http_version == ("HTTP/2" if two else "HTTP/1.1")
            assert "scheme: Some(Scheme::Https)" in answer.text
            assert f"spin-full-url: {secure.url}/headers" in client.get("/headers").text


def test_handshakes_that_never_end_hold_nobody_up(secure: Running) -> None:
    waiting = [socket.create_connection(("127.0.0.1", secure.port)) for _ in range(100)]
    try:
        for number, connection in enumerate(waiting):
            if number % 2:
                connection.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        with secure.new_client(verify=context()) as client:
            assert client.get("/hello").text == "hello"
        assert time.monotonic() - began < 3
    finally:
        for connection in waiting:
            connection.close()


def test_a_handshake_that_never_ends_is_ended_by_the_host(up, tmp_path: Path) -> None:
    config = configuration(
        tmp_path,
        f'[limits]\nheader_timeout = "500ms"\n[tls]\ncertificate = "{CERTIFICATE}"\nkey = "{KEY}"\n',
    )
    host = up(write(tmp_path, routed("hello")), "--config", config)
    with socket.create_connection(("127.0.0.1", host.port), 15) as silent:
        began = time.monotonic()
        assert silent.recv(10) == b""
        assert time.monotonic() - began < 12


def test_plain_text_on_a_tls_port_is_refused_without_harm(secure: Running) -> None:
    with Wire(secure.port) as wire:
        wire.request("GET / HTTP/1.1")
        data = wire.socket.recv(100)
        assert not data.startswith(b"HTTP/1.1 200")
    with secure.new_client(verify=context()) as client:
        assert client.get("/hello").text == "hello"


def test_a_certificate_that_can_not_be_used_is_a_clear_error(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, routed("hello"))
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    for certificate, key in (
        (broken, KEY),
        (CERTIFICATE, broken),
        (CERTIFICATE, tmp_path / "absent"),
        (KEY, CERTIFICATE),
    ):
        done = paddock(
            "up",
            manifest,
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
            cache=cache,
        )
        assert done.returncode in (2, 3, 5, 6), done.stderr
        assert "Traceback" not in done.stderr and "error:" in done.stderr


def test_an_http_2_client_that_gives_no_window_does_not_hold_its_instance(
    up, tmp_path: Path
) -> None:
    config = configuration(
        tmp_path,
        '[limits]\ninstances = 1\nqueue_timeout = "30s"\nidle_timeout = "1s"\ntime = "1s"\n',
    )
    host: Running = up(write(tmp_path, routed("hostile")), "--config", config)
    two = Two(host.port)
    two.headers(1, "/endless", end=True)
    # The stream's first window is filled, and no other is ever given.
    assert host.get("/ignore-body").text == "not read"
    two.socket.close()
