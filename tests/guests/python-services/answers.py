"""Bodies of requests and responses of WASI 0.2."""

from componentize_py_types import Err, Ok
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


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


def send(response_out: ResponseOutparam, status: int, text: bytes) -> None:
    """A whole response."""
    length = str(len(text)).encode()
    headers = Fields.from_list([("content-type", b"text/plain"), ("content-length", length)])
    response = OutgoingResponse(headers)
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        for at in range(0, len(text), 4096):
            stream.blocking_write_and_flush(text[at : at + 4096])
    OutgoingBody.finish(body, None)
