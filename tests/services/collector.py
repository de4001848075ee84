"""An OpenTelemetry collector in this process: OTLP over HTTP, protobuf, and what came."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """`answers` are the statuses of the next requests, then 200; `headers` those that came."""

    def __init__(self, port: int = 0) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.logs: list[ExportLogsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        #: Cleared to let requests wait.
        self.go = threading.Event()
        self.go.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.go.wait(30)
                status = collector.take(self.path, dict(self.headers.items()), body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.paths.append(path)
        self.headers.append(headers)
        if self.answers and (status := self.answers.pop(0)) != 200:
            return status
        assert headers["Content-Type"] == "application/x-protobuf"
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        match path.rsplit("/", 1)[1]:
            case "traces":
                self.traces.append(ExportTraceServiceRequest.FromString(body))
            case "metrics":
                self.metrics.append(ExportMetricsServiceRequest.FromString(body))
            case "logs":
                self.logs.append(ExportLogsServiceRequest.FromString(body))
            case _:
                return 404
        return 200

    @property
    def spans(self) -> list[object]:
        """All spans that came."""
        return [
            span
            for request in [*self.traces]
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
