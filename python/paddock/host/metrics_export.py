"""The host's own metrics on their way to a collector, once in an interval.

Asked for by the table `[metrics]` of the host's configuration, or by the standard
variables of OpenTelemetry. What sends them is a telemetry provider, as for guests: it
never makes anybody wait, and what it can't get rid of is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.errors import ManifestError, PaddockError
from paddock.host.grants import TELEMETRY
from paddock.host.handles import Handles, Key
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.providers.options import Options
from paddock.types import resolve

if TYPE_CHECKING:
    from paddock.capabilities.telemetry import Metrics, Telemetry, TelemetrySink

LOG = logging.getLogger("paddock.host")

#: Seconds between two exports (OpenTelemetry specification, periodic metric reader).
USUAL, LEAST = 60.0, 0.1
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What sends the metrics, and how many seconds lie between two exports."""

    key: Key
    interval: float


def wanted(configuration: HostConfig, state_dir: Path) -> Wanted | None:
    """What the configuration asks for, else the environment; None for no export.

    ManifestError for a table that can't be used; an environment that can't is a warning.
    """
    table = configuration.metrics
    if table is not None:
        return _read(table, configuration, state_dir)
    if not _asked(os.environ):
        return None
    try:
        return _read(ProviderConfig("otlp"), configuration, state_dir)
    except PaddockError as error:
        LOG.warning("metrics of the host are not exported: %s", error)
        return None


def _read(table: ProviderConfig, configuration: HostConfig, state_dir: Path) -> Wanted:
    usual = os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    otherwise = max(int(usual) / 1000, LEAST) if usual.isdigit() else USUAL
    own = Options({"interval": table.options.get("interval")}, "metrics of the host")
    rest = {key: value for key, value in table.options.items() if key != "interval"}
    provider = ProviderConfig(table.type, rest, table.location)
    try:
        interval = own.seconds("interval", otherwise, least=LEAST)
        key = Handles(state_dir).key_of("", *TELEMETRY, provider, configuration)
    except ManifestError as error:
        raise ManifestError(f"{table.location}: {error.message}", hint=error.hint) from error
    return Wanted(key, interval)


def _asked(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables ask a program for metrics over OTLP/HTTP."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = environment.get("OTEL_METRICS_EXPORTER", "otlp").split(",")
    if "otlp" not in map(str.strip, exporters):
        return False
    protocol = environment.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    return any(environment.get(name) for name in _ENDPOINTS) and protocol in (
        None,
        "",
        "http/protobuf",
    )


class MetricsExport:
    """`gather` makes the metrics of the moment. Belongs to the host's event loop."""

    def __init__(self, gather: Callable[[], Metrics]) -> None:
        self._gather = gather
        self._wanted: Wanted | None = None
        self._handles: Handles | None = None
        self._sink: TelemetrySink | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    async def follow(
        self, configuration: HostConfig, state_dir: Path, *, strict: bool = False
    ) -> None:
        """Send from now on as is `wanted`.

        Where that can't be opened the log says so, and with `strict` a CapabilityError
        is raised for a table of the configuration.
        """
        chosen = wanted(configuration, state_dir)
        if chosen == self._wanted:
            return
        try:
            await self._exchange(chosen, Handles(state_dir))
        except PaddockError as error:
            if strict and configuration.metrics is not None:
                raise
            LOG.error("metrics of the host are not exported: %s", error)

    async def _exchange(self, chosen: Wanted | None, handles: Handles) -> None:
        # Before the old one ends: this may fail.
        handle = await handles.acquire(chosen.key) if chosen else None
        await self.close()
        if chosen is None or handle is None:
            return
        # No application's and no component's: the host's.
        self._sink = cast("Telemetry", handle.opened).sink("", "")
        self._handles, self._wanted = handles, chosen
        self._task = asyncio.create_task(self._run(chosen.interval), name="metrics")

    async def _run(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._send()

    async def _send(self) -> None:
        if self._sink is None:
            return
        try:
            await resolve(self._sink.metrics(self._gather()))
            self._failing = False
        except Exception:
            # Providers don't fail; one of somebody else's that does is told of once.
            if not self._failing:
                LOG.exception("metrics of the host can't be exported; this is said once")
            self._failing = True

    async def close(self) -> None:
        """Send the last state, within some seconds; may be repeated."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._send()
        handles, self._handles = self._handles, None
        self._task, self._sink, self._wanted = None, None, None
        if handles is not None:
            await handles.close()
