"""A proxy before an HTTP server that gives answers of its own when it is told to."""

from __future__ import annotations

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, cast

from tests.services.server import HOST

#: A status and a body, or "cut": the connection ends in the middle of the answer.
Fault = tuple[int, str] | str


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests on to `port`; while `fault` is set, those that write get that."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, 0), _Handler)
        self.port = port
        self.fault: Fault | None = None
        self._thread = threading.Thread(target=self.serve_forever)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def do_GET(self) -> None:
        self._pass_on()

    do_HEAD = do_DELETE = do_GET

    def do_PUT(self) -> None:
        fault = cast("FaultyProxy", self.server).fault
        if fault is None:
            self._pass_on()
            return
        self._body()
        if isinstance(fault, tuple):
            self._answer(fault[0], [], fault[1].encode())
        else:
            self.close_connection = True
            self._answer(200, [("Content-Length", "100")], b"half")

    do_POST = do_PUT

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _pass_on(self) -> None:
        port = cast("FaultyProxy", self.server).port
        with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=30)) as server:
            # With the headers as they are: the signature is over them.
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                server.putheader(name, value)
            server.endheaders(self._body() or None)
            answer = server.getresponse()
            data = answer.read()
        headers = [each for each in answer.getheaders() if each[0].lower() != "transfer-encoding"]
        self._answer(answer.status, headers, data)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(data))))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
