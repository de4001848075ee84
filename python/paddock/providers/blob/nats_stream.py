"""The stream behind one container, by the requests of JetStream's API (NATS ADR-2, ADR-31)."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from paddock.errors import CapabilityError, Exhausted, NotFound, TooLarge, Unavailable

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from paddock.providers.connections.nats import NatsLink

API = "$JS.API"
#: Error codes of JetStream (nats-server's errors.json).
NAME_IN_USE = 10058
WRONG_SEQUENCE = (10071, 10164)
TOO_LARGE = 10054
FULL = (10023, 10047, 10077, 10028)


class Conflict(CapabilityError):
    """Somebody else was first."""


class Absent(CapabilityError):
    """There is no such stream or message."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How streams are made: copies of each, and `file` or `memory`."""

    replicas: int = 1
    storage: str = "file"


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `time` in nanoseconds since 1970."""

    data: bytes
    sequence: int
    time: int


class Stream:
    """One stream; knows how it is read once it was seen."""

    def __init__(self, link: NatsLink, bucket: str, container: str) -> None:
        self.link = link
        self.bucket = bucket
        self.container = container
        self._name = f"OBJ_{bucket}"
        #: Whether any server may answer a read; None before the stream was seen.
        self._anybody: bool | None = None

    async def create(self, options: StreamOptions) -> bool:
        """False if it is there."""
        config = {
            "name": self._name,
            # Tells two makers apart: one of an equal stream would succeed too.
            "description": f"Paddock {uuid.uuid4().hex}",
            "subjects": [f"$O.{self.bucket}.C.>", f"$O.{self.bucket}.M.>"],
            "num_replicas": options.replicas,
            "storage": options.storage,
            "retention": "limits",
            "discard": "new",
            "allow_direct": True,
            "allow_rollup_hdrs": True,
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_msg_size": -1,
        }
        try:
            await self.api("STREAM.CREATE", config)
        except Conflict:
            return False
        return True

    async def delete(self) -> None:
        """With all messages; an absent one is no error."""
        try:
            await self.api("STREAM.DELETE", {})
        except Absent:
            return

    async def info(self) -> dict[str, object]:
        """What the server says of it; raises NotFound."""
        try:
            found = await self.api("STREAM.INFO", {})
        except Absent:
            raise NotFound(f"there is no container {self.container!r}") from None
        config = cast("dict[str, object]", found["config"])
        # With several copies, one that lags could answer and hide the guest's own write.
        self._anybody = bool(config.get("allow_direct")) and config.get("num_replicas") == 1
        return found

    async def subjects(self, filter: str) -> list[str]:
        """Those that have messages, in no order; raises NotFound."""
        found: list[str] = []
        while True:
            try:
                request = {"subjects_filter": filter, "offset": len(found)}
                answer = await self.api("STREAM.INFO", request)
            except Absent:
                raise NotFound(f"there is no container {self.container!r}") from None
            subjects = cast("dict[str, dict[str, int]]", answer["state"]).get("subjects") or {}
            found += subjects
            # A server pages what is too many for one answer, and says how many there are.
            if not subjects or len(found) >= cast("int", answer.get("total") or 0):
                return found

    async def last(self, subject: str) -> Message | None:
        """The last message of a subject; raises NotFound for an absent stream."""
        if self._anybody is None:
            await self.info()
        if self._anybody:
            return _message(await self._ask(f"{API}.DIRECT.GET.{self._name}.{subject}"))
        return await self._stored({"last_by_subj": subject})

    async def next(self, subject: str, sequence: int) -> Message | None:
        """The first message of a subject from `sequence` on."""
        request = {"seq": sequence, "next_by_subj": subject}
        if self._anybody:
            payload = json.dumps(request).encode()
            return _message(await self._ask(f"{API}.DIRECT.GET.{self._name}", payload))
        return await self._stored(request)

    async def publish(
        self, subject: str, data: bytes, headers: Mapping[str, str] | None = None
    ) -> int:
        """The number of the stored message; raises Conflict, Exhausted, NotFound."""
        answer = await self._ask(subject, data, headers)
        return cast("int", self._checked(json.loads(answer.data))["seq"])

    async def purge(self, subject: str, before: int | None = None) -> None:
        """Remove the messages of a subject, or those with smaller numbers than `before`."""
        request: dict[str, object] = {"filter": subject}
        if before is not None:
            request["seq"] = before
        try:
            await self.api("STREAM.PURGE", request)
        except Absent:
            return

    async def api(self, operation: str, request: Mapping[str, object]) -> dict[str, object]:
        """A request about this stream."""
        subject = f"{API}.{operation}.{self._name}"
        answer = await self.link.request(subject, json.dumps(request).encode())
        return self._checked(json.loads(answer.data))

    async def _stored(self, request: Mapping[str, object]) -> Message | None:
        try:
            answer = await self.api("STREAM.MSG.GET", request)
        except Absent:
            return None
        message = cast("dict[str, object]", answer["message"])
        return Message(
            base64.b64decode(cast("str", message.get("data") or "")),
            cast("int", message["seq"]),
            nanoseconds(cast("str", message["time"])),
        )

    async def _ask(
        self, subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Msg:
        try:
            return await self.link.request(subject, payload, headers)
        except Unavailable as error:
            from nats.errors import NoRespondersError

            self._anybody = None
            if isinstance(error.__cause__, NoRespondersError):
                # So it is when the stream was deleted, which is said by its name.
                await self.info()
            raise

    def _checked(self, answer: dict[str, object]) -> dict[str, object]:
        error = cast("dict[str, object] | None", answer.get("error"))
        if error is None:
            return answer
        code, status = error.get("err_code"), error.get("code")
        what = self.link.target.what
        text = f"{what} answered: {error.get('description')}"
        if code in WRONG_SEQUENCE or code == NAME_IN_USE:
            raise Conflict(text)
        if status == 404:
            raise Absent(text)
        if code == TOO_LARGE:
            raise TooLarge(text)
        if code in FULL or "resource" in text:
            raise Exhausted(f"{what} has no room left: {error.get('description')}")
        if isinstance(status, int) and status >= 500:
            raise Unavailable(text)
        raise CapabilityError(text)


def nanoseconds(text: str) -> int:
    """A time as NATS writes it (RFC 3339, up to nine digits of a second)."""
    whole, _, rest = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 10**9 + int(rest.ljust(9, "0")[:9] or 0)


def _message(answer: Msg) -> Message | None:
    """A direct answer: the message itself, or a status."""
    headers = answer.headers or {}
    sequence = headers.get("Nats-Sequence")
    if sequence is not None:
        return Message(answer.data, int(sequence), nanoseconds(headers["Nats-Time-Stamp"]))
    if headers.get("Status") == "404":
        return None
    raise Unavailable(f"NATS answered: {headers.get('Description') or headers.get('Status')}")
