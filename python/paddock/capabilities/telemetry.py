"""The telemetry capability: spans, metrics and log records that a guest emits itself."""

from __future__ import annotations

from typing import Protocol


class TelemetrySink(Protocol):
    """Where one component's telemetry goes."""
