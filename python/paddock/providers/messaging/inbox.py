"""Answers to requests, for products that know no requests: one subject for each question."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from paddock.capabilities.messaging import Message
from paddock.errors import TimedOut

#: First token of the subjects that answers go to, as NATS has it.
INBOX = "_INBOX"

#: Bytes of all answers to one request; how many it waits for is said by a guest.
MOST = 64 << 20


@dataclass(slots=True)
class Question:
    """One request under way; `subject` is where its answers go."""

    subject: str
    replies: int
    done: asyncio.Future[None]
    answers: list[Message] = field(default_factory=list[Message])
    size: int = 0

    async def collect(self, timeout: float) -> list[Message]:
        """The answers, fewer where they are `MOST` bytes; raises TimedOut without one."""
        await asyncio.wait([self.done], timeout=timeout)
        if not self.answers:
            raise TimedOut(f"nobody answered within {timeout:g} s")
        return self.answers


class Inbox:
    """The requests under way of one broker. For one event loop."""

    def __init__(self) -> None:
        self.prefix = f"{INBOX}.{secrets.token_hex(8)}"
        self._open: dict[str, Question] = {}
        self._count = 0

    @property
    def pattern(self) -> str:
        """What to subscribe to."""
        return f"{self.prefix}.*"

    def ask(self, replies: int) -> Question:
        """Begin a request; end it with `forget`."""
        self._count += 1
        subject = f"{self.prefix}.{self._count}"
        done = asyncio.get_running_loop().create_future()
        question = self._open[subject] = Question(subject, max(1, replies), done)
        return question

    def forget(self, question: Question) -> None:
        """No more answers are wanted."""
        self._open.pop(question.subject, None)

    def answer(self, message: Message) -> None:
        """One answer came; one that is late or wrong is dropped."""
        question = self._open.get(message.subject)
        if question is None or question.done.done():
            return
        question.answers.append(message)
        # A message without a body takes room, too.
        question.size += len(message.body) + 256
        if len(question.answers) >= question.replies or question.size >= MOST:
            question.done.set_result(None)
