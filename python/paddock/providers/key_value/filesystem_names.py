"""Names of files for keys.

Letters, digits, `-`, `_` and dots stay, dots not at the start; any other byte of a
key's UTF-8 is written `%xx`. Capital letters are, too: some systems don't tell
them from small ones. The empty key is `%`. What is longer than a file's name
may be goes on in directories, whose names end with `+`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

#: Characters of one file's name; systems allow 255.
LONGEST = 200
#: Ends the name of a directory that holds the rest of long keys.
MORE = "+"

_PLAIN = re.compile(r"[a-z0-9_-][a-z0-9_.-]*")
_SPECIAL = re.compile(rb"[^a-z0-9_.-]|^\.")
_ESCAPE = re.compile(rb"%([0-9a-f]{2})")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def parts_of(key: str) -> list[str]:
    """The directories, if any, and the file for a key, within the store's directory."""
    name = escaped(key)
    if len(name) <= LONGEST:
        return [name]
    parts = [name[start : start + LONGEST] for start in range(0, len(name), LONGEST)]
    # A dot must not begin a name, in the middle of a key as well.
    return [f"_{part}{MORE}" for part in parts[:-1]] + [f"_{parts[-1]}"]


def escaped(text: str) -> str:
    """A name that every system takes, and no other text has."""
    if _PLAIN.fullmatch(text) and text[-1] != "." and not _RESERVED.fullmatch(text):
        return text
    if not text:
        return "%"
    raw = text.encode()
    name = _SPECIAL.sub(lambda found: b"%%%02x" % found[0][0], raw).decode("ascii")
    if name.endswith("."):
        name = f"{name[:-1]}%2e"
    if _RESERVED.fullmatch(name):
        name = f"%{raw[0]:02x}{name[1:]}"
    return name


def unescaped(name: str) -> str | None:
    """The text that has this name; None for a file that is not ours."""
    if name == "%":
        return ""
    try:
        text = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), name.encode()).decode()
    except UnicodeDecodeError:
        return None
    return text if escaped(text) == name else None


def key_names(root: Path) -> Iterator[str]:
    """All keys of a store, in no order."""
    yield from _keys(str(root), "", 0)


def _keys(directory: str, before: str, depth: int) -> Iterator[str]:
    try:
        entries = os.scandir(directory)
    except FileNotFoundError:
        if depth:
            return  # its last key was just deleted
        raise
    with entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if name.endswith(MORE):
                yield from _keys(entry.path, before + name[1 : -len(MORE)], depth + 1)
                continue
            key = unescaped(before + name[1:] if depth else name)
            if key is not None:
                yield key


def directory_name(name: str) -> str:
    """One directory for an application or a store, whatever its name."""
    text = escaped(name)
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}~{hashlib.sha256(text.encode()).hexdigest()[:40]}"
