"""Writes the tables of a manifest as TOML that people read: `paddock convert`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import cast

from paddock.errors import ManifestError
from paddock.manifest.versions import PADDOCK_KEY, SPIN_KEY

Table = Mapping[str, object]

#: Tables in the order of the manual; what else there is follows.
_ORDER = ("application", "variables", "trigger", "component")
#: Columns after which a table or array is not written in one line.
_WIDTH = 96


def write(table: Table) -> str:
    """The text of a `paddock.toml` with these tables.

    ManifestError for what TOML has no way to say.
    """
    lines = [f"{PADDOCK_KEY} = 1"]
    known = [key for key in _ORDER if key in table]
    others = [key for key in table if key not in (*_ORDER, PADDOCK_KEY, SPIN_KEY)]
    for key in (*known, *others):
        value = table[key]
        if isinstance(value, Mapping):
            lines += _section((key,), cast("Table", value))
        else:
            lines.insert(1, f"{_key(key)} = {_value(value)}")
    return "\n".join(lines) + "\n"


def write_host(providers: Mapping[str, Mapping[str, Table]]) -> str:
    """The text of a `host.toml` with these provider tables."""
    lines: list[str] = []
    for kind, named in providers.items():
        for name, options in named.items():
            lines += ["", *_table((kind, name), options)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _section(path: tuple[str, ...], table: Table) -> Iterator[str]:
    """A table of tables, or one with values of its own."""
    name = path[0]
    if name == "trigger":
        for kind, triggers in table.items():
            for trigger in cast("Sequence[Table]", triggers):
                yield ""
                yield f"[[trigger.{_key(kind)}]]"
                yield from _values(trigger)
    elif name == "component":
        for key, component in table.items():
            yield ""
            yield from _table((name, key), cast("Table", component))
    elif name == "variables":
        yield ""
        yield "[variables]"
        for key, value in table.items():
            yield f"{_key(key)} = {_value(value)}"
    else:
        yield ""
        yield from _table(path, table)


def _table(path: tuple[str, ...], table: Table) -> Iterator[str]:
    """A table whose long inner tables follow as tables of their own."""
    inner = {
        key: cast("Table", value)
        for key, value in table.items()
        if isinstance(value, Mapping)
        and value
        and len(f"{_key(key)} = {_value(cast('object', value))}") > _WIDTH
    }
    yield f"[{'.'.join(map(_key, path))}]"
    yield from _values({key: value for key, value in table.items() if key not in inner})
    for key, value in inner.items():
        yield ""
        yield from _table((*path, key), value)


def _values(table: Table) -> Iterator[str]:
    for key, value in table.items():
        line = f"{_key(key)} = {_value(value)}"
        if len(line) > _WIDTH and isinstance(value, list | tuple):
            yield f"{_key(key)} = ["
            for item in cast("Sequence[object]", value):
                yield f"    {_value(item)},"
            yield "]"
        else:
            yield line


def _key(key: str) -> str:
    bare = key and all(ch.isascii() and (ch.isalnum() or ch in "-_") for ch in key)
    return key if bare else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool | float):
        return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        items = [f"{_key(k)} = {_value(v)}" for k, v in cast("Table", value).items()]
        return f"{{ {', '.join(items)} }}" if items else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, cast('Sequence[object]', value)))}]"
    return value.isoformat() if isinstance(value, datetime | date | time) else repr(value)


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Names of files may be any bytes; TOML is UTF-8.
        raise ManifestError(f"{text!r} can't be written as TOML: it is not valid UTF-8") from None
    # JSON's escapes are TOML's. It leaves more as it is than a terminal should see.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(map(_shown, quoted)) if not quoted.isprintable() else quoted


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
