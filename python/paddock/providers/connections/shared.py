"""One connection for each distinct target and event loop, closed with its last user."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection."""

    async def close(self) -> None:
        """Let go of sockets and tasks."""
        ...


C = TypeVar("C", bound=Closable)


class Shared(Generic[C]):
    """What this process has open of one kind. Its methods belong to the loop of a connection.

    Connections of different loops have nothing to do with each other, so no lock
    is needed: no method waits between looking and changing.
    """

    def __init__(self) -> None:
        # The loops themselves: a number would be that of another one when a loop is gone.
        self._open: dict[tuple[Hashable, asyncio.AbstractEventLoop], tuple[C, int]] = {}

    def take(self, target: Hashable, make: Callable[[], C]) -> C:
        """The connection for `target`, made if there is none; every one wants a `give`."""
        key = (target, asyncio.get_running_loop())
        connection, users = self._open.get(key, (None, 0))
        if connection is None:
            connection = make()
        self._open[key] = (connection, users + 1)
        return connection

    async def give(self, target: Hashable, connection: C) -> None:
        """Give up one use; the last one closes the connection."""
        key = (target, asyncio.get_running_loop())
        known, users = self._open.get(key, (None, 0))
        if known is connection and users > 1:
            self._open[key] = (connection, users - 1)
            return
        if known is connection:
            del self._open[key]
        await connection.close()


def seen(future: asyncio.Future[Any]) -> None:
    """A callback for what many wait for: that all of them gave up is no fault to be logged."""
    if not future.cancelled():
        future.exception()
