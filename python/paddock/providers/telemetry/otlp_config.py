"""Where an OpenTelemetry collector is: the table `[telemetry]`, then the OTEL_* variables.

The variables are those of the OpenTelemetry specification (OTLP exporter, batch
span processor, resource); durations in them are milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from paddock.providers.options import OptionError, Options
from paddock.providers.telemetry.queue import Batching

WHAT = "OpenTelemetry"

SIGNALS = ("traces", "metrics", "logs")


@dataclass(frozen=True, slots=True)
class OtlpConfig:
    """`urls` by signal; `headers` are sent with each request and never shown.

    `resource` are attributes of all that is sent. `timeout` in seconds bounds an
    export with all its attempts.
    """

    urls: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    resource: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0
    gzip: bool = False
    certificate: str | None = None
    batching: Batching = field(default_factory=Batching)

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> OtlpConfig:
        """Read the table `[telemetry]`; OptionError names a bad key."""
        table = Options(options, WHAT, base)
        endpoint = table.text("endpoint")
        headers = {**_pairs("OTEL_EXPORTER_OTLP_HEADERS"), **table.texts("headers")}
        resource = {**_resource(), **table.texts("resource")}
        timeout = table.seconds("timeout", _milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000))
        certificate = table.text("certificate", os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE"))
        if certificate and base is not None:
            certificate = str(base / certificate)
        compression = table.text("compression", os.environ.get("OTEL_EXPORTER_OTLP_COMPRESSION"))
        if compression not in (None, "", "none", "gzip"):
            raise OptionError(
                "compression",
                f'{WHAT}: `compression` can\'t be "{compression}"',
                hint='use "gzip" or "none"',
            )
        most = table.integer("queue", _number("OTEL_BSP_MAX_QUEUE_SIZE", 2048), least=1)
        batch = table.integer("batch", _number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512), least=1)
        delay = table.seconds("delay", _milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5000))
        table.done()
        return cls(
            urls=tuple((signal, _url(signal, endpoint)) for signal in SIGNALS),
            headers=tuple(sorted(headers.items())),
            resource=tuple(sorted(resource.items())),
            timeout=timeout,
            gzip=compression == "gzip",
            certificate=certificate,
            batching=Batching(most, min(batch, most), delay),
        )


def _url(signal: str, endpoint: str | None) -> str:
    if endpoint is None:
        own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        if own:
            return _checked(own, f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
        _checked(endpoint, "OTEL_EXPORTER_OTLP_ENDPOINT")
    return f"{_checked(endpoint, 'endpoint').rstrip('/')}/v1/{signal}"


def _checked(url: str, where: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise OptionError(
            "endpoint",
            f"{WHAT}: {where} is not the URL of a collector",
            hint='write endpoint = "http://localhost:4318", a token into `headers`',
        )
    return url


def _resource() -> dict[str, str]:
    found = _pairs("OTEL_RESOURCE_ATTRIBUTES")
    if name := os.environ.get("OTEL_SERVICE_NAME"):
        found["service.name"] = name
    return found


def _pairs(variable: str) -> dict[str, str]:
    """`key=value,key=value`, escaped as in URLs (W3C Baggage)."""
    pairs = (each.partition("=") for each in os.environ.get(variable, "").split(","))
    return {key.strip(): unquote(value.strip()) for key, equals, value in pairs if equals}


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdigit() else default


def _milliseconds(variable: str, default: int) -> float:
    return _number(variable, default) / 1000
