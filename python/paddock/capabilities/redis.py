"""Redis, spoken to directly: for interfaces whose guests name a server's address.

Keys, members and channels are text, values are bytes. All failures are of the
`CapabilityError` tree: `WrongType` where a key holds something of another type,
`Unavailable` within the provider's timeout where the server does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply


class Status(bytes):
    """What Redis answered as a simple string, `OK` for instance, not as a value."""


#: One answer of a command: a value is bytes, a count is an integer, nothing is None.
Answer = Status | bytes | int | None


class RedisClient(Protocol):
    """A client for one server and database, shared by all instances of a component."""

    def get(self, key: str, /) -> Reply[bytes | None]:
        """GET: the value, None for an absent key."""
        ...

    def set(self, key: str, value: bytes, /) -> Reply[None]:
        """SET, without a time to live."""
        ...

    def incr(self, key: str, /) -> Reply[int]:
        """INCR: the number after adding one; an absent key counts as 0."""
        ...

    def delete(self, keys: Sequence[str], /) -> Reply[int]:
        """DEL: how many there were; none are asked for without keys."""
        ...

    def sadd(self, key: str, members: Sequence[str], /) -> Reply[int]:
        """SADD: how many are new."""
        ...

    def smembers(self, key: str, /) -> Reply[list[str]]:
        """SMEMBERS, in no order."""
        ...

    def srem(self, key: str, members: Sequence[str], /) -> Reply[int]:
        """SREM: how many there were."""
        ...

    def publish(self, channel: str, body: bytes, /) -> Reply[None]:
        """PUBLISH, whether anybody listens or not."""
        ...

    def execute(self, command: str, arguments: Sequence[bytes | int], /) -> Reply[list[Answer]]:
        """Any command with an answer; one that is a list is answered flat.

        Commands that change what the connection is for (SUBSCRIBE, MULTI, SELECT,
        those that block, and their like) are refused: it is shared.
        """
        ...

    def close(self) -> Reply[None]:
        """Let go of connections; may be repeated."""
        ...
