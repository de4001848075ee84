"""What the text of a statement tells before it runs."""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache

#: Comments and blanks before the first word, and that word.
_FIRST = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*.*?\*/|\()*(\w+)?", re.DOTALL)

#: First words of statements that change what later ones of the session see.
_LEAVING = frozenset(
    {"SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "DEALLOCATE", "DISCARD", "LOAD", "USE",
     "DECLARE", "LOCK", "ATTACH", "DETACH", "PRAGMA"}
)  # fmt: skip
#: The same by what stands inside: functions that change settings or take locks, and
#: temporary tables.
_INSIDE = re.compile(
    r"\b(set_config|pg_(?:try_)?advisory_lock\w*|get_lock|last_insert_id\s*\(\s*\w"
    r"|create\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?temp(?:orary)?)\b|@\w+\s*:=|\binto\s+@",
    re.IGNORECASE,
)

_ENDS = frozenset({"COMMIT", "END", "ROLLBACK", "ABORT"})


def first_word(sql: str) -> str:
    """The first word in capitals, "" if there is none."""
    found = _FIRST.match(sql)
    return (found.group(1) or "").upper() if found else ""


@lru_cache(maxsize=1024)
def leaves_state(sql: str) -> bool:
    """Whether a session is another one after this statement, as far as its text shows."""
    return first_word(sql) in _LEAVING or _INSIDE.search(sql) is not None


def ends_transaction(sql: str) -> str | None:
    """The word by which a statement ends a transaction; None for any other."""
    word = first_word(sql)
    if word == "ROLLBACK" and re.search(r"\bTO\b", sql, re.IGNORECASE):
        return None
    return word if word in _ENDS else None


def statements(sql: str) -> list[str]:
    """The statements of a script, as SQLite parts them."""
    found: list[str] = []
    start = 0
    for index, letter in enumerate(sql):
        if letter == ";" and sqlite3.complete_statement(sql[start : index + 1]):
            found.append(sql[start : index + 1])
            start = index + 1
    if sql[start:].strip():
        found.append(sql[start:])
    return found
