"""File names for names of containers and objects, one to one and safe everywhere.

What may stand in a file name stands as it is, so that a folder can be looked at
with the usual tools; the rest is %XX as in URLs (RFC 3986, 2.1). A name that is
too long for a file system is replaced by its SHA-256 after a `%`, which no other
name begins with in this way; a file beside it then holds the name itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

#: Bytes of a file name, with room for what we add (most systems take 255).
LONGEST = 240

#: In each container's folder, with its name; its time is that of the container's making.
MARK = ".container"

#: Ends the file that holds a name too long for a file's own.
NAME = ".name"

#: Separators and escapes, controls, and what Windows refuses.
_UNSAFE = re.compile(r'[/\\%<>:"|?*\x00-\x1f\x7f]|^\.')

_DIGEST = re.compile(r"%%[0-9a-f]{64}")


def encoded(name: str) -> str:
    """The file name for `name`, which is not empty; never `.`, `..` or hidden."""
    return _short(name) if len(name) < LONGEST else _encoded(name)


def _encoded(name: str) -> str:
    text = _UNSAFE.sub(lambda found: f"%{ord(found.group()):02X}", name)
    if len(text.encode()) <= LONGEST:
        return text
    return "%%" + hashlib.sha256(name.encode()).hexdigest()


#: Names come again and again; long ones would only fill the memory.
_short = lru_cache(2048)(_encoded)


def is_digest(file: str) -> bool:
    """Whether a file name stands for a name that was too long."""
    return _DIGEST.fullmatch(file) is not None


def decoded(file: str) -> str | None:
    """The name that a file stands for; None for a file that is none of ours.

    A file that somebody else put there under another spelling is none of ours
    either: nothing could be done with the name that it would get.
    """
    if file.startswith((".", "%%")):
        return None
    try:
        name = unquote(file, errors="strict")
        return name if name and encoded(name) == file else None
    except UnicodeError:
        return None


def names_in(folder: Path, *, folders: bool) -> Iterator[str]:
    """The names of a folder's objects, or of its containers."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() != folders:
                continue
            if is_digest(entry.name):
                beside = folder / entry.name / MARK if folders else Path(f"{entry.path}{NAME}")
                # It is written before what it names.
                with contextlib.suppress(OSError):
                    yield beside.read_text(encoding="utf-8")
            elif (name := decoded(entry.name)) is not None:
                yield name
