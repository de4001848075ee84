"""What stands behind `%{port=N}` of a case: a server, started when a case first asks for it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.services.mosquitto import MosquittoServer
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import MissingProgram, Server


class HttpEcho(BaseHTTPRequestHandler):
    """Answers with the request's body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


class TcpEcho(socketserver.BaseRequestHandler):
    """Sends back what comes."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Ports:
    """The ports of the services, by the number that cases know them by."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._known: dict[int, int] = {}
        self._services: dict[int, Callable[[], int]] = {
            80: lambda: self._threaded(ThreadingHTTPServer(("127.0.0.1", 0), HttpEcho)),
            1883: self._mqtt,
            5000: lambda: self._threaded(
                socketserver.ThreadingTCPServer(("127.0.0.1", 0), TcpEcho)
            ),
            5432: self._postgres,
            6379: self._redis,
        }

    def port(self, number: int) -> int:
        """Where the service with this usual port really listens."""
        if number not in self._known:
            self._known[number] = self._services[number]()
        return self._known[number]

    def close(self) -> None:
        self._stack.close()

    def _threaded(self, server: socketserver.BaseServer) -> int:
        server.daemon_threads = True  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return int(server.server_address[1])

    def _started(self, server: Server) -> int:
        self._stack.callback(server.close)
        try:
            server.start()
        except MissingProgram as missing:
            pytest.skip(str(missing))
        return server.port

    def _redis(self) -> int:
        server = RedisServer()
        port = self._started(server)
        # The cases give no password.
        assert server.call("CONFIG", "SET", "requirepass", "") == b"+OK"
        return port

    def _mqtt(self) -> int:
        server = MosquittoServer()
        server.user, server.password, server._accepted = "user", "password", "password"
        return self._started(server)

    def _postgres(self) -> int:
        server = PostgresServer()
        port = self._started(server)
        server.execute("ALTER ROLE postgres PASSWORD 'postgres'")
        server.execute("CREATE DATABASE spin_dev")
        return port
