"""An HTTP guest in Python over what servers stand behind, WASI 0.2.

`/count?key=` (increments in the key-value store), `/blob?name=&container=`
(the body, or `value=`, written and read back: "SIZE BYTES"), `/blobs`,
`/publish?subject=&body=`, `/request?subject=&body=`, `/sql?db=&note=` (adds a
note in a transaction, lists them), `/span?name=`, `/log?body=`,
`/counter?name=&n=`. An argument without a value is its own name. Errors: 500,
`error: case words`.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import wit_world.exports
from answers import read, send
from componentize_py_types import Err
from wit_world.imports import (
    atomics,
    blobstore,
    consumer,
    database,
    logs,
    metrics,
    store,
    tracing,
    wall_clock,
)
from wit_world.imports.container import Container
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_blobstore_types import IncomingValue, OutgoingValue
from wit_world.imports.wasi_http_types import IncomingRequest, ResponseOutparam
from wit_world.imports.wasi_otel_types import InstrumentationScope, KeyValue, Resource
from wit_world.imports.wasmcloud_messaging_types import BrokerMessage

SCOPE = InstrumentationScope("guest", "1.0", None, [])
RESOURCE = Resource([KeyValue("service.name", '"python"')], None)
Arg = Callable[..., str]


class IncomingHandler(wit_world.exports.IncomingHandler):
    """`wasi:http/incoming-handler@0.2.0`."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        """Answers one request."""
        url = urlsplit(request.path_with_query() or "/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))

        def arg(name: str, otherwise: str | None = None) -> str:
            return query.get(name, name if otherwise is None else otherwise)

        route = ROUTES.get(url.path)
        if route is None:
            send(response_out, 404, b"no such route")
            return
        body = query["value"].encode() if "value" in query else read(request)
        try:
            status, text = 200, route(arg, body)
        except Err as error:
            words, name = getattr(error.value, "value", ""), type(error.value).__name__
            known = error.value if isinstance(error.value, str) else f"{name} {words}"
            status, text = 500, f"error: {known}\n"
        send(response_out, status, text.encode())


def count(arg: Arg, _body: bytes) -> str:
    """One more under the key."""
    with store.open(arg("store", "default")) as bucket:
        return f"{atomics.increment(bucket, arg('key'), 1)}\n"


def container(arg: Arg) -> Container:
    """Made when it isn't there."""
    name = arg("container", "default")
    if blobstore.container_exists(name):
        return blobstore.get_container(name)
    return blobstore.create_container(name)


def blob(arg: Arg, body: bytes) -> str:
    """Written in parts of 4 KiB, read back as a stream."""
    with container(arg) as objects:
        value = OutgoingValue.new_outgoing_value()
        with value.outgoing_value_write_body() as sink:
            objects.write_data(arg("name"), value)
            for at in range(0, len(body), 4096):
                sink.blocking_write_and_flush(body[at : at + 4096])
        OutgoingValue.finish(value)
        size = objects.object_info(arg("name")).size
        stored = objects.get_data(arg("name"), 0, size)
    found = bytearray()
    with IncomingValue.incoming_value_consume_async(stored) as source:
        while True:
            try:
                found += source.blocking_read(65536)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    break
                raise
    return f"{size} {found.decode()}"


def blobs(arg: Arg, _body: bytes) -> str:
    """The names, sorted."""
    found: list[str] = []
    with container(arg) as objects, objects.list_objects() as names:
        ended = False
        while not ended:
            page, ended = names.read_stream_object_names(10)
            found += page
    return "\n".join(sorted(found))


def publish(arg: Arg, _body: bytes) -> str:
    """One message."""
    consumer.publish(BrokerMessage(arg("subject"), arg("body").encode(), None))
    return "ok\n"


def ask(arg: Arg, _body: bytes) -> str:
    """The reply's body."""
    return consumer.request(arg("subject"), arg("body").encode(), 2000).body.decode()


def sql(arg: Arg, _body: bytes) -> str:
    """A note is added in a transaction, all are listed."""
    table = "CREATE TABLE IF NOT EXISTS python_services (note VARCHAR(100), size BIGINT)"
    values: list[database.Value] = [
        database.Value_Text(arg("note")),
        database.Value_Integer(len(arg("note"))),
    ]
    lines = []
    with database.Connection.open(arg("db", "default")) as connection:
        connection.execute(table, [])
        with connection.begin() as transaction:
            transaction.execute("INSERT INTO python_services VALUES (?, ?)", values)
            transaction.commit()
        select = "SELECT note, size FROM python_services ORDER BY size, note"
        with connection.query(select, []) as rows:
            while page := rows.next(2):
                lines += [" ".join(str(cell.value) for cell in row) for row in page]
    return "".join(f"{line}\n" for line in lines)


def span(arg: Arg, _body: bytes) -> str:
    """A span below the host's: trace and parent."""
    outer = tracing.outer_span_context()
    context = tracing.SpanContext(
        outer.trace_id, "00000000000000aa", outer.trace_flags, False, outer.trace_state
    )
    tracing.on_start(context)
    begun = wall_clock.now()
    kind, status = tracing.SpanKind.INTERNAL, tracing.Status_Ok()
    data = (arg("name"), begun, wall_clock.now(), [KeyValue("language", '"python"')], [], [])
    tracing.on_end(tracing.SpanData(context, outer.span_id, kind, *data, status, SCOPE, 0, 0, 0))
    return f"{outer.trace_id}\n{outer.span_id}\n"


def log(arg: Arg, _body: bytes) -> str:
    """One record."""
    now = wall_clock.now()
    body = f'"{arg("body")}"'
    record = (now, now, "INFO", 9, body, [], None, RESOURCE, SCOPE, None, None, None)
    logs.on_emit(logs.LogRecord(*record))
    return "logged\n"


def counter(arg: Arg, _body: bytes) -> str:
    """A sum of one point."""
    now = wall_clock.now()
    point = metrics.SumDataPoint([], metrics.MetricNumber_U64(int(arg("n", "1"))), [])
    total = metrics.Sum([point], now, now, metrics.Temporality.CUMULATIVE, True)
    metric = metrics.Metric(arg("name"), "from Python", "1", metrics.MetricData_U64Sum(total))
    metrics.export(metrics.ResourceMetrics(RESOURCE, [metrics.ScopeMetrics(SCOPE, [metric])]))
    return "exported\n"


ROUTES: dict[str, Callable[[Arg, bytes], str]] = {
    "/hello": lambda _arg, _body: "hello from Python",
    "/count": count,
    "/blob": blob,
    "/blobs": blobs,
    "/publish": publish,
    "/request": ask,
    "/sql": sql,
    "/span": span,
    "/log": log,
    "/counter": counter,
}
