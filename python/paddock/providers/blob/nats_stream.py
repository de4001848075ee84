"""The stream behind one container, by the requests of JetStream's API (NATS ADR-2, ADR-31)."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from paddock.errors import NotFound, Unavailable
from paddock.providers.connections import jetstream

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from paddock.providers.connections.nats import NatsLink


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
        config = jetstream.stream(
            self._name,
            [f"$O.{self.bucket}.C.>", f"$O.{self.bucket}.M.>"],
            replicas=options.replicas,
            storage=options.storage,
            # Tells two makers apart: one of an equal stream would succeed too.
            description=f"Paddock {uuid.uuid4().hex}",
            allow_direct=True,
            allow_rollup_hdrs=True,
        )
        try:
            await self.api("STREAM.CREATE", config)
        except jetstream.Conflict:
            return False
        return True

    async def delete(self) -> None:
        """With all messages; an absent one is no error."""
        try:
            await self.api("STREAM.DELETE", {})
        except jetstream.Absent:
            return

    async def info(self) -> dict[str, Any]:
        """What the server says of it; raises NotFound."""
        try:
            found = await self.api("STREAM.INFO", {})
        except jetstream.Absent:
            raise self._gone() from None
        self._anybody = jetstream.readable_anywhere(found)
        return found

    async def subjects(self, filter: str) -> list[str]:
        """Those that have messages, in no order; raises NotFound."""
        try:
            return await jetstream.subjects(self.link, self._name, filter)
        except jetstream.Absent:
            raise self._gone() from None

    async def last(self, subject: str) -> Message | None:
        """The last message of a subject; raises NotFound for an absent stream."""
        if self._anybody is None:
            await self.info()
        if self._anybody:
            return _message(await self._ask(f"{jetstream.API}.DIRECT.GET.{self._name}.{subject}"))
        return await self._stored({"last_by_subj": subject})

    async def next(self, subject: str, sequence: int) -> Message | None:
        """The first message of a subject from `sequence` on."""
        request = {"seq": sequence, "next_by_subj": subject}
        if self._anybody:
            payload = json.dumps(request).encode()
            return _message(await self._ask(f"{jetstream.API}.DIRECT.GET.{self._name}", payload))
        return await self._stored(request)

    async def publish(
        self, subject: str, data: bytes, headers: Mapping[str, str] | None = None
    ) -> int:
        """The number of the stored message; raises Conflict, Exhausted, NotFound."""
        answer = await self._ask(subject, data, headers)
        return cast("int", jetstream.checked(self.link, answer.data)["seq"])

    async def purge(self, subject: str, before: int | None = None) -> None:
        """Remove the messages of a subject, or those with smaller numbers than `before`."""
        request: dict[str, object] = {"filter": subject}
        if before is not None:
            request["seq"] = before
        try:
            await self.api("STREAM.PURGE", request)
        except jetstream.Absent:
            return

    async def api(self, operation: str, request: Mapping[str, object]) -> dict[str, Any]:
        """A request about this stream; raises as `jetstream.call`."""
        return await jetstream.call(self.link, f"{operation}.{self._name}", request)

    def _gone(self) -> NotFound:
        return NotFound(f"there is no container {self.container!r}")

    async def _stored(self, request: Mapping[str, object]) -> Message | None:
        try:
            answer = await self.api("STREAM.MSG.GET", request)
        except jetstream.Absent:
            return None
        message = answer["message"]
        data = base64.b64decode(message.get("data") or "")
        return Message(data, message["seq"], nanoseconds(message["time"]))

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
