"""Requests to the API of NATS JetStream, and what its refusals mean (NATS ADR-1, ADR-2, ADR-31)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from paddock.errors import CapabilityError, Exhausted, TooLarge, Unavailable

if TYPE_CHECKING:
    from paddock.providers.connections.nats import NatsLink

#: Begins the subjects of all requests.
API = "$JS.API"

#: Error codes of JetStream (nats-server's errors.json).
_TAKEN = {10058, 10065}
_WRONG_SEQUENCE = {10071, 10164}
_TOO_LARGE = 10054
_FULL = {10023, 10047, 10077, 10028}


class Refused(CapabilityError):
    """The server refused a request, for a reason that has no class of its own."""


class Conflict(Refused):
    """Somebody else was first: a name or subjects are taken, a number is not the last."""


class Absent(Refused):
    """There is no such stream, consumer or message."""


async def call(link: NatsLink, operation: str, request: object = None) -> dict[str, Any]:
    """The answer to a request such as `STREAM.INFO.name`.

    Raises Absent, Conflict, Refused, Exhausted, TooLarge, Unavailable.
    """
    payload = b"" if request is None else json.dumps(request).encode()
    answer = await link.request(f"{API}.{operation}", payload)
    return checked(link, answer.data)


def checked(link: NatsLink, data: bytes) -> dict[str, Any]:
    """An answer of the API, or to a message that went to a stream; raises as `call`."""
    what = link.target.what
    try:
        answer = cast("dict[str, Any]", json.loads(data))
    except ValueError as error:
        raise CapabilityError(f"{what}: what answered is no stream") from error
    if "error" not in answer:
        return answer
    refusal = answer["error"]
    code, status = refusal.get("err_code"), refusal.get("code")
    reason = refusal.get("description")
    if code in _FULL or "resource" in str(reason):
        raise Exhausted(
            f"{what} has no room left: {reason}", hint="raise the limits of the stream or server"
        )
    text = f"{what} answered: {reason}"
    if code in _TAKEN or code in _WRONG_SEQUENCE:
        raise Conflict(text)
    if status == 404:
        raise Absent(text)
    if code == _TOO_LARGE:
        raise TooLarge(text)
    if isinstance(status, int) and status >= 500:
        raise Unavailable(text)
    raise Refused(text)


def stream(
    name: str, subjects: Sequence[str], *, replicas: int, storage: str, **more: object
) -> dict[str, object]:
    """The configuration of a stream without limits; `more` adds to it, or sets some.

    Full means that nothing more is taken, not that something is lost.
    """
    return {
        "name": name,
        "subjects": list(subjects),
        "num_replicas": replicas,
        "storage": storage,
        "retention": "limits",
        "discard": "new",
        "max_consumers": -1,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": 0,
        **more,
    }


def readable_anywhere(info: Mapping[str, Any]) -> bool:
    """Whether any server may be asked for a message of this stream.

    With several copies, one that lags could answer and hide the guest's own write.
    """
    config = info["config"]
    return bool(config.get("allow_direct")) and config.get("num_replicas") == 1


async def subjects(link: NatsLink, name: str, filter: str) -> list[str]:
    """Those of a stream that have messages, in no order; raises Absent."""
    found: list[str] = []
    while True:
        request = {"subjects_filter": filter, "offset": len(found)}
        answer = await call(link, f"STREAM.INFO.{name}", request)
        page = answer["state"].get("subjects") or {}
        found += page
        # A server pages what is too many for one answer, and says how many there are.
        if not page or len(found) >= (answer.get("total") or 0):
            return found
