"""The logging capability: where the messages of a component go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from paddock.types import Reply

Level: TypeAlias = Literal["trace", "debug", "info", "warn", "error", "critical"]


class LogSink(Protocol):
    """Takes the messages of one component."""

    def log(self, level: Level, context: str, message: str, /) -> Reply[None]:
        """Take one message; `context` is any text by which to group messages.

        It must not fail: a guest has no way to be told. Both texts are the
        guest's and may hold anything, line breaks included.
        """
        ...
