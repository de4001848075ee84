"""Load over raw sockets: many kept connections, every answer looked at."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class _Client:
    connection: socket.socket
    data: bytes = b""
    busy: bool = False


class Load:
    """Asks as fast as it is answered, in a thread, until left or `total` is reached.

    A connection that is closed between requests is opened again, as every
    client does; one that is closed without an answer is a failure.
    """

    def __init__(
        self,
        port: int,
        *,
        connections: int,
        total: int | None = None,
        paths: tuple[str, ...] = ("/",),
    ) -> None:
        self.done = 0
        self.failures: list[str] = []
        self.seen: set[bytes] = set()
        self._address = ("127.0.0.1", port)
        self._count = connections
        self._total = total
        self._requests = [
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths
        ]
        self._begun = 0
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        for _ in range(self._count):
            self._next(self._open())
        while self._selector.get_map():
            for key, _ in self._selector.select(1.0):
                self._readable(key.data)
            if len(self.failures) > 20:
                break
        self._selector.close()

    def _open(self) -> _Client:
        client = _Client(socket.create_connection(self._address, 30))
        client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(client.connection, selectors.EVENT_READ, client)
        return client

    def _close(self, client: _Client) -> None:
        self._selector.unregister(client.connection)
        client.connection.close()

    def _next(self, client: _Client) -> None:
        """Send the next request, on a new connection if this one was ended meanwhile."""
        if self._stop.is_set() or (self._total is not None and self._begun >= self._total):
            return self._close(client)
        request = self._requests[self._begun % len(self._requests)]
        self._begun += 1
        for _ in range(3):
            try:
                client.connection.sendall(request)
                client.busy = True
                return None
            except OSError:
                self._close(client)
                client = self._open()
        self.failures.append("a request could not be sent")
        return self._close(client)

    def _readable(self, client: _Client) -> None:
        try:
            part = client.connection.recv(65536)
        except OSError as error:
            part = b""
            if client.busy:
                self.failures.append(f"{time.monotonic():.3f}: {error}")
                client.busy = False
        if not part:
            if client.busy:
                self.failures.append(f"ended after {client.data!r}")
            self._close(client)
            return self._next(self._open())
        client.data += part
        if self._whole(client):
            self._next(client)
        return None

    def _whole(self, client: _Client) -> bool:
        """Whether the answer is complete; it is judged then. All answers have a length."""
        head, end, body = client.data.partition(b"\r\n\r\n")
        if not end:
            return False
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at < 0:
            if not body.endswith(b"0\r\n\r\n"):
                return False
        elif len(body) < int(lower[at + 15 :].split(b"\r\n", 1)[0]):
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            self.failures.append(client.data[:200].decode("latin-1"))
        elif len(self.seen) < 1000:
            self.seen.add(body)
        self.done += 1
        client.data, client.busy = b"", False
        if b"connection: close" in lower:
            self._close(client)
            self._next(self._open())
            return False
        return True
