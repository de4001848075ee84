"""Reads `KEY=VALUE` and its relatives, as the Spin and Wasmtime command lines write them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from paddock.errors import UsageError


def pairs(items: Iterable[str], option: str) -> dict[str, str]:
    """`K=V` each; UsageError names the `option` that holds anything else."""
    found: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not key or not equals:
            raise UsageError(f"{option} {item}: not KEY=VALUE", hint=f"write {option} name=value")
        found[key] = value
    return found


def environment(items: Iterable[str]) -> dict[str, str]:
    """`K=V`, or `K` alone for the value that we have; one that we don't have is left out."""
    found: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not key:
            raise UsageError(f"--env {item}: not KEY=VALUE", hint="write --env NAME=value")
        if equals:
            found[key] = value
        elif key in os.environ:
            found[key] = os.environ[key]
    return found


def variables(items: Iterable[str], option: str = "--variable") -> dict[str, str]:
    """`K=V`, `K=@FILE` (its text), or `@FILE.json` and `@FILE.toml` with many.

    Raises UsageError for what is none of these or can't be read.
    """
    found: dict[str, str] = {}
    for item in items:
        if item.startswith("@"):
            found.update(_file(Path(item[1:]), f"{option} {item}"))
            continue
        for key, value in pairs([item], option).items():
            found[key] = (
                _text(Path(value[1:]), f"{option} {item}") if value.startswith("@") else value
            )
    return found


def _text(path: Path, item: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{item}: {path} is not UTF-8 text") from error
    except OSError as error:
        raise UsageError(
            f"{item}: can't read {path}: {error.strerror}",
            hint="the part after @ is the path of a file",
        ) from error


def _file(path: Path, item: str) -> dict[str, str]:
    text = _text(path, item)
    table: object
    try:
        if path.suffix == ".json":
            import json

            table = json.loads(text)
        elif path.suffix == ".toml":
            import tomllib

            table = tomllib.loads(text)
        else:
            raise UsageError(
                f"{item}: can't tell what {path} holds",
                hint="give a .json or .toml file of names and texts, or NAME=@FILE",
            )
    except ValueError as error:
        raise UsageError(f"{item}: {path}: {error}") from error
    if not isinstance(table, dict):
        raise UsageError(f"{item}: {path} holds no names with values")
    found: dict[str, str] = {}
    for key, value in cast("dict[str, object]", table).items():
        if not isinstance(value, str):
            raise UsageError(
                f"{item}: '{key}' in {path} is not a text",
                hint="a variable's value is a text: write it in quotes",
            )
        found[key] = value
    return found
