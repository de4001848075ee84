"""One connection to NATS, shared by all who use the same servers from one event loop.

The client's own reconnecting is used, since it subscribes again to what was
subscribed. While there is no connection, calls fail at once: nothing is kept to
be sent later, when its caller has long been told that it failed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, TimedOut, TooLarge, Unavailable
from paddock.providers.connections.health import FIRST_PAUSE, LONGEST_PAUSE, Health
from paddock.providers.connections.nats_target import NatsTarget
from paddock.providers.connections.shared import Shared
from paddock.providers.connections.trust import context

if TYPE_CHECKING:
    from nats.aio.client import Client, Server
    from nats.aio.msg import Msg

#: Seconds between two signs of life that are asked of an idle server.
PING = 20
#: Seconds after which a ping without an answer is forgotten; others notice earlier.
PATIENCE = 3600


class NatsLink:
    """Its methods belong to the event loop where it was made. NATS may be away meanwhile."""

    def __init__(self, target: NatsTarget) -> None:
        self.target = target
        self.health = Health(target.what, self._ping, target.timeout)
        #: The client library's own, for subscriptions; connected now and then.
        self.client: Client = persistent()()
        self._last: CapabilityError | None = None
        self._attempts = 0
        self._up = asyncio.Event()
        self._pong: asyncio.Future[None] | None = None
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def request(
        self, subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Msg:
        """A message and its answer. Raises CapabilityError, Unavailable within the timeout.

        A request that failed because the server went away may have been carried out.
        """
        if not self.client.is_connected or self.health.failure is not None:
            await self._usable()
        try:
            async with asyncio.timeout(self.target.timeout):
                return await self.client.request(
                    subject,
                    payload,
                    timeout=self.target.timeout,
                    headers=dict(headers) if headers else None,
                )
        except Exception as error:
            raise self.explained(error) from error

    async def publish(
        self, subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """A message that nobody answers; it is handed to the connection, no more."""
        if not self.client.is_connected or self.health.failure is not None:
            await self._usable()
        try:
            async with asyncio.timeout(self.target.timeout):
                await self.client.publish(subject, payload, headers=dict(headers or {}) or None)
        except Exception as error:
            raise self.explained(error) from error

    async def _usable(self) -> None:
        """Raise what a call would fail with, if that is known; else wait for the connection."""
        self.health.check()
        if self._last is not None:
            raise self._absent()
        await self.connected()

    async def connected(self, seconds: float | None = None) -> None:
        """Wait for the connection; Unavailable after so many seconds, or the timeout."""
        try:
            async with asyncio.timeout(self.target.timeout if seconds is None else seconds):
                await self._up.wait()
        except TimeoutError:
            raise self._absent() from None

    def explained(self, error: Exception) -> CapabilityError:
        """The error of the tree for one of the client's; doubts the server where it is to blame."""
        from nats import errors

        what = self.target.what
        if isinstance(error, CapabilityError):
            return error
        if isinstance(error, errors.NoRespondersError):
            return Unavailable(
                f"{what} has nobody who answers this",
                hint="for stores it needs JetStream: start it with -js",
            )
        if isinstance(error, errors.MaxPayloadError):
            return TooLarge(
                f"{what} takes no message as large as this",
                hint="it is the server's setting max_payload",
            )
        if isinstance(error, TimeoutError | errors.TimeoutError):
            self.health.doubt()
            return TimedOut(f"{what} did not answer within {self.target.timeout:g} s")
        if isinstance(error, errors.Error | OSError):
            self.health.doubt()
            return self._failure(error)
        raise error

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        await self.health.close()
        self._give_up_ping()
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)
        try:
            async with asyncio.timeout(min(self.target.timeout, 1.0)):
                await self.client.close()
        except (Exception, TimeoutError):
            # It is a server that takes nothing any more: the socket alone is left to close.
            transport = self.client._transport
            if transport is not None:
                transport.close()  # type: ignore[no-untyped-call]

    def _absent(self) -> CapabilityError:
        last = self._last
        if last is not None:
            return type(last)(last.message, hint=last.hint)
        return Unavailable(f"{self.target.what} can't be reached")

    def _failure(self, error: Exception) -> CapabilityError:
        what, text = self.target.what, str(error)
        if "authorization" in text.lower() or "authentication" in text.lower():
            return CapabilityError(
                f"{what} refused the user name or password", hint="check them in its table"
            )
        return Unavailable(f"{what} can't be reached: {text or type(error).__name__}")

    async def _ping(self) -> None:
        # Earlier than the question as a whole, which could not say why.
        await self.connected(self.target.timeout * 0.9)
        if self._pong is None or self._pong.done():
            self._pong = asyncio.ensure_future(self.client.flush(timeout=PATIENCE))
        try:
            # The client can't bear a ping that is given up when its answer comes after all.
            await asyncio.shield(self._pong)
        except Exception as error:
            raise self.explained(error) from error

    def _give_up_ping(self) -> None:
        if self._pong is not None:
            self._pong.cancel()
            self._pong = None

    async def _connect(self) -> None:
        """The client tries for ever, first here and later by itself."""
        target = self.target

        async def failed(error: Exception) -> None:
            self._last = self._failure(error)

        async def lost() -> None:
            self._up.clear()
            self._give_up_ping()
            self.health.doubt()

        async def back() -> None:
            self._last, self._attempts = None, 0
            self._up.set()
            self.health.hurry()

        scheme = "tls" if target.tls else "nats"
        await self.client.connect(
            servers=[f"{scheme}://{server}" for server in target.servers],
            user=target.username,
            password=target.password.value if target.password else None,
            token=target.token.value if target.token else None,
            user_credentials=target.credentials,
            tls=context(target.ca) if target.tls else None,
            error_cb=failed,
            disconnected_cb=lost,
            reconnected_cb=back,
            reconnect_to_server_handler=self._next,
            connect_timeout=max(1, int(target.timeout)),
            reconnect_time_wait=1,
            max_reconnect_attempts=-1,
            ping_interval=PING,
            max_outstanding_pings=2,
            name="paddock",
        )
        await back()

    def _next(self, servers: list[Server], info: dict[str, object]) -> tuple[Server, float]:
        """The server to try now, and the seconds to wait before; the client's `reconnect` asks."""
        del info
        self._attempts += 1
        round_ = self._attempts // len(servers)
        pause = min(FIRST_PAUSE * 2 ** min(round_, 10), LONGEST_PAUSE)
        return servers[self._attempts % len(servers)], pause * random.uniform(0.5, 1.0)


