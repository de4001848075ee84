"""An HTTP guest in Python: `/hello`, `/echo`, `/json`, `/sleep?ms=`.

It is built by componentize-py, which puts the bindings (`wit_world`) beside it.
"""

import json
from urllib.parse import parse_qsl, urlsplit

import wit_world.exports
from componentize_py_types import Err, Ok
from wit_world.imports import monotonic_clock
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(wit_world.exports.IncomingHandler):
    """`wasi:http/incoming-handler@0.2.0`."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        """Answers one request."""
        url = urlsplit(request.path_with_query() or "/")
        query = dict(parse_qsl(url.query))
        match url.path:
            case "/" | "/hello":
                send(response_out, 200, "text/plain", b"hello from Python")
            case "/echo":
                send(response_out, 200, "application/octet-stream", read(request))
            case "/json":
                body = json.dumps({"path": url.path, "query": query}).encode()
                send(response_out, 200, "application/json", body)
            case "/sleep":
                nanoseconds = int(query.get("ms", "100")) * 1_000_000
                monotonic_clock.subscribe_duration(nanoseconds).block()
                send(response_out, 200, "text/plain", b"slept")
            case _:
                send(response_out, 404, "text/plain", b"no such route")


def read(request: IncomingRequest) -> bytes:
    """The whole body."""
    body = request.consume()
    parts: list[bytes] = []
    with body, body.stream() as stream:
        while True:
            try:
                parts.append(stream.blocking_read(65536))
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return b"".join(parts)
                raise


def send(out: ResponseOutparam, status: int, kind: str, body: bytes) -> None:
    """A whole response with a content-length."""
    headers = [("content-type", kind.encode()), ("content-length", str(len(body)).encode())]
    response = OutgoingResponse(Fields.from_list(headers))
    response.set_status_code(status)
    outgoing = response.body()
    ResponseOutparam.set(out, Ok(response))
    with outgoing.write() as stream:
        for start in range(0, len(body), 4096):
            stream.blocking_write_and_flush(body[start : start + 4096])
    OutgoingBody.finish(outgoing, None)
