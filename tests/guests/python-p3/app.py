"""An HTTP guest in Python for WASI 0.3, with `spin:key-value@3.0.0`.

`/hello`, `/echo` (the body's stream is handed on), `/sleep?ms=`, `/get?key=`,
`/set?key=&value=`, `/exists?key=`, `/delete?key=`, `/keys`, `/variable?name=`;
`store=` names another store than `default`.
"""

from urllib.parse import parse_qsl, urlsplit

import componentize_py_async_support
import wit_world
import wit_world.exports
from componentize_py_async_support.streams import ByteStreamReader, ByteStreamWriter
from componentize_py_types import Err, Ok
from wit_world.imports import monotonic_clock, variables
from wit_world.imports.key_value import Store
from wit_world.imports.wasi_http_types import Fields, Request, Response

STATUS = {"Error_AccessDenied": 403, "Error_NoSuchStore": 404, "Error_Undefined": 404}


class Handler(wit_world.exports.Handler):
    """`wasi:http/handler@0.3.0`."""

    async def handle(self, request: Request) -> Response:
        """Answers one request; an error of a store is 403, 404 or 500."""
        url = urlsplit(request.get_path_with_query() or "/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if url.path == "/echo":
            done = wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))[1]
            body, _trailers = Request.consume_body(request, done)
            return respond(200, body)
        try:
            status, text = await route(url.path, query)
        except Err as error:
            name = type(error.value).__name__
            status, text = STATUS.get(name, 500), f"error: {name}".encode()
        writer, reader = wit_world.byte_stream()
        componentize_py_async_support.spawn(write(writer, text))
        return respond(status, reader)


async def write(writer: ByteStreamWriter, text: bytes) -> None:
    """Writes the whole body, after the response has begun."""
    with writer:
        await writer.write_all(text)


def respond(status: int, body: ByteStreamReader) -> Response:
    """A response without trailers."""
    make = wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future
    headers = Fields.from_list([("content-type", b"text/plain")])
    response = Response.new(headers, body, make(lambda: Ok(None))[1])[0]
    response.set_status_code(status)
    return response


async def route(path: str, query: dict[str, str]) -> tuple[int, bytes]:
    """Status and body."""
    match path:
        case "/" | "/hello":
            return 200, b"hello from Python and WASI 0.3"
        case "/sleep":
            await monotonic_clock.wait_for(int(query.get("ms", "100")) * 1_000_000)
            return 200, b"slept"
        case "/variable":
            return 200, (await variables.get(query.get("name", "name"))).encode()
        case _:
            with await Store.open(query.get("store", "default")) as store:
                return await keys(store, path, query)


async def keys(store: Store, path: str, query: dict[str, str]) -> tuple[int, bytes]:
    """The routes over an open store."""
    key = query.get("key", "key")
    match path:
        case "/get":
            value = await store.get(key)
            return (404, b"none") if value is None else (200, value)
        case "/set":
            await store.set(key, query.get("value", "").encode())
            return 200, b"ok"
        case "/exists":
            return 200, str(await store.exists(key)).lower().encode()
        case "/delete":
            await store.delete(key)
            return 200, b"ok"
        case "/keys":
            stream, end = await store.get_keys()
            found: list[str] = []
            with stream:
                while not stream.writer_dropped:
                    found += await stream.read(100)
            await end.read()
            return 200, "".join(f"{name}\n" for name in sorted(found)).encode()
        case _:
            return 404, b"no such route"
