"""HTTP/1.1 by hand: what a client library would refuse to send, and what really came back."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field


@dataclass
class Answer:
    """A response as it came over the wire; names of headers are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    #: Whether the body came to its end as its framing said.
    whole: bool = True

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]


class Wire:
    """A connection that sends what it is given."""

    def __init__(
        self, port: int, timeout: float = 30.0, context: ssl.SSLContext | None = None
    ) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._rest = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Break the connection off: the other side gets RST, not FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def request(self, line: str, *headers: str, body: bytes = b"", host: str = "localhost") -> None:
        """A request with a Host header unless `host` is empty."""
        head = [line, *([f"Host: {host}"] if host else []), *headers, "", ""]
        self.send("\r\n".join(head).encode("latin-1") + body)

    def more(self) -> bool:
        """Read what there is; False at the end of the connection."""
        data = self.socket.recv(65536)
        self._rest += data
        return bool(data)

    def line(self) -> bytes:
        while b"\n" not in self._rest:
            if not self.more():
                raise EOFError(f"the connection ended after {self._rest!r}")
        line, self._rest = self._rest.split(b"\n", 1)
        return line.rstrip(b"\r")

    def exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            if not self.more():
                raise EOFError(f"{size - len(self._rest)} bytes short")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def closed(self) -> bool:
        """Whether the other side ends the connection without another byte."""
        try:
            return not self._rest and not self.more()
        except ConnectionError:
            return True

    def head(self) -> Answer:
        """Status and headers; the body stays to be read."""
        status = self.line().split(b" ", 2)
        assert status[0].startswith(b"HTTP/1."), status
        return Answer(int(status[1]), self._fields())

    def answer(self, method: str = "GET") -> Answer:
        """A whole response to a request with `method`, or as much as there is."""
        answer = self.head()
        if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
            return answer
        try:
            self._body(answer)
        except (EOFError, ConnectionError):
            answer.whole = False
        return answer

    def _fields(self) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while line := self.line():
            name, _, value = line.partition(b":")
            fields.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
        return fields

    def _body(self, answer: Answer) -> None:
        length = answer.header("content-length")
        if length is not None:
            while missing := int(length) - len(answer.body):
                if not self._rest and not self.more():
                    raise EOFError(f"{missing} bytes short")
                answer.body, self._rest = answer.body + self._rest[:missing], self._rest[missing:]
        elif answer.header("transfer-encoding") == "chunked":
            while size := int(self.line().split(b";")[0], 16):
                answer.body += self.exactly(size)
                self.line()
            answer.trailers = self._fields()
        else:
            while self.more():
                pass
            answer.body, self._rest = self._rest, b""


def ask(port: int, data: bytes | str, method: str = "GET") -> Answer:
    """Send bytes on a connection of their own; the response."""
    with Wire(port) as wire:
        wire.send(data)
        return wire.answer(method)
