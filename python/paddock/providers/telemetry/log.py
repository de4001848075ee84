"""Writes the telemetry of components to the host's log, one line of JSON for each."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from paddock.capabilities.telemetry import LogRecord, Metrics, Span
from paddock.providers.options import Options

#: Characters of a line, at most.
LONGEST = 8000


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`logger`: the logger that gets the lines."""

    logger: str = "paddock.telemetry"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> LogConfig:
        """Read the table `[telemetry]`."""
        del base
        table = Options(options, "telemetry in the log")
        logger = table.text("logger", "paddock.telemetry")
        table.done()
        return cls(logger or "paddock.telemetry")


class LogSink:
    """The contract is `paddock.capabilities.telemetry.TelemetrySink`."""

    def __init__(self, logger: logging.Logger, application: str, component: str) -> None:
        self._logger = logger
        self._extra = {"application": application, "component": component}

    def span(self, span: Span, /) -> None:
        """`span {…}`"""
        self._write(logging.INFO, "span", asdict(span))

    def metrics(self, metrics: Metrics, /) -> None:
        """`metric {…}`, a line for each."""
        for _, found in metrics.scopes:
            for metric in found:
                self._write(logging.INFO, "metric", asdict(metric))

    def log(self, record: LogRecord, /) -> None:
        """`log {…}`, at the level that the record has."""
        level = next((level for most, level in _LEVELS if record.severity <= most), logging.INFO)
        self._write(level, "log", asdict(record))

    def _write(self, level: int, what: str, found: Mapping[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            # JSON escapes line breaks and all else that could look like another's line.
            text = json.dumps(_without_empty(found), default=_shown, separators=(",", ":"))
            self._logger.log(level, "%s %s", what, text[:LONGEST], extra=self._extra)


class LogTelemetry:
    """`type = "log"`; what it opens is `paddock.capabilities.telemetry.Telemetry`."""

    Config = LogConfig

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> LogTelemetry:
        """One for the whole host."""
        del application, name, state_dir
        if not isinstance(config, LogConfig):
            raise TypeError(f"wanted LogConfig, got {type(config).__name__}")
        return LogTelemetry(logging.getLogger(config.logger))

    def sink(self, application: str, component: str, /) -> LogSink:
        """Application and component are attributes of each record."""
        return LogSink(self._logger, application, component)

    def close(self) -> None:
        """Nothing waits."""


#: Up to which severity of OpenTelemetry which level.
_LEVELS: Sequence[tuple[int, int]] = (
    (0, logging.INFO),
    (4, 5),
    (8, logging.DEBUG),
    (12, logging.INFO),
    (16, logging.WARNING),
    (20, logging.ERROR),
    (24, logging.CRITICAL),
)


def _without_empty(found: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in found.items() if value not in (None, "", (), [], {})}


def _shown(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else repr(value)