def persistent() -> type[Client]:
    """The client library's, but what a server complains of is no reason to give up for ever,
    and TLS that was asked for is insisted on.
    """
    from nats.aio.client import Client
    from nats.errors import Error

    class Persistent(Client):
        async def _process_info(
            self, info: dict[str, object], initial_connection: bool = False
        ) -> None:
            if initial_connection and "tls" in self.options and not info.get("tls_required"):
                # The client would go on in plain text, with the password.
                if not info.get("tls_available"):
                    raise Error("the server offers no TLS")
                info["tls_required"] = True
            await super()._process_info(info, initial_connection)

        async def _process_err(self, err_msg: str) -> None:
            if "permissions violation" in err_msg.lower():
                await super()._process_err(err_msg)
            else:
                await self._process_op_err(Error(f"nats: {err_msg}"))

    return Persistent


_LINKS: Shared[NatsLink] = Shared()


def load() -> None:
    """Import the client library, which takes a while. CapabilityError where there is none."""
    try:
        import nats.aio.client  # noqa: F401
    except ImportError as error:
        raise CapabilityError(
            "the package 'nats-py' is not installed", hint="pip install 'paddock[nats]'"
        ) from error


def take(target: NatsTarget) -> NatsLink:
    """The connection to servers; give it back with `give`.

    Needs a running loop and no server. Raises CapabilityError, see `load`.
    """
    load()
    link = _LINKS.take(target, lambda: NatsLink(target))
    link.health.doubt()
    return link


async def give(link: NatsLink) -> None:
    """Give up one use; the last one closes the connection."""
    await _LINKS.give(link.target, link)
