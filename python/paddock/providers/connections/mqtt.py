"""The connection for publishing to an MQTT broker, shared by all who use the same one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, Unavailable
from paddock.providers.connections.health import Health
from paddock.providers.connections.mqtt_session import MqttSession
from paddock.providers.connections.mqtt_target import MqttTarget
from paddock.providers.connections.shared import Shared, seen

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties


class MqttLink:
    """Its methods belong to the loop where it was made. The broker may be away meanwhile.

    Nothing is kept to be sent later: what was not acknowledged when the connection
    ended has failed, and its caller knows.
    """

    def __init__(self, target: MqttTarget) -> None:
        self.target = target
        self.health = Health(target.what, self._ping, target.timeout)
        self._session: MqttSession | None = None
        self._connecting: asyncio.Task[MqttSession] | None = None
        self._closed = False

    async def publish(
        self, topic: str, body: bytes, qos: int, properties: Properties | None = None
    ) -> None:
        """Send a message. Raises CapabilityError, Unavailable within the timeout."""
        session = self._session
        if session is None or session.ended.done():
            if self._closed:
                raise Unavailable(f"the connection to {self.target.what} is closed")
            self.health.check()
            session = await self._connect()
        try:
            await session.publish(topic, body, qos, properties)
        except Unavailable:
            self.health.doubt()
            raise

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        self._closed = True
        await self.health.close()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _connect(self) -> MqttSession:
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._open())
            self._connecting.add_done_callback(seen)
        try:
            return await asyncio.shield(self._connecting)
        except CapabilityError as error:
            self.health.doubt()
            # Each caller gets one of its own: a shared one would gather tracebacks.
            raise type(error)(error.message, hint=error.hint) from error

    async def _open(self) -> MqttSession:
        try:
            session = MqttSession(self.target)
            await session.connect()
        finally:
            self._connecting = None
        self._session = session
        session.ended.add_done_callback(lambda _: self._lost(session))
        return session

    def _lost(self, session: MqttSession) -> None:
        if self._session is session:
            self._session = None
            if not self._closed:
                self.health.doubt()

    async def _ping(self) -> None:
        # A broker that answers nothing is noticed by what was asked, which ends the session.
        if self._session is None or self._session.ended.done():
            await self._connect()


def load() -> None:
    """Raises CapabilityError where the client library is not installed."""
    try:
        import paho.mqtt.client  # noqa: F401
    except ImportError as error:
        raise CapabilityError(
            "the package 'paho-mqtt' is not installed", hint="pip install 'paddock[mqtt]'"
        ) from error


_LINKS: Shared[MqttLink] = Shared()


def take(target: MqttTarget) -> MqttLink:
    """The connection to a broker; give it back with `give`. Needs a running loop and no broker."""
    load()
    link = _LINKS.take(target, lambda: MqttLink(target))
    link.health.doubt()
    return link


async def give(link: MqttLink) -> None:
    """Give up one use; the last one closes the connection."""
    await _LINKS.give(link.target, link)
