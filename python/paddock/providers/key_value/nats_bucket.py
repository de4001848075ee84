"""One KV bucket of NATS JetStream, by the requests of its API (NATS ADR-8, ADR-31)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from paddock.errors import CapabilityError, Exhausted, TooLarge, Unavailable

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from paddock.providers.connections.nats import NatsLink

API = "$JS.API"
#: Error codes of JetStream (nats-server's errors.json).
NO_STREAM = 10059
NAME_IN_USE = 10058
WRONG_SEQUENCE = (10071, 10164)
TOO_LARGE = 10054
FULL = (10023, 10047, 10077, 10028)


class Conflict(CapabilityError):
    """Somebody else wrote since the revision that was expected."""


class Absent(CapabilityError):
    """There is no such stream."""


@dataclass(frozen=True, slots=True)
class BucketOptions:
    """How a bucket is made: copies of it, values kept for each key, `file` or `memory`."""

    replicas: int = 1
    history: int = 1
    storage: str = "file"


class Bucket:
    """Made when it is first used; again if somebody deleted it."""

    def __init__(self, link: NatsLink, name: str, options: BucketOptions) -> None:
        self._link = link
        self._name = name
        self._options = options
        self._stream = f"KV_{name}"
        self._subject = f"$KV.{name}."
        self._direct = f"{API}.DIRECT.GET.{self._stream}.{self._subject}"
        #: Whether any server may answer a read; None before the bucket was seen.
        self._anybody: bool | None = None

    async def read(self, token: str) -> tuple[bytes | None, int]:
        """The value and its revision; (None, 0) where there is none."""
        if self._anybody is None:
            await self._find()
        if self._anybody:
            return _read(await self._ask(self._direct + token))
        try:
            answer = await self._call("STREAM.MSG.GET", {"last_by_subj": self._subject + token})
        except Absent:
            return None, 0
        message = cast("dict[str, object]", answer["message"])
        revision = cast("int", message["seq"])
        headers = base64.b64decode(cast("str", message.get("hdrs") or ""))
        if b"KV-Operation:" in headers:
            return None, revision
        return base64.b64decode(cast("str", message.get("data") or "")), revision

    async def write(self, token: str, value: bytes, revision: int | None = None) -> None:
        """Store a value, if `revision` is still the last one where it is given; else Conflict."""
        if self._anybody is None:
            await self._find()
        headers = None
        if revision is not None:
            headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        answer = await self._ask(self._subject + token, value, headers)
        self._checked(json.loads(answer.data))

    async def purge(self, token: str) -> None:
        """Remove a key with all that was kept of it."""
        if self._anybody is None:
            await self._find()
        await self._call("STREAM.PURGE", {"filter": self._subject + token})

    async def tokens(self) -> list[str]:
        """The last parts of all subjects, in no order."""
        if self._anybody is None:
            await self._find()
        found: list[str] = []
        start = len(self._subject)
        while True:
            request = {"subjects_filter": f"{self._subject}>", "offset": len(found)}
            answer = await self._call("STREAM.INFO", request)
            state = cast("dict[str, dict[str, int]]", answer["state"])
            subjects = state.get("subjects") or {}
            found += [subject[start:] for subject in subjects]
            # A server pages what is too many for one answer, and says how many there are.
            if not subjects or len(found) >= cast("int", answer.get("total") or 0):
                return found

    async def _find(self) -> None:
        """Make the bucket if it is not there, and learn how it answers."""
        try:
            info = await self._call("STREAM.INFO", {})
        except Absent:
            info = await self._make()
        config = cast("dict[str, object]", info["config"])
        # With several copies, one that lags could answer and hide the guest's own write.
        self._anybody = bool(config.get("allow_direct")) and config.get("num_replicas") == 1

    async def _make(self) -> dict[str, object]:
        config = {
            "name": self._stream,
            "subjects": [f"{self._subject}>"],
            "max_msgs_per_subject": self._options.history,
            "num_replicas": self._options.replicas,
            "storage": self._options.storage,
            "retention": "limits",
            "discard": "new",
            "allow_direct": True,
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_msg_size": -1,
            "duplicate_window": 120_000_000_000,
        }
        try:
            return await self._call("STREAM.CREATE", config)
        except Conflict:
            # Another host made it at the same time, or with other options: it is used as it is.
            return await self._call("STREAM.INFO", {})

    async def _call(self, operation: str, request: dict[str, object]) -> dict[str, object]:
        answer = await self._ask(f"{API}.{operation}.{self._stream}", json.dumps(request).encode())
        return self._checked(json.loads(answer.data))

    async def _ask(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> Msg:
        try:
            return await self._link.request(subject, payload, headers)
        except Unavailable:
            # It may have been deleted: the next call looks.
            self._anybody = None
            raise

    def _checked(self, answer: dict[str, object]) -> dict[str, object]:
        error = cast("dict[str, object] | None", answer.get("error"))
        if error is None:
            return answer
        code, status = error.get("err_code"), error.get("code")
        what = self._link.target.what
        text = f"{what} answered: {error.get('description')}"
        if code in WRONG_SEQUENCE or code == NAME_IN_USE:
            raise Conflict(text)
        if code == NO_STREAM or status == 404:
            raise Absent(text)
        if code == TOO_LARGE:
            raise TooLarge(text)
        if code in FULL or "resource" in text:
            raise Exhausted(f"{what} has no room left: {error.get('description')}")
        if isinstance(status, int) and status >= 500:
            raise Unavailable(text)
        raise CapabilityError(text)


def _read(answer: Msg) -> tuple[bytes | None, int]:
    """A direct answer: the message itself, or a status."""
    headers = answer.headers or {}
    revision = headers.get("Nats-Sequence")
    if revision is None:
        if headers.get("Status") == "404":
            return None, 0
        raise Unavailable(f"NATS answered: {headers.get('Description') or headers.get('Status')}")
    value = None if "KV-Operation" in headers else answer.data
    return value, int(revision)
