"""One pipelined connection to Redis."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, TimedOut, Unavailable
from paddock.providers.connections.redis_socket import connection_class, explained, settings
from paddock.providers.connections.redis_target import RedisTarget

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

#: Bytes not yet taken by the system after which nothing more is handed to it.
CHOKED = 1 << 20

_Waiting = tuple["asyncio.Future[object]", float]


class Lane:
    """Connects when it is first used and again whenever the connection was lost."""

    def __init__(self, target: RedisTarget, doubt: Callable[[], None]) -> None:
        self._target = target
        self._doubt = doubt
        self._loop = asyncio.get_running_loop()
        self._unsent: list[tuple[Sequence[bytes | str | int], _Waiting]] = []
        self._sent: deque[_Waiting] = deque()
        self._connection: Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._flush_soon = False
        self._alarm: asyncio.TimerHandle | None = None
        #: Calls under way.
        self.load = 0

    def call(self, command: Sequence[bytes | str | int]) -> asyncio.Future[object]:
        """The answer to a command, to be awaited; its failure is a CapabilityError."""
        future: asyncio.Future[object] = self._loop.create_future()
        deadline = self._loop.time() + self._target.timeout
        self._unsent.append((command, (future, deadline)))
        self.load += 1
        if self._running is None:
            self._running = self._loop.create_task(self._run())
        elif not self._flush_soon and self._connection is not None:
            self._flush_soon = True
            self._loop.call_soon(self._flush)
        if self._alarm is None:
            self._alarm = self._loop.call_at(deadline, self._ring)
        return future

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        if self._alarm is not None:
            self._alarm.cancel()
        task = self._running
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        """Connect, and give out answers until the connection ends."""
        from redis.exceptions import RedisError

        connection: Connection | None = None
        reason: CapabilityError = Unavailable(f"{self._target.what} closed the connection")
        try:
            connection = connection_class(self._target)(**settings(self._target))
            async with asyncio.timeout(self._target.timeout):
                await connection.connect()  # type: ignore[no-untyped-call]
            if self._running is not asyncio.current_task():
                return  # too late: `_ring` was faster
            self._connection = connection
            self._flush()
            await self._answers(connection)
        except asyncio.CancelledError:
            reason = Unavailable(f"the connection to {self._target.what} is closed")
            raise
        except TimeoutError:
            reason = self._late()
        except (OSError, RedisError) as error:
            reason = explained(error, self._target)
        except CapabilityError as error:
            reason = error
        except Exception:
            # No Redis: a length that is no number, an answer to nothing, lists without end.
            reason = Unavailable(f"{self._target.what} sent what is no answer")
        finally:
            if connection is not None:
                _abort(connection)
            # Unless `_ring` has failed what waited, and others wait by now.
            if self._running is asyncio.current_task():
                self._ended(reason)

    async def _answers(self, connection: Connection) -> None:
        from redis.exceptions import ResponseError

        read, sent = connection.read_response, self._sent
        while True:
            try:
                answer = await read(disable_decoding=True, disconnect_on_error=False)
            except ResponseError as error:
                self._taken(sent.popleft()[0], explained(error, self._target))
            else:
                if not sent:
                    raise OSError("it sent what nobody asked for")
                future = sent.popleft()[0]
                self.load -= 1
                # A guest that is gone has cancelled it.
                if not future.done():
                    future.set_result(answer)

    def _flush(self) -> None:
        self._flush_soon = False
        connection, unsent = self._connection, self._unsent
        if connection is None or self._draining is not None or not unsent:
            return
        self._unsent = []
        pack, parts = connection.pack_command, list[bytes]()
        for command, waiting in unsent:
            parts += pack(*command)
            self._sent.append(waiting)
        writer = _writer(connection)
        writer.writelines(parts)
        if writer.transport.get_write_buffer_size() > CHOKED:
            self._draining = self._loop.create_task(self._drain(writer))

    async def _drain(self, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.drain()
        except OSError:
            return  # whoever reads finds the same
        finally:
            self._draining = None
        self._flush()

    def _ring(self) -> None:
        """End the connection if its oldest call had no answer in time."""
        self._alarm = None
        if not self.load:
            return
        oldest = min(
            (self._sent[0] if self._sent else self._unsent[0][1])[1],
            self._unsent[0][1][1] if self._unsent else float("inf"),
        )
        if oldest > self._loop.time():
            self._alarm = self._loop.call_at(oldest, self._ring)
            return
        task = self._running
        self._ended(self._late())
        if task is not None:
            task.cancel()

    def _late(self) -> TimedOut:
        return TimedOut(f"{self._target.what} did not answer within {self._target.timeout:g} s")

    def _ended(self, reason: CapabilityError) -> None:
        """Fail what waits; the next call connects anew."""
        self._connection = self._running = None
        waiting = [*self._sent, *(each for _, each in self._unsent)]
        self._sent, self._unsent = deque(), []
        for future, _ in waiting:
            self._taken(future, type(reason)(reason.message, hint=reason.hint))
        # An idle connection that ended, by the server's own timeout say, is no bad sign.
        if waiting:
            self._doubt()

    def _taken(self, future: asyncio.Future[object], error: CapabilityError) -> None:
        self.load -= 1
        if not future.done():
            future.set_exception(error)


def _writer(connection: Connection) -> asyncio.StreamWriter:
    writer: asyncio.StreamWriter = connection._writer  # type: ignore[assignment]
    return writer


def _abort(connection: Connection) -> None:
    writer = connection._writer
    if writer is not None:
        writer.transport.abort()
