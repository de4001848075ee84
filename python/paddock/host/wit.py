"""Reads functions out of WIT text, as the core prints it of a component.

It knows the printed form only: one item in a line, blocks closed by a brace of
the same indentation (Component Model, "WIT", as of WASI 0.2). Comments are not printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_FUNCTION = re.compile(r"\s*%?([\w-]+): (static )?(?:async )?func\((.*?)\)(?: -> (.+))?;", re.ASCII)
_CONSTRUCTOR = re.compile(r"\s*constructor\((.*?)\)(?: -> (.+))?;")
_RESOURCE = re.compile(r"\s*resource %?([\w-]+) \{")
_KIND = re.compile(r"\s*(record|variant|enum|flags|resource) %?([\w-]+)")
_ALIAS = re.compile(r"\s*type %?([\w-]+) = (.+);")


@dataclass(frozen=True, slots=True)
class Function:
    """A function; of a resource if `resource` is set, and `kind` then says how.

    `kind` is function, method, static or constructor. Types are WIT text.
    """

    name: str
    kind: str
    resource: str | None
    parameters: tuple[tuple[str, str], ...]
    result: str | None


@dataclass(frozen=True, slots=True)
class Interface:
    """`types`: the keyword of each named type, or for an alias the type that it means."""

    functions: tuple[Function, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict[str, str])


def interface(packages: Mapping[str, str], name: str) -> Interface | None:
    """The interface `package:name/interface@version` out of printed packages; None if not there."""
    path, _, version = name.partition("@")
    package, _, short = path.partition("/")
    text = packages.get(f"{package}@{version}" if version else package)
    if text is None:
        return None
    start = rf"^interface %?{re.escape(short)} \{{"
    block = re.search(rf"{start}\n(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    if block is None:
        # One without anything is printed in a line.
        return Interface() if re.search(rf"{start}\}}", text, re.MULTILINE) else None
    return Interface(tuple(_functions(block[1])), _types(block[1]))


def _types(block: str) -> Mapping[str, str]:
    found = {match[2]: match[1] for match in map(_KIND.match, block.splitlines()) if match}
    found |= {match[1]: match[2] for match in map(_ALIAS.match, block.splitlines()) if match}
    return found


def _functions(block: str) -> Iterator[Function]:
    resource: str | None = None
    for line in block.splitlines():
        if match := _RESOURCE.match(line):
            resource = match[1]
        elif line == "  }":
            resource = None
        elif match := _FUNCTION.fullmatch(line):
            name, static, parameters, result = match.groups()
            kind = "static" if static else "method" if resource else "function"
            yield Function(name, kind, resource, _parameters(parameters), result)
        elif match := _CONSTRUCTOR.fullmatch(line):
            yield Function("constructor", "constructor", resource, _parameters(match[1]), match[2])


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition(":") for part in split(text))
    return tuple(
        (name.strip().removeprefix("%"), type_text.strip()) for name, _, type_text in pairs
    )


def split(text: str) -> list[str]:
    """Parts between commas that stand in no angle brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]
