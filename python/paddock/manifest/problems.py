"""All mistakes of one file, gathered and raised as one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddock.errors import ManifestError
from paddock.manifest.model import Location

#: So many are looked for by one check, since a hint takes time to find.
MOST_SOUGHT = 1000
#: A file that is wrong from end to end is cut here; nobody reads on.
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, at which key ("" for the file), why, and what to do."""

    location: Location
    key: str
    reason: str
    hint: str | None = None

    def __str__(self) -> str:
        subject = f"{self.key}: " if self.key else ""
        text = f"{self.location}: {subject}{self.reason}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class ManifestMistakes(ManifestError):
    """The ManifestError that readers raise: `problems` in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        ordered = sorted(problems, key=lambda item: (item.location.line, item.location.column))
        self.problems = tuple(dict.fromkeys(ordered))
        lines = [str(problem) for problem in self.problems[:_MOST_SHOWN]]
        if len(self.problems) > _MOST_SHOWN:
            lines.append(f"… and {len(self.problems) - _MOST_SHOWN} more mistakes")
        super().__init__("\n".join(lines))


def key_text(path: Sequence[str | int]) -> str:
    """A key path as TOML writes it, with indexes of arrays counted from 0."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part and all(ch.isascii() and (ch.isalnum() or ch in "-_") for ch in part)
            shown = part if len(part) <= 60 else f"{part[:60]}…"
            text += ("." if text else "") + (shown if bare else repr(shown))
    return text
