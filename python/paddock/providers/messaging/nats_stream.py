"""A stream of JetStream: publishing to it, making it where it is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from paddock.capabilities.messaging import DEAD_LETTERS, Message, Subscription
from paddock.errors import CapabilityError, Exhausted, Unavailable
from paddock.providers.messaging.nats import REPLY_HEADER, StreamConfig

if TYPE_CHECKING:
    from paddock.providers.connections.nats import NatsLink
    from paddock.providers.messaging.nats_pull import StreamSource

#: Error codes of JetStream that mean "no room" and "no such thing".
_FULL = {10023, 10047, 10077}
_NO_STREAM, _NO_CONSUMER = 10059, 10014
#: Codes for what is there already, in another form or in part.
_OVERLAP = 10065


class ApiError(CapabilityError):
    """JetStream refused a request; `code` is its own number for the reason."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Stream:
    """One stream: publishes to it, and makes it and its consumers where they are missing."""

    def __init__(self, link: NatsLink, config: StreamConfig) -> None:
        self.link = link
        self.config = config

    async def publish(self, message: Message) -> None:
        """Answers when the stream has stored it."""
        headers = dict(message.headers)
        if message.reply_to:
            headers[REPLY_HEADER] = message.reply_to
        try:
            answer = await self._ask(message.subject, message.body, headers)
        except CapabilityError as error:
            if not self._unanswered(error):
                raise
            # Perhaps nobody has subscribed yet, who would have made it.
            await self.ensure()
            answer = await self._ask(message.subject, message.body, headers)
        if answer.get("stream") is None:
            raise CapabilityError(
                f"{self.link.target.what} has no stream for {message.subject!r}",
                hint=f'add the subject to the stream "{self.config.name}"',
            )

    async def ensure(self) -> None:
        """Make the stream, and one for its dead letters, unless they are there."""
        name, config = self.config.name, self.config
        try:
            info = await self.api(f"STREAM.INFO.{name}")
        except ApiError as error:
            if error.code != _NO_STREAM:
                raise
            if not config.subjects:
                raise CapabilityError(
                    f'{self.link.target.what} has no stream "{name}"',
                    hint='to have it made, say what it takes: subjects = ["orders.>"]',
                ) from error
            info = await self._create(name, list(config.subjects))
        taken = cast("list[str]", info["config"].get("subjects") or [])
        # A stream that begins with a wildcard takes its dead letters itself.
        dead = [f"{DEAD_LETTERS}.{each}" for each in taken if each.split(".")[0] not in ("*", ">")]
        if dead:
            try:
                await self._create(f"{name}-{DEAD_LETTERS}", dead)
            except ApiError as error:
                # Somebody has made one, perhaps with other options.
                if error.code not in (_OVERLAP, 10058):
                    raise

    async def _create(self, name: str, subjects: list[str]) -> dict[str, Any]:
        config = self.config
        wanted = {
            "name": name,
            "subjects": subjects,
            "retention": "limits",
            "storage": config.storage,
            "num_replicas": config.replicas,
            "max_age": int(config.max_age * 1e9),
            "max_bytes": config.max_bytes or -1,
            "max_msgs": -1,
            "max_consumers": -1,
            # Full means that nothing more is taken, not that something is lost.
            "discard": "new",
        }
        return await self.api(f"STREAM.CREATE.{name}", wanted)

    async def api(self, verb: str, body: object = None) -> dict[str, Any]:
        """A request to JetStream's interface. Raises ApiError, Unavailable."""
        payload = b"" if body is None else json.dumps(body).encode()
        return await self._ask(f"$JS.API.{verb}", payload, {})

    async def _ask(self, subject: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        answer = await self.link.request(subject, body, headers or None)
        try:
            data: dict[str, Any] = json.loads(answer.data)
        except ValueError as error:
            raise CapabilityError(f"what was sent to {subject!r} did not go to a stream") from error
        if "error" in data:
            raise self._refused(data["error"])
        return data

    def _refused(self, error: dict[str, Any]) -> CapabilityError:
        code, text = int(error.get("err_code", 0)), str(error.get("description", ""))
        message = f"{self.link.target.what} refused it: {text}"
        if code in _FULL or "maximum" in text:
            return Exhausted(message, hint="the stream is full: raise its limits")
        if int(error.get("code", 0)) == 503:
            return Unavailable(message)
        return ApiError(message, code)

    def _unanswered(self, error: CapabilityError) -> bool:
        from nats.errors import NoRespondersError

        return isinstance(error.__cause__, NoRespondersError)

    def source(self, subscription: Subscription) -> StreamSource:
        """What consumes."""
        from paddock.providers.messaging.nats_pull import StreamSource

        return StreamSource(self, subscription)
