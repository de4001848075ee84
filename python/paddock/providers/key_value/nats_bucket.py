"""One KV bucket of NATS JetStream, by the requests of its API (NATS ADR-8, ADR-31)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paddock.errors import Unavailable
from paddock.providers.connections import jetstream

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from paddock.providers.connections.nats import NatsLink


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
        self._direct = f"{jetstream.API}.DIRECT.GET.{self._stream}.{self._subject}"
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
        except jetstream.Absent:
            return None, 0
        message = answer["message"]
        revision: int = message["seq"]
        headers = base64.b64decode(message.get("hdrs") or "")
        if b"KV-Operation:" in headers:
            return None, revision
        return base64.b64decode(message.get("data") or ""), revision

    async def write(self, token: str, value: bytes, revision: int | None = None) -> None:
        """Store a value, if `revision` is still the last one where it is given; else Conflict."""
        if self._anybody is None:
            await self._find()
        headers = None
        if revision is not None:
            headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        answer = await self._ask(self._subject + token, value, headers)
        jetstream.checked(self._link, answer.data)

    async def purge(self, token: str) -> None:
        """Remove a key with all that was kept of it."""
        if self._anybody is None:
            await self._find()
        await self._call("STREAM.PURGE", {"filter": self._subject + token})

    async def tokens(self) -> list[str]:
        """The last parts of all subjects, in no order."""
        if self._anybody is None:
            await self._find()
        try:
            found = await jetstream.subjects(self._link, self._stream, f"{self._subject}>")
        except (jetstream.Absent, Unavailable):
            self._anybody = None
            raise
        return [subject.removeprefix(self._subject) for subject in found]

    async def _find(self) -> None:
        """Make the bucket if it is not there, and learn how it answers."""
        try:
            info = await self._call("STREAM.INFO", {})
        except jetstream.Absent:
            info = await self._make()
        self._anybody = jetstream.readable_anywhere(info)

    async def _make(self) -> dict[str, object]:
        config = jetstream.stream(
            self._stream,
            [f"{self._subject}>"],
            replicas=self._options.replicas,
            storage=self._options.storage,
            max_msgs_per_subject=self._options.history,
            allow_direct=True,
            allow_rollup_hdrs=True,
            deny_delete=True,
            duplicate_window=120_000_000_000,
        )
        try:
            return await self._call("STREAM.CREATE", config)
        except jetstream.Conflict:
            # Another host made it at the same time, or with other options: it is used as it is.
            return await self._call("STREAM.INFO", {})

    async def _call(self, operation: str, request: dict[str, object]) -> dict[str, Any]:
        try:
            return await jetstream.call(self._link, f"{operation}.{self._stream}", request)
        except Unavailable:
            self._anybody = None
            raise

    async def _ask(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> Msg:
        try:
            return await self._link.request(subject, payload, headers)
        except Unavailable:
            # It may have been deleted: the next call looks.
            self._anybody = None
            raise


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
