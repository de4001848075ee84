"""Reads a provider's table of options, with errors that name the key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from paddock.errors import ManifestError


class OptionError(ManifestError, ValueError):
    """An option of a provider is unknown, missing or of the wrong kind.

    `key` is the option's name within its table, for whoever knows the file.
    """

    def __init__(self, key: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or token; two are equal when their values are. It is never shown."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "(secret)"


class Options:
    """The options of one provider; take what you know, then call `done`.

    `base` is the directory that paths in it start from.
    """

    def __init__(self, options: Mapping[str, object], what: str, base: Path | None = None) -> None:
        self._left = {key: value for key, value in options.items() if key != "type"}
        self._known: list[str] = []
        self._what = what
        self._base = base

    def text(self, key: str, default: str | None = None) -> str | None:
        """A string, `default` when it is absent."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, "a string", value)
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`; the first of them when it is absent."""
        value = self.text(key, allowed[0])
        if value is None or value not in allowed:
            options = ", ".join(f'"{each}"' for each in allowed)
            raise OptionError(
                key, f'{self._what}: `{key}` can\'t be "{value}"', hint=f"use one of {options}"
            )
        return value

    def texts(self, key: str) -> dict[str, str]:
        """A table of strings, empty when it is absent; numbers become text."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self._wrong(key, "a table", value)
        return {
            str(name): self._plain(f"{key}.{name}", each)
            for name, each in cast("Mapping[object, object]", value).items()
        }

    def strings(self, key: str) -> list[str]:
        """A list of strings, empty when it is absent."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self._wrong(key, "a list of strings", value)
        items = list(cast("Sequence[object]", value))
        return [self._plain(f"{key}[{number}]", each) for number, each in enumerate(items)]

    def scalar(self, key: str) -> str | int | None:
        """A string or a whole number, for what other hosts write either way."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self._wrong(key, "a string or an integer", value)
        return value

    def required(self, key: str) -> str:
        """A string that has to be there and not empty."""
        value = self.text(key)
        if not value:
            raise OptionError(
                key, f"{self._what} needs the option `{key}`", hint=f'set {key} = "…"'
            )
        return value

    def integer(self, key: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        """A whole number from `least` to `most`."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "an integer", value)
        if not least <= value <= most:
            raise OptionError(key, f"{self._what}: `{key}` must be from {least} to {most}")
        return value

    def number(self, key: str, default: float = 0.0) -> float:
        """A number, whole or not."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(key, "a number", value)
        return float(value)

    def seconds(self, key: str, default: float, *, least: float = 0.0) -> float:
        """A duration: a number of seconds, or a text such as "500ms", "5s" or "2m"."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, str):
            from paddock.manifest.quantities import parse_duration

            try:
                value = parse_duration(value)
            except ManifestError as error:
                raise OptionError(key, f"{self._what}: `{key}`: {error.message}") from error
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(key, "a duration", value)
        if value < least:
            raise OptionError(key, f"{self._what}: `{key}` must be at least {least:g} seconds")
        return float(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(key, "a boolean", value)
        return value

    def secret(self, key: str) -> Secret | None:
        """A password: a text, `{ env = "NAME" }` or `{ file = "PATH" }`; read here and now."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, str):
            return Secret(value)
        if isinstance(value, Mapping):
            table = cast("Mapping[object, object]", value)
            place = [(str(name), text) for name, text in table.items()]
            if len(place) == 1 and isinstance(place[0][1], str):
                kind, text = place[0][0], place[0][1]
                if kind == "env":
                    return self._from_environment(key, text)
                if kind == "file":
                    return self._from_file(key, text)
        raise OptionError(
            key,
            f"{self._what}: `{key}` must be a string or say where it is",
            hint=f'write {key} = {{ env = "NAME" }} or {{ file = "PATH" }}',
        )

    def _from_environment(self, key: str, name: str) -> Secret:
        found = os.environ.get(name)
        if found is None:
            raise OptionError(
                key,
                f"{self._what}: `{key}` is taken from the environment variable {name}, "
                "which is not set",
                hint=f"set {name} where the host is started",
            )
        return Secret(found)

    def _from_file(self, key: str, name: str) -> Secret:
        path = (self._base or Path()) / name
        try:
            # Editors and `echo` end a file with a newline, which is no part of it.
            return Secret(path.read_text(encoding="utf-8").removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise OptionError(
                key, f"{self._what}: `{key}` is taken from {path}, which can't be read: {reason}"
            ) from error

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self._left:
            hint = f"known options: {', '.join(self._known) or 'none'}"
            close = nearest(key, self._known)
            if close:
                hint = f"did you mean `{close}`? {hint}"
            raise OptionError(key, f"{self._what} has no option `{key}`", hint=hint)

    def _take(self, key: str) -> object:
        self._known.append(key)
        return self._left.pop(key, None)

    def _plain(self, key: str, value: object) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        raise self._wrong(key, "a string", value)

    def _wrong(self, key: str, wanted: str, value: object) -> OptionError:
        kinds: dict[type, str] = {
            bool: "a boolean",
            int: "an integer",
            float: "a number",
            str: "a string",
            list: "a list",
            tuple: "a list",
        }
        kind = kinds.get(type(value), "a table")
        return OptionError(key, f"{self._what}: `{key}` must be {wanted}, not {kind}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, if any is like it."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
