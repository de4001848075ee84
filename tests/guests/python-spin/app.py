"""An HTTP guest in Python over Spin's SDK: WASI 0.3 and every `spin:*` package.

`/hello`, `/get?key=`, `/set?key=&value=`, `/exists?key=`, `/delete?key=`,
`/keys`, `/variable?name=`; `store=` names another store than `default`. The
others are in `services.py`.
"""

from urllib.parse import parse_qsl, urlsplit

import services
from componentize_py_types import Err
from spin_sdk import key_value, variables
from spin_sdk.http import Handler, Request, Response


class HttpHandler(Handler):
    """`wasi:http/handler@0.3.0`."""

    async def handle_request(self, request: Request) -> Response:
        """Answers one request; an error of a store is 403, 404 or 500."""
        url = urlsplit(request.uri)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            status, body = await route(url.path, query)
        except Err as error:
            name = type(error.value).__name__
            known = {"Error_AccessDenied": 403, "Error_NoSuchStore": 404, "Error_Undefined": 404}
            words = f": {error.value.value}" if hasattr(error.value, "value") else ""
            status, body = known.get(name, 500), f"error: {name}{words}".encode()
        return Response(status, {"content-type": "text/plain"}, body)


async def route(path: str, query: dict[str, str]) -> tuple[int, bytes]:
    """Status and body."""
    if path in ("/", "/hello"):
        return 200, b"hello from Python and Spin"
    if path == "/variable":
        return 200, (await variables.get(query.get("name", "name"))).encode()
    if (service := services.ROUTES.get(path)) is not None:
        return 200, (await service(query)).encode()
    key = query.get("key", "key")
    with await key_value.open(query.get("store", "default")) as store:
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
                return 200, await names(store)
            case _:
                return 404, b"no such route"


async def names(store: key_value.Store) -> bytes:
    """Every key, sorted, one a line."""
    stream, end = await store.get_keys()
    found: list[str] = []
    with stream:
        while not stream.writer_dropped:
            found += await stream.read(100)
    await end.read()
    return "".join(f"{name}\n" for name in sorted(found)).encode()
