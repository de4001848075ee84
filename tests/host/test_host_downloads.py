"""Downloads of components: what a server may not do with the host that asks it."""

from __future__ import annotations

import contextlib
import threading
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from paddock.errors import PlanError
from paddock.host import downloads
from paddock.manifest.model import UrlSource

DIGEST = f"sha256:{'0' * 64}"


class Dripping(BaseHTTPRequestHandler):
    """Sends bytes, and others for ever."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"x" * 1024)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def source(server: ThreadingHTTPServer) -> UrlSource:
    return UrlSource(f"http://127.0.0.1:{server.server_address[1]}/a.wasm", DIGEST)


def test_a_server_that_never_ends_is_given_up(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LONGEST", 0.0)
    with pytest.raises(PlanError, match="took longer than"):
        downloads.fetch(source(server), tmp_path / "kept")


def test_more_than_fits_is_not_gathered(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST", 1 << 20)
    with pytest.raises(PlanError, match="larger than 1 MiB"):
        downloads.fetch(source(server), tmp_path / "kept")


@pytest.mark.parametrize(
    ("origin", "target", "followed"),
    [
        ("https://example.com/a", "https://cdn.example.com/a", True),
        ("https://example.com/a", "http://127.0.0.1:8500/v1/agent/leave", False),
        ("https://example.com/a", "https://localhost/x", False),
        ("https://example.com:443/a", "http://[::1]/x", False),
        ("https://example.com/a", "http://example.com/a", False),
        ("http://localhost:1/a", "http://127.0.0.1:2/a", True),
        ("http://[::1]:1/a", "http://127.0.0.1:2/a", True),
    ],
)
def test_no_other_machine_sends_us_to_our_own(origin: str, target: str, followed: bool) -> None:
    handler = downloads._OnlyAllowed()

    def redirected() -> object:
        request = urllib.request.Request(origin)
        return handler.redirect_request(request, None, 302, "Found", Message(), target)  # type: ignore[arg-type]

    if followed:
        assert redirected() is not None
    else:
        with pytest.raises(PlanError, match="is not fetched from"):
            redirected()
