"""Names in NATS: a bucket's and a key's alphabets are small, so the rest is escaped.

Keys may have letters, digits, `-`, `_`, `/`, `=` and, in between, dots (NATS
ADR-8); any other byte of their UTF-8 is written `=XX`. The empty key is `=`.
"""

from __future__ import annotations

import re

from paddock.errors import TooLarge

#: Bytes of an escaped key: a server takes 4096 for a whole line, and the connection's end is
#: its answer to more.
LONGEST = 3000

_PLAIN = re.compile(r"[A-Za-z0-9_/-]+(?:\.[A-Za-z0-9_/-]+)*", re.ASCII)
#: Dots are kept between other plain characters only.
_ESCAPED = re.compile(rb"[^A-Za-z0-9_/.-]|(?<![A-Za-z0-9_/-])\.|\.(?![A-Za-z0-9_/-])")
_ESCAPE = re.compile(rb"=([0-9A-F]{2})")


def token_of(key: str) -> str:
    """The last part of a key's subject; TooLarge if NATS can't have it."""
    if _PLAIN.fullmatch(key):
        token = key
    elif not key:
        return "="
    else:
        escaped = _ESCAPED.sub(lambda found: b"=%02X" % found[0][0], key.encode())
        token = escaped.decode("ascii")
    if len(token) > LONGEST:
        raise TooLarge(f"a key of {len(key)} characters is too long for NATS")
    return token


def key_of(token: str) -> str | None:
    """The key that `token_of` made the token from; None if it was made by others."""
    if "=" not in token:
        return token
    if token == "=":
        return ""
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), token.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def bucket_name(prefix: str, application: str, name: str) -> str:
    """A bucket of a store's own: letters, digits and `-` as they are, others as `_XX`."""
    return "__".join(map(_bucket_part, (prefix, application, name)))


def _bucket_part(text: str) -> str:
    return re.sub(rb"[^A-Za-z0-9-]", lambda found: b"_%02X" % found[0][0], text.encode()).decode()
