"""Configuration values written in the host configuration, or given by the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paddock.providers.options import Options


@dataclass(frozen=True, slots=True)
class StaticConfig:
    """`values`: a table of names and texts; numbers and booleans become text."""

    #: Sorted, so that equal tables make equal configurations; it may hold secrets.
    values: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def from_table(cls, options: Mapping[str, object], base: Path | None = None) -> StaticConfig:
        """Read a `[[variables_provider]]` table."""
        del base
        table = Options(options, "a static variables provider")
        values = table.texts("values")
        table.done()
        return cls(tuple(sorted(values.items())))


class StaticValues:
    """The contract is `paddock.capabilities.configuration.Configuration`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def get(self, name: str, /) -> str | None:
        """Answers in place."""
        return self._values.get(name)

    def get_all(self) -> Mapping[str, str]:
        """All values."""
        return self._values

    def close(self) -> None:
        """Nothing to let go."""


class StaticConfiguration:
    """`type = "static"`."""

    Config = StaticConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> StaticValues:
        """The same values for every application."""
        del application, name, state_dir
        if not isinstance(config, StaticConfig):
            raise TypeError(f"wanted StaticConfig, got {type(config).__name__}")
        return StaticValues(dict(config.values))
