"""Where the keys and array items of a TOML document stand.

`tomllib` gives values without places. This scanner walks over the same text
once more, skips the values and notes where each key begins. It expects text
that `tomllib` has accepted (TOML 1.0); on anything that it does not understand
it stops and keeps what it has, so a lookup falls back to the nearest enclosing
key that is known. It never raises.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_BLANK = " \t"
_SPACE = " \t\r\n"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class Positions:
    """Key paths of a document and their offsets; look them up with `locate`."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        self._starts.extend(index + 1 for index, char in enumerate(text) if char == "\n")
        self.offsets: dict[KeyPath, int] = {}
        _Scanner(text, self.offsets).run()

    def locate(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column, from 1, of a key or item, else of what encloses it, else (1, 1)."""
        key = tuple(path)
        while key:
            offset = self.offsets.get(key)
            if offset is not None:
                line = bisect_right(self._starts, offset)
                return line, offset - self._starts[line - 1] + 1
            key = key[:-1]
        return 1, 1


class _Stop(Exception):
    """The text is not what the scanner expects; what was noted so far stays."""


class _Scanner:
    def __init__(self, text: str, offsets: dict[KeyPath, int]) -> None:
        self._text = text
        self._at = 0
        self._offsets = offsets
        self._lengths: dict[KeyPath, int] = {}

    def run(self) -> None:
        """Note every key of the document, as far as it can be understood."""
        try:
            self._document()
        except (_Stop, IndexError, ValueError, OverflowError, RecursionError):
            return

    def _document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._expect("]]" if is_array else "]")
        path: KeyPath = ()
        for index, (key, offset) in enumerate(keys):
            path = (*path, key)
            self._offsets.setdefault(path, offset)
            if is_array and index == len(keys) - 1:
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self._offsets.setdefault(path, offset)
        # A table that was first met as part of a longer name stands at its own header.
        self._offsets[path] = keys[-1][1]
        return path

    def _assignment(self, table: KeyPath) -> None:
        path = table
        for key, offset in self._keys():
            path = (*path, key)
            self._offsets.setdefault(path, offset)
        self._expect("=")
        self._skip(_BLANK)
        self._value(path)

    def _keys(self) -> list[tuple[str, int]]:
        """A dotted key: its parts, each with its offset."""
        keys: list[tuple[str, int]] = []
        while True:
            self._skip(_BLANK, comments=False)
            start = self._at
            keys.append((self._key(), start))
            self._skip(_BLANK, comments=False)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _key(self) -> str:
        char = self._text[self._at]
        if char in "\"'":
            return self._string()
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in _BARE:
            self._at += 1
        if self._at == start:
            raise _Stop
        return self._text[start : self._at]

    def _value(self, path: KeyPath) -> None:
        char = self._text[self._at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._inline_table(path)
        else:
            start = self._at
            while self._at < len(self._text) and self._text[self._at] not in ",]}#\r\n":
                self._at += 1
            if self._at == start:
                raise _Stop

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_SPACE)
            if self._take("]"):
                return
            self._offsets.setdefault((*path, index), self._at)
            self._value((*path, index))
            index += 1
            self._skip(_SPACE)
            if not self._take(","):
                self._expect("]")
                return

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while True:
            self._skip(_SPACE)
            if self._take("}"):
                return
            self._assignment(path)
            self._skip(_SPACE)
            if not self._take(","):
                self._expect("}")
                return

    def _string(self) -> str:
        """Pass over a string of any of the four kinds and return its value."""
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            return self._long_string(quote)
        self._at += 1
        return self._characters(quote)

    def _long_string(self, quote: str) -> str:
        self._at += 3
        value = self._characters(quote * 3)
        # Up to two more quotes belong to the string: """a""""" ends in two of them.
        for _ in range(2):
            if self._take(quote):
                value += quote
        return value

    def _characters(self, end: str) -> str:
        pieces: list[str] = []
        while not self._text.startswith(end, self._at):
            char = self._text[self._at]
            if char == "\n" and len(end) == 1:
                raise _Stop
            self._at += 1
            pieces.append(self._escape() if char == "\\" and end[0] == '"' else char)
        self._at += len(end)
        return "".join(pieces)

    def _escape(self) -> str:
        char = self._text[self._at]
        self._at += 1
        if char in "uU":
            digits = 4 if char == "u" else 8
            self._at += digits
            return chr(int(self._text[self._at - digits : self._at], 16))
        return _ESCAPES.get(char, "")

    def _skip(self, blank: str, *, comments: bool = True) -> None:
        while self._at < len(self._text):
            if self._text[self._at] in blank:
                self._at += 1
            elif comments and self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                return

    def _take(self, mark: str) -> bool:
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _expect(self, mark: str) -> None:
        self._skip(_BLANK, comments=False)
        if not self._take(mark):
            raise _Stop
