"""Where a wash project's `configs` come from: inline, a file, a directory, our environment."""

# pydantic copies the mutable defaults of a model.
# ruff: noqa: RUF012

from __future__ import annotations

import os
from pathlib import Path

from paddock.manifest.fields import Name, Table, Text
from paddock.manifest.positions import KeyPath
from paddock.manifest.translation import Translation

#: Bytes of a file of configuration.
MOST = 1 << 20


class ConfigSource(Table):
    """One of `configs` or `secrets`; of several places the last one wins."""

    inline: dict[Text, Text] = {}
    file: Name | None = None
    dir: Name | None = None
    fromEnv: list[Name] = []


def values_of(
    made: Translation, source: ConfigSource, project: Path, origin: KeyPath
) -> dict[str, str]:
    """All values of a source; what can't be read is a mistake of the file."""
    values = {**source.inline}
    if source.file is not None:
        text = _text(made, project, source.file, (*origin, "file"))
        values |= dict(_lines(text))
    if source.dir is not None:
        folder = _inside(made, project, source.dir, (*origin, "dir"))
        for path in sorted(folder.iterdir()) if folder and folder.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                name = f"{source.dir}/{path.name}"
                values[path.name] = _text(made, project, name, (*origin, "dir"))
    for name in source.fromEnv:
        if name in os.environ:
            values[name] = os.environ[name]
        else:
            made.wrong((*origin, "fromEnv"), f"the environment has no '{name}'")
    return values


def _inside(made: Translation, project: Path, text: str, origin: KeyPath) -> Path | None:
    path = (project / text).resolve()
    if path.is_relative_to(project.resolve()):
        return path
    made.wrong(origin, f"'{text}' leaves the project's directory")
    return None


def _text(made: Translation, project: Path, name: str, origin: KeyPath) -> str:
    path = _inside(made, project, name, origin)
    try:
        with path.open("rb") if path else open(os.devnull, "rb") as file:
            return file.read(MOST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        made.wrong(origin, f"can't read '{name}': {reason}")
        return ""


def _lines(text: str) -> list[tuple[str, str]]:
    """`NAME=value` a line, as in `.env`: comments, `export` and quotes as usual there."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found.append((name.strip(), value))
    return found
