"""Keys in a bucket for names of containers and objects, one to one.

    <prefix>/<application>/<container>/<object>
    <prefix>/<application>/.containers/<container>     marks a container that was made

Slashes of an object's name stay, so that other tools show folders. What the
client can't send stands as %XX, and an empty part between two slashes as `%`.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_PART = re.compile(r"[%\x00-\x1f\x7f]|^\.(?=\.?$)")
_CONTAINER = re.compile(r"[/%\x00-\x1f\x7f]|^\.")


def object_key(name: str) -> str:
    """The part of the key after the container's."""
    return "/".join(_PART.sub(_escaped, part) or "%" for part in name.split("/"))


def object_name(key: str) -> str | None:
    """The object that a key stands for; None for one that somebody spelt otherwise."""
    try:
        name = "/".join("" if part == "%" else _unescaped(part) for part in key.split("/"))
    except UnicodeError:
        return None
    return name if name and object_key(name) == key else None


def container_key(name: str) -> str:
    """One part of a key."""
    return _CONTAINER.sub(_escaped, name)


def container_name(key: str) -> str | None:
    """The container that such a part stands for, under the same rule."""
    try:
        name = _unescaped(key)
    except UnicodeError:
        return None
    return name if name and container_key(name) == key else None


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found.group()):02X}"


def _unescaped(part: str) -> str:
    return unquote(part, errors="strict")
