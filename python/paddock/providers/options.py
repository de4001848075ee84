"""Reads a provider's table of options, with errors that name the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from paddock.errors import ManifestError


class OptionError(ManifestError, ValueError):
    """An option of a provider is unknown, missing or of the wrong kind.

    `key` is the option's name within its table, for whoever knows the file.
    """

    def __init__(self, key: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


class Options:
    """The options of one provider; take what you know, then call `done`."""

    def __init__(self, options: Mapping[str, object], what: str) -> None:
        self._left = {key: value for key, value in options.items() if key != "type"}
        self._known: list[str] = []
        self._what = what

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
