"""Hands the messages of components to Python's logging."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paddock.capabilities.logging import Level
from paddock.providers.options import Options

#: Below DEBUG there is no level in Python's logging; 5 is what others use too.
TRACE = 5
LEVELS: Mapping[str, int] = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

#: A guest could write lines that look like others' or steer a terminal.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9} | {
    0x0A: "\\n",
    0x0D: "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`logger`: the logger above those of the components."""

    logger: str = "paddock.guest"

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> LogConfig:
        """Read the options."""
        del base
        table = Options(options, "a logging provider")
        logger = table.text("logger", "paddock.guest")
        table.done()
        return cls(logger or "paddock.guest")


class LoggerSink:
    """The contract is `paddock.capabilities.logging.LogSink`."""

    def __init__(self, logger: logging.Logger, application: str, component: str) -> None:
        self._logger = logger
        self._extra = {"application": application, "component": component}

    def log(self, level: Level, context: str, message: str, /) -> None:
        """One record, on one line; application and component are its attributes."""
        number = LEVELS[level]
        if self._logger.isEnabledFor(number):
            text = f"[{context}] {message}" if context else message
            self._logger.log(number, "%s", text.translate(_CONTROL), extra=self._extra)


class LogLogging:
    """`type = "log"`."""

    Config = LogConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> LoggerSink:
        """A sink for the component `name`."""
        del state_dir
        if not isinstance(config, LogConfig):
            raise TypeError(f"wanted LogConfig, got {type(config).__name__}")
        logger = logging.getLogger(f"{config.logger}.{application}.{name}")
        return LoggerSink(logger, application, name)
