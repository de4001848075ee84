"""A listener of its own for whoever looks after the host: liveness, readiness, metrics.

    GET /livez     200 as long as the event loop turns
    GET /readyz    200 while the host takes work, else 503 with the reason
    GET /metrics   Prometheus text exposition, version 0.0.4

It speaks as much HTTP/1.1 as that needs, each connection carrying one request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from http import HTTPStatus

from paddock.errors import HostError
from paddock.host.listen import parse_address

#: Bytes of a request's head, seconds for it to come, connections at once.
HEAD = 8 << 10
PATIENCE = 5.0
MOST = 32

Answer = tuple[HTTPStatus, str, str]
TEXT = "text/plain; charset=utf-8"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class AdminServer:
    """`ready` answers None, or why not; `metrics` the exposition."""

    def __init__(self, ready: Callable[[], str | None], metrics: Callable[[], str]) -> None:
        self._ready = ready
        self._metrics = metrics
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self, address: str) -> str:
        """Listen on HOST:PORT; answers the URL. HostError when that can't be done."""
        place = parse_address(address)
        try:
            # A successor of this host listens on the same port before this one ends.
            self._server = await asyncio.start_server(
                self._serve, place.host, place.port, limit=HEAD, reuse_port=True
            )
        except OSError as error:
            raise HostError(
                f"can't listen on {address} for health and metrics: {error.strerror}",
                hint="choose another address with --admin-listen",
            ) from error
        name = self._server.sockets[0].getsockname()
        shown = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"http://{shown}:{name[1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST:
                async with asyncio.timeout(PATIENCE):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._response(head))
                    await writer.drain()
        except (
            ConnectionError,
            TimeoutError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            pass
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _response(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        method, target = (words[0], words[1]) if len(words) == 3 else ("", "")
        status, kind, body = self._answer(method, target.partition("?")[0])
        content = body.encode()
        lines = (
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"content-type: {kind}",
            f"content-length: {len(content)}",
            "cache-control: no-store",
            "connection: close",
        )
        sent = b"" if method == "HEAD" else content
        return "\r\n".join((*lines, "", "")).encode() + sent

    def _answer(self, method: str, path: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, TEXT, "GET only\n"
        if path == "/livez":
            return HTTPStatus.OK, TEXT, "ok\n"
        if path == "/readyz":
            reason = self._ready()
            if reason is None:
                return HTTPStatus.OK, TEXT, "ok\n"
            return HTTPStatus.SERVICE_UNAVAILABLE, TEXT, f"{reason}\n"
        if path == "/metrics":
            return HTTPStatus.OK, EXPOSITION, self._metrics()
        return HTTPStatus.NOT_FOUND, TEXT, "there is /livez, /readyz and /metrics\n"
