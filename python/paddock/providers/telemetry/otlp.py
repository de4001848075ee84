"""Sends the telemetry of components to an OpenTelemetry collector: OTLP over HTTP, protobuf.

A thread of its own sends in batches; a guest never waits for the collector. What
finds no room, or could not be sent within the timeout, is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paddock.capabilities.telemetry import Attributes, LogRecord, Metrics, Resource, Scope, Span
from paddock.errors import CapabilityError
from paddock.providers.telemetry.otlp_config import OtlpConfig
from paddock.providers.telemetry.otlp_sender import Sender
from paddock.providers.telemetry.queue import Queue
from paddock.types import blocking

#: Seconds that closing waits for what is still to be sent.
LAST = 5.0


class Message(Protocol):
    """Any message of protobuf."""

    def ByteSize(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Item:
    """A record as a message, and the messages that say where it belongs, serialized."""

    resource: bytes
    resource_schema: str
    scope: bytes
    scope_schema: str
    message: Message


class OtlpSink:
    """The contract is `paddock.capabilities.telemetry.TelemetrySink`."""

    def __init__(self, queue: Queue[Item], shared: Attributes, own: Attributes) -> None:
        self._queue = queue
        self._shared = shared
        self._own = own
        self._usual = self._resource(Resource())

    def span(self, span: Span, /) -> None:
        """Takes its place in the queue."""
        from paddock.providers.telemetry import otlp_messages as messages

        self._put("spans", (self._usual, ""), span.scope, messages.span(span))

    def metrics(self, metrics: Metrics, /) -> None:
        """Each metric takes a place in the queue."""
        from paddock.providers.telemetry import otlp_messages as messages

        place = self._resource(metrics.resource), metrics.resource.schema_url
        for scope, found in metrics.scopes:
            for metric in found:
                self._put("metrics", place, scope, messages.metric(metric))

    def log(self, record: LogRecord, /) -> None:
        """Takes its place in the queue."""
        from paddock.providers.telemetry import otlp_messages as messages

        place = self._resource(record.resource), record.resource.schema_url
        self._put("log records", place, record.scope, messages.log(record))

    def _resource(self, found: Resource) -> bytes:
        """What the guest says of itself, and what it can't deny."""
        from paddock.providers.telemetry import otlp_messages as messages

        attributes = {**self._shared, **found.attributes, **self._own}
        encoded: bytes = messages.resource(attributes).SerializeToString(deterministic=True)
        return encoded

    def _put(self, what: str, place: tuple[bytes, str], scope: Scope, message: Message) -> None:
        from paddock.providers.telemetry import otlp_messages as messages

        produced = messages.scope(scope).SerializeToString(deterministic=True)
        item = Item(place[0], place[1], produced, scope.schema_url, message)
        size = len(place[0]) + len(produced) + message.ByteSize()
        self._queue.put(what, item, size)


class OtlpTelemetry:
    """`type = "otlp"`; what it opens is `paddock.capabilities.telemetry.Telemetry`."""

    Config = OtlpConfig

    def __init__(self, config: OtlpConfig) -> None:
        self._config = config
        sender = Sender(config)
        self.queue: Queue[Item] = Queue(
            {what: self._send(sender, what) for what in _REQUESTS}, config.batching
        )
        self._sender = sender

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> OtlpTelemetry:
        """One for the whole host; the collector may be away. CapabilityError without a library."""
        del application, name, state_dir
        if not isinstance(config, OtlpConfig):
            raise TypeError(f"wanted OtlpConfig, got {type(config).__name__}")
        try:
            import paddock.providers.telemetry.otlp_messages  # noqa: F401 - takes a while
        except ImportError as error:
            raise CapabilityError(
                "the package 'opentelemetry-proto' is not installed",
                hint="pip install 'paddock[telemetry]'",
            ) from error
        return OtlpTelemetry(config)

    def sink(self, application: str, component: str, /) -> OtlpSink:
        """`service.name` is the application unless the guest or the operator says otherwise."""
        if not application:
            return OtlpSink(self.queue, {**_host(), **dict(self._config.resource)}, {})
        shared = {"service.name": application, **dict(self._config.resource)}
        own = {"paddock.application": application, "paddock.component": component}
        return OtlpSink(self.queue, shared, own)

    @blocking
    def close(self) -> None:
        """Send what waits; at the end of the time, attempts under way are given up."""
        self.queue.close(LAST)
        self._sender.close()

    def _send(self, sender: Sender, what: str) -> Callable[[Sequence[Item]], None]:
        signal, request = _REQUESTS[what]
        url = dict(self._config.urls)[signal]
        return lambda items: sender.post(url, request(items))


def _host() -> dict[str, str]:
    """What tells a host's process from another one, also while it is upgraded
    (OpenTelemetry semantic conventions, `service`)."""
    from uuid import uuid4

    from paddock import __version__

    return {
        "service.name": "paddock",
        "service.version": __version__,
        "service.instance.id": str(uuid4()),
    }


def _spans(items: Sequence[Item]) -> bytes:
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    request = trace_service_pb2.ExportTraceServiceRequest()
    for (resource, schema), scopes in _grouped(items).items():
        place = request.resource_spans.add(schema_url=schema)
        place.resource.ParseFromString(resource)
        for (scope, scope_schema), messages in scopes.items():
            part = place.scope_spans.add(schema_url=scope_schema)
            part.scope.ParseFromString(scope)
            part.spans.extend(messages)
    encoded: bytes = request.SerializeToString()
    return encoded


def _metrics(items: Sequence[Item]) -> bytes:
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

    request = metrics_service_pb2.ExportMetricsServiceRequest()
    for (resource, schema), scopes in _grouped(items).items():
        place = request.resource_metrics.add(schema_url=schema)
        place.resource.ParseFromString(resource)
        for (scope, scope_schema), messages in scopes.items():
            part = place.scope_metrics.add(schema_url=scope_schema)
            part.scope.ParseFromString(scope)
            part.metrics.extend(messages)
    encoded: bytes = request.SerializeToString()
    return encoded


def _logs(items: Sequence[Item]) -> bytes:
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

    request = logs_service_pb2.ExportLogsServiceRequest()
    for (resource, schema), scopes in _grouped(items).items():
        place = request.resource_logs.add(schema_url=schema)
        place.resource.ParseFromString(resource)
        for (scope, scope_schema), messages in scopes.items():
            part = place.scope_logs.add(schema_url=scope_schema)
            part.scope.ParseFromString(scope)
            part.log_records.extend(messages)
    encoded: bytes = request.SerializeToString()
    return encoded


#: The kinds of items: the signal that they belong to, and how a request is made of them.
_REQUESTS: Mapping[str, tuple[str, Callable[[Sequence[Item]], bytes]]] = {
    "spans": ("traces", _spans),
    "metrics": ("metrics", _metrics),
    "log records": ("logs", _logs),
}


def _grouped(
    items: Sequence[Item],
) -> dict[tuple[bytes, str], dict[tuple[bytes, str], list[Message]]]:
    found: dict[tuple[bytes, str], dict[tuple[bytes, str], list[Message]]] = {}
    for item in items:
        scopes = found.setdefault((item.resource, item.resource_schema), {})
        scopes.setdefault((item.scope, item.scope_schema), []).append(item.message)
    return found
