"""The spelling of ids and names, and the nearest known one to a wrong one.

Component ids and variable names follow the Spin manifest, version 2: words of
letters and digits that begin with a letter, joined by `-` in an id and by `_`
in a lower-case variable name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from paddock.errors import ManifestError

_KEBAB = re.compile(r"(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*))*")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*")

#: So many known names are listed; a longer list helps nobody.
_MOST_NAMES = 24
#: Longer names, and more of them, are not compared: it takes time and helps nobody.
_MOST_LETTERS = 80
_MOST_COMPARED = 100


def check_component_id(text: str) -> str:
    """Return `text` when it is in kebab-case; ManifestError otherwise."""
    if _KEBAB.fullmatch(text):
        return text
    raise ManifestError(
        f"component id {text!r} is not in kebab-case",
        hint=f"use words of letters and digits joined by '-', such as '{kebab(text)}'",
    )


def check_variable_name(text: str) -> str:
    """Return `text` when it is in lower_snake_case; ManifestError otherwise."""
    if _SNAKE.fullmatch(text):
        return text
    raise ManifestError(
        f"variable name {text!r} is not in lower_snake_case",
        hint="use lower-case words that begin with a letter, joined by '_', "
        f"such as '{kebab(text).replace('-', '_')}'",
    )


def kebab(text: str, default: str = "component") -> str:
    """The nearest valid component id to any text, `default` when nothing is left of it."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text)
    words = (word.lstrip("0123456789") for word in re.split(r"[^a-z0-9]+", spaced.lower()))
    return "-".join(word for word in words if word) or default


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known name that `text` was most likely meant to be, None if none is near."""
    known = list(known)
    if len(text) > _MOST_LETTERS or len(known) > _MOST_COMPARED:
        return None
    # difflib costs some milliseconds to import and is needed for mistakes only.
    from difflib import get_close_matches

    folded = {name.lower().replace("-", "_"): name for name in known}
    close = get_close_matches(text.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(text: str, known: Iterable[str], *, what: str) -> str:
    """A hint: the nearest of `known`, or the list of them ("known `what`: …")."""
    names = sorted(known)
    if best := nearest(text, names):
        return f"did you mean '{best}'?"
    if not names:
        return f"there are no {what}"
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f"known {what}: {', '.join(names[:_MOST_NAMES])}{more}"
