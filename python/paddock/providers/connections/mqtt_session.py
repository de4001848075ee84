"""One connection to an MQTT broker, on the event loop.

It stands on paho's client directly: aiomqtt, which wraps the same client, hides
whether a message was sent before, acknowledges by itself, and connects to names.
A session lives as long as its connection; whoever needs another makes one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from paddock.errors import CapabilityError, TimedOut, TooLarge, Unavailable
from paddock.providers.connections.mqtt_paho import (
    SessionOptions,
    Welcome,
    client,
    connect_properties,
    dialled,
    properties,
    reason,
    refused,
)
from paddock.providers.connections.mqtt_target import MqttTarget

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions

#: Messages with an acknowledgement outstanding, where the broker names no number.
IN_FLIGHT = 1000
#: That are read before others get their turn on the loop.
PACKETS = 64


class MqttSession:
    """Its methods belong to the loop where it was made. `ended` tells when it is over."""

    def __init__(
        self,
        target: MqttTarget,
        options: SessionOptions | None = None,
        received: Callable[[MQTTMessage], None] | None = None,
    ) -> None:
        self.target = target
        self._options = options or SessionOptions(target.client_id)
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._client = client(target, self._options, self)
        self._beat: asyncio.TimerHandle | None = None
        self._attached = False
        self._largest: int | None = None
        #: Messages that may be sent before one is acknowledged.
        self._room = asyncio.Semaphore(IN_FLIGHT)
        #: Done when the connection has ended; its result is why.
        self.ended: asyncio.Future[CapabilityError] = self._loop.create_future()

    # -- life

    async def connect(self) -> bool:
        """Connect; whether the broker still had the session. Raises CapabilityError."""
        target = self.target
        try:
            async with asyncio.timeout(target.timeout):
                await self._open()
                return await self._connected
        except TimeoutError as error:
            self.abort()
            raise TimedOut(f"{target.what} did not answer within {target.timeout:g} s") from error
        except OSError as error:
            self.abort()
            raise Unavailable(f"{target.what} can't be reached: {reason(error)}") from error
        except BaseException:
            self.abort()
            raise

    async def _open(self) -> None:
        from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY

        target, options, paho = self.target, self._options, self._client
        self._socket = await dialled(target)
        version5 = target.version == 5
        about = connect_properties(options) if version5 else None
        clean = options.keep == 0 if version5 else MQTT_CLEAN_START_FIRST_ONLY
        paho.connect_async(
            target.host, target.port, target.keep_alive, clean_start=clean, properties=about
        )
        if target.tls:
            # The handshake blocks, for as long as the timeout at most.
            await asyncio.to_thread(paho.reconnect)
        else:
            paho.reconnect()
        self._attach()

    def _attach(self) -> None:
        wire = self._client.socket()
        if wire is None or self.ended.done():
            return
        self._attached = True
        self._loop.add_reader(wire.fileno(), self._readable)
        if self._client.want_write():
            self._loop.add_writer(wire.fileno(), self._writable)
        self._beat = self._loop.call_later(1.0, self._misc)

    async def close(self) -> None:
        """Take leave of the broker, which then sends no will and keeps what it should."""
        if not self.ended.done() and self._client.is_connected():
            self._client.disconnect()
            await asyncio.wait([self.ended], timeout=min(1.0, self.target.timeout))
        self.abort()

    def abort(self, reason: CapabilityError | None = None) -> None:
        """End the connection now; calls under way fail."""
        why = reason or Unavailable(f"the connection to {self.target.what} is closed")
        self._detach()
        if not self.ended.done():
            self.ended.set_result(why)
        if not self._connected.done():
            self._connected.set_exception(type(why)(why.message, hint=why.hint))
            self._connected.exception()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(type(why)(why.message, hint=why.hint))

    def _detach(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        wire = self._client.socket() or self._socket
        self._socket = None
        if wire is not None and wire.fileno() >= 0:
            self.closing(wire.fileno())
            wire.close()
        self._attached = False

    # -- calls

    async def publish(
        self, topic: str, body: bytes, qos: int, about: Properties | None = None
    ) -> None:
        """Answers when the broker has acknowledged it; for qos 0 when it is sent."""
        if self.ended.done():
            raise self._over()
        if self._largest is not None and len(body) + len(topic) + 64 > self._largest:
            raise TooLarge(f"{self.target.what} takes no message as large as this")
        if qos == 0:
            await self._publish(topic, body, 0, about)
            return
        if self._room.locked():
            await self._turn()
        else:
            await self._room.acquire()
        try:
            await self._publish(topic, body, qos, about)
        finally:
            self._room.release()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self.target.timeout):
                await self._room.acquire()
        except TimeoutError:
            raise TimedOut(
                f"{self.target.what} did not take the message within {self.target.timeout:g} s"
            ) from None

    async def _publish(self, topic: str, body: bytes, qos: int, about: Properties | None) -> None:
        if self.ended.done():
            raise self._over()
        info = self._client.publish(topic, body, qos, properties=about)
        code = await self._answer(info.mid)
        if code >= 0x80:
            raise refused(self.target, code)

    async def subscribe(
        self, filters: Sequence[tuple[str, SubscribeOptions]], identifier: int | None = None
    ) -> None:
        """Subscribe to filters; raises CapabilityError when the broker refuses one."""
        about = None
        if identifier is not None:
            about = properties("SUBSCRIBE", SubscriptionIdentifier=identifier)
        if self.ended.done():
            raise self._over()
        _, mid = self._client.subscribe(list(filters), properties=about)
        if mid is None:
            raise Unavailable(f"{self.target.what} can't be reached")
        code = await self._answer(mid)
        if code >= 0x80:
            raise refused(self.target, code)

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Unsubscribe; what was on its way has arrived when it answers."""
        if self.ended.done():
            raise self._over()
        _, mid = self._client.unsubscribe(list(filters))
        if mid is not None:
            await self._answer(mid)

    def ack(self, mid: int, qos: int) -> None:
        """Acknowledge a message; it goes with what is sent next."""
        if self.ended.done():
            raise self._over()
        self._client.ack(mid, qos)

    async def _answer(self, mid: int) -> int:
        future: asyncio.Future[int] = self._loop.create_future()
        self._waiting[mid] = future
        try:
            await asyncio.wait([future], timeout=self.target.timeout)
        finally:
            self._waiting.pop(mid, None)
        if not future.done():
            # Nothing that comes later could be told from what was given up.
            late = TimedOut(f"{self.target.what} did not answer within {self.target.timeout:g} s")
            self.abort(late)
            raise late
        return future.result()

    def _over(self) -> CapabilityError:
        why = self.ended.result()
        return type(why)(why.message, hint=why.hint)

    # -- told by paho

    def socket(self) -> socket.socket:
        """For `mqtt_paho.Owner`."""
        if self._socket is None:
            raise OSError("the connection was given up")
        return self._socket

    def welcomed(self, welcome: Welcome) -> None:
        """For `mqtt_paho.Owner`."""
        self._room = asyncio.Semaphore(min(welcome.in_flight or IN_FLIGHT, IN_FLIGHT))
        self._largest = welcome.largest
        if not self._connected.done():
            self._connected.set_result(welcome.session_present)

    def answered(self, mid: int, code: int) -> None:
        """For `mqtt_paho.Owner`."""
        future = self._waiting.get(mid)
        if future is not None and not future.done():
            future.set_result(code)

    def received(self, message: MQTTMessage) -> None:
        """For `mqtt_paho.Owner`."""
        if self._received is not None:
            self._received(message)

    def writing(self, wanted: bool) -> None:
        """For `mqtt_paho.Owner`; not while TLS shakes hands in its thread: see `_attach`."""
        wire = self._client.socket()
        if self._beat is None or wire is None:
            return
        if wanted:
            self._loop.add_writer(wire.fileno(), self._writable)
        else:
            self._loop.remove_writer(wire.fileno())

    def closing(self, wire: int) -> None:
        """For `mqtt_paho.Owner`: before paho closes the socket, whose number is used again."""
        if wire >= 0 and self._attached:
            self._loop.remove_reader(wire)
            self._loop.remove_writer(wire)

    # -- the socket

    def _writable(self) -> None:
        self._guarded(self._client.loop_write)

    def _readable(self) -> None:
        for _ in range(PACKETS):
            self._guarded(self._client.loop_read)
            wire = self._client.socket()
            # More may be there than was read, of which no selector tells.
            if wire is None or not getattr(wire, "pending", int)():
                return
        # Others have their turn first.
        self._loop.call_soon(self._readable)

    def _misc(self) -> None:
        self._beat = self._loop.call_later(1.0, self._misc)
        self._guarded(self._client.loop_misc)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            self.abort(Unavailable(f"{self.target.what} can't be reached: {reason(error)}"))
