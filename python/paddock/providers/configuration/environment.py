"""Configuration values from the host's environment and a `.env` file.

The value of `api_key` is in `PADDOCK_VARIABLE_API_KEY`, or in
`SPIN_VARIABLE_API_KEY` as Spin has it. The environment beats the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paddock.errors import Unavailable
from paddock.providers.configuration.dotenv import parse
from paddock.providers.options import Options

PREFIXES = ("PADDOCK_VARIABLE", "SPIN_VARIABLE")
DOTENV = ".env"


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """`prefix`: in place of the two usual ones, without the last underscore.

    `dotenv_path`: a file which must exist; unless it is given, `.env` in the
    current directory is read if it is there.
    """

    prefix: str | None = None
    dotenv_path: str | None = None

    @classmethod
    def from_table(
        cls, options: Mapping[str, object], base: Path | None = None
    ) -> EnvironmentConfig:
        """Read a `[[variables_provider]]` table."""
        del base
        table = Options(options, "an environment variables provider")
        prefix, dotenv_path = table.text("prefix"), table.text("dotenv_path")
        table.done()
        return cls(prefix, dotenv_path)


class EnvironmentValues:
    """The contract is `paddock.capabilities.configuration.Configuration`."""

    def __init__(self, prefixes: tuple[str, ...], file: Mapping[str, str]) -> None:
        self._prefixes = prefixes
        self._file = file

    def get(self, name: str, /) -> str | None:
        """Looks up each prefix, first in the environment, then in the file."""
        suffix = name.upper()
        for source in (os.environ, self._file):
            for prefix in self._prefixes:
                value = source.get(f"{prefix}_{suffix}")
                if value is not None:
                    return value
        return None

    def get_all(self) -> dict[str, str]:
        """Everything under a prefix, names in lower case."""
        found: dict[str, str] = {}
        for source in (self._file, os.environ):
            for prefix in reversed(self._prefixes):
                start = f"{prefix}_"
                for key, value in source.items():
                    if key.startswith(start) and len(key) > len(start):
                        found[key[len(start) :].lower()] = value
        return found

    def close(self) -> None:
        """Nothing to let go."""


class EnvironmentConfiguration:
    """`type = "environment"`, and `type = "env"`, Spin's name for it."""

    Config = EnvironmentConfig

    @staticmethod
    def open(config: object, *, application: str, name: str, state_dir: Path) -> EnvironmentValues:
        """Reads the file once. Raises Unavailable if a file that was named is not there."""
        del application, name, state_dir
        if not isinstance(config, EnvironmentConfig):
            raise TypeError(f"wanted EnvironmentConfig, got {type(config).__name__}")
        prefixes = PREFIXES if config.prefix is None else (config.prefix.rstrip("_"),)
        path = Path(config.dotenv_path or DOTENV)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if config.dotenv_path is not None:
                raise Unavailable(
                    f"can't read variables from {path}: there is no such file",
                    hint="correct `dotenv_path` in the host configuration",
                ) from error
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"can't read variables from {path}: {error}") from error
        return EnvironmentValues(prefixes, parse(text, str(path)))
