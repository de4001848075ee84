"""Reads JSON5 as far as the cases use it: comments, commas at the end, names without quotes."""

from __future__ import annotations

import json
import re

#: Strings first, so that nothing inside of one is taken for something else.
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")|(?P<single>'(?:[^'\\]|\\.)*')"""
    r"""|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<comma>,(?=\s*(?:(?://[^\n]*\n|/\*.*?\*/)\s*)*[}\]]))"""
    r"""|(?P<name>[A-Za-z_$][\w$]*(?=\s*:))""",
    re.DOTALL,
)


def loads(text: str) -> object:
    """The value; ValueError where it is not even JSON5 as we read it."""
    return json.loads(TOKEN.sub(_as_json, text))


def _as_json(found: re.Match[str]) -> str:
    if found["string"]:
        return found["string"]
    if found["single"]:
        return json.dumps(found["single"][1:-1].replace("\\'", "'"))
    if found["name"]:
        return json.dumps(found["name"])
    return ""
