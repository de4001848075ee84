"""What connections to database servers share: calls that end in time, and what is left of them."""

from __future__ import annotations

import asyncio
from types import TracebackType

from paddock.errors import CapabilityError, TimedOut
from paddock.providers.connections.database_target import DatabaseTarget


class DatabaseConnection:
    """One connection; belongs to one user at a time."""

    __slots__ = ("_expired", "_loop", "_target", "tainted")

    def __init__(self, target: DatabaseTarget) -> None:
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._expired = False
        #: Set by whoever left something in the session that the next user may not see.
        self.tainted = False

    def call(self) -> _Call:
        """For a `with` around one call: at the timeout the connection breaks.

        What the client library raises comes out as an error of ours.
        """
        return _Call(self)

    def begin(self) -> asyncio.TimerHandle:
        """Start the clock of a call; its end cancels it."""
        return self._loop.call_later(self._target.timeout, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self.discard()

    def explained(self, error: Exception) -> Exception:
        """An error of ours for what was raised; other exceptions as they are."""
        if self._expired:
            return TimedOut(f"{self._target} did not answer within {self._target.timeout:g} s")
        if isinstance(error, CapabilityError):
            return error
        return self.translated(error)

    def translated(self, error: Exception) -> Exception:
        """The same for what the client library raised."""
        raise NotImplementedError

    def discard(self) -> None:
        """Break it off."""
        raise NotImplementedError

    async def goodbye(self) -> None:
        """Tell the server that it ends."""
        raise NotImplementedError

    async def close(self) -> None:
        """Say goodbye to the server, if it listens."""
        try:
            async with asyncio.timeout(1.0):
                await self.goodbye()
        except Exception:
            self.discard()


class _Call:
    __slots__ = ("_connection", "_timer")

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._timer = self._connection.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if error is None:
            return
        if not isinstance(error, Exception):
            # Cancelled: what the server still sends would meet the next user.
            self._connection.tainted = True
        elif (found := self._connection.explained(error)) is not error:
            raise found from error
