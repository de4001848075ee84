"""Names in an object store of NATS: buckets for containers, tokens for objects (NATS ADR-20)."""

from __future__ import annotations

import base64
import binascii
import re

from paddock.errors import BadName, TooLarge

#: Bytes of an object's name: a server takes lines of 4096.
LONGEST = 2000

#: A stream is a directory of the server's.
LONGEST_STREAM = 240

_ESCAPE = re.compile(rb"_([0-9A-F]{2})")


def bucket_name(prefix: str, application: str, container: str) -> str:
    """The bucket of a container: letters, digits and `-` as they are, others as `_XX`."""
    name = bucket_prefix(prefix, application) + _part(container)
    if len(name) > LONGEST_STREAM:
        raise BadName(f"the name of a container with {len(container)} characters is too long")
    return name


def bucket_prefix(prefix: str, application: str) -> str:
    """What the buckets of one application begin with."""
    return f"{_part(prefix)}__{_part(application)}__"


def container_name(part: str) -> str | None:
    """The container whose bucket ends with `part`; None if somebody else named it."""
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), part.encode())
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return None
    return name if name and _part(name) == part else None


def token_of(name: str) -> str:
    """The last part of the subject of an object's description."""
    raw = name.encode()
    if len(raw) > LONGEST:
        raise TooLarge(f"the name of an object with {len(raw)} bytes is too long for NATS")
    return base64.urlsafe_b64encode(raw).decode()


def name_of(token: str) -> str | None:
    """The object that a token stands for; None for a token that is none."""
    try:
        name = base64.b64decode(token, b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name or None


def _part(text: str) -> str:
    return re.sub(rb"[^A-Za-z0-9-]", lambda found: b"_%02X" % found[0][0], text.encode()).decode()
