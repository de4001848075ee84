"""paho's client, wired to a session; and what the broker's reasons mean."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from paddock.errors import CapabilityError, Exhausted, Unavailable
from paddock.providers.connections.dial import addresses
from paddock.providers.connections.mqtt_target import MqttTarget
from paddock.providers.connections.trust import context

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

#: Reasons (MQTT 5, 2.4) that the same attempt may not meet again.
_PASSING = {0x88, 0x89, 0x8B, 0x97, 0x9F}
_FULL = 0x97
_REFUSED = {0x86, 0x87, 0x8C}
#: Somebody else connected with the same client identifier.
_TAKEN_OVER = 0x8E


#: Bytes that are read at once.
PIECE = 64 << 10


class TakenOver(Unavailable):
    """Somebody else has the session: a successor of this host, or one with the same `client_id`."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a connection is for.

    `keep` in seconds: how long the broker keeps the session after its end, 0 for
    not at all. `receive`: messages that the broker sends before they are acknowledged.
    """

    client_id: str = ""
    keep: int = 0
    receive: int = 100


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the broker said when it took the connection; sizes in bytes."""

    session_present: bool
    in_flight: int | None
    largest: int | None


class Owner(Protocol):
    """Who hears of what happens; on the thread that makes paho read and write."""

    def socket(self) -> socket.socket:
        """The connected socket; raises OSError when it was given up."""
        ...

    def welcomed(self, welcome: Welcome) -> None: ...
    def answered(self, mid: int, code: int) -> None: ...
    def received(self, message: MQTTMessage) -> None: ...
    def abort(self, reason: CapabilityError) -> None: ...
    def writing(self, wanted: bool) -> None: ...
    def closing(self, wire: int) -> None: ...


class BufferedSocket(socket.socket):
    """Read in large pieces where a byte or two are asked for, as paho does for each packet.

    `pending` counts what was read ahead, of which no selector tells, as with TLS.
    """

    _held = b""
    _at = 0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As of any socket; b"" at the end of the connection."""
        if self._at == len(self._held):
            if bufsize >= PIECE or flags:
                return super().recv(bufsize, flags)
            self._held, self._at = super().recv(PIECE), 0
        piece = self._held[self._at : self._at + bufsize]
        self._at += len(piece)
        return piece

    def pending(self) -> int:
        """Bytes that `recv` answers without asking the system."""
        return len(self._held) - self._at


async def dialled(target: MqttTarget) -> socket.socket:
    """A socket to the first address that is allowed and answers; OSError, AccessDenied."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("it has no address")
    for address in await addresses(target.host, target.port, target.allowed):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        ready = BufferedSocket(family, socket.SOCK_STREAM)
        ready.setblocking(False)
        try:
            await loop.sock_connect(ready, (address, target.port))
        except OSError as error:
            ready.close()
            failure = error
            continue
        except BaseException:
            ready.close()
            raise
        ready.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ready
    raise failure


def client(target: MqttTarget, options: SessionOptions, owner: Owner) -> Client:
    """A client that is not connected yet."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    class Wired(Client):
        """paho's, on a socket that is connected to an address that may be."""

        def _create_socket_connection(self) -> socket.socket:
            ready = owner.socket()
            # A handshake would not wait on a socket that does not block.
            ready.settimeout(target.timeout if target.tls else 0)
            return ready

    made = Wired(
        CallbackAPIVersion.VERSION2,
        client_id=options.client_id,
        protocol=target.version,  # type: ignore[arg-type]
        clean_session=None if target.version == 5 else True,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    if target.username is not None or target.password is not None:
        secret = target.password.value if target.password else None
        made.username_pw_set(target.username or "", secret)
    if target.tls:
        made.tls_set_context(context(target.ca))
    made.connect_timeout = target.timeout
    # The session counts: paho can't change the number when the broker has told its own.
    made.max_inflight_messages_set(0)
    _wire(made, target, owner)
    return made


def _wire(made: Client, target: MqttTarget, owner: Owner) -> None:
    def connected(
        client: Client, data: object, flags: object, code: ReasonCode, about: Properties | None
    ) -> None:
        if code.is_failure:
            owner.abort(refused(target, code.value))
            return
        in_flight = cast("int | None", getattr(about, "ReceiveMaximum", None))
        largest = cast("int | None", getattr(about, "MaximumPacketSize", None))
        present = bool(getattr(flags, "session_present", False))
        owner.welcomed(Welcome(present, in_flight, largest))

    def disconnected(
        client: Client, data: object, flags: object, code: ReasonCode, about: object
    ) -> None:
        if getattr(flags, "is_disconnect_packet_from_server", False) and code.is_failure:
            owner.abort(refused(target, code.value))
        else:
            owner.abort(Unavailable(f"{target.what} closed the connection"))

    def subscribed(
        client: Client, data: object, mid: int, codes: list[ReasonCode], about: object
    ) -> None:
        owner.answered(mid, max(code.value for code in codes))

    made.on_connect = connected
    made.on_disconnect = disconnected
    made.on_subscribe = subscribed
    made.on_publish = lambda client, data, mid, code, about: owner.answered(mid, code.value)
    made.on_unsubscribe = lambda client, data, mid, codes, about: owner.answered(mid, 0)
    made.on_message = lambda client, data, message: owner.received(message)
    made.on_socket_register_write = lambda client, data, wire: owner.writing(True)
    made.on_socket_close = lambda client, data, wire: owner.closing(wire.fileno())
    made.on_socket_unregister_write = lambda client, data, wire: owner.writing(False)


def properties(kind: str, **values: object) -> Properties:
    """Properties of a packet (MQTT 5, 2.2.2), by paho's names; `kind` is that of a packet."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    made: Properties = cast("Any", Properties)(getattr(PacketTypes, kind))
    for name, value in values.items():
        setattr(made, name, value)
    return made


def connect_properties(options: SessionOptions) -> Properties:
    """Those of CONNECT."""
    receive = min(65535, max(1, options.receive))
    if options.keep:
        return properties("CONNECT", ReceiveMaximum=receive, SessionExpiryInterval=options.keep)
    return properties("CONNECT", ReceiveMaximum=receive)


def refused(target: MqttTarget, code: int) -> CapabilityError:
    """The error for a reason code of the broker."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

    names = [each for kind in (PacketTypes.DISCONNECT, PacketTypes.CONNACK, PacketTypes.PUBACK)
             for each in _name(ReasonCode, kind, code)]  # fmt: skip
    what = names[0].lower() if names else f"reason {code}"
    if code in _REFUSED:
        return CapabilityError(
            f"{target.what} refused the user name, the password or the topic: {what}",
            hint="check them in its table, and what the broker allows this user",
        )
    if code == _FULL:
        return Exhausted(f"{target.what} refused it: {what}")
    if code in _PASSING:
        return Unavailable(f"{target.what} can't answer now: {what}")
    if code == _TAKEN_OVER:
        return TakenOver(f"{target.what} gave the session to another client of the same name")
    return CapabilityError(f"{target.what} refused it: {what}")


def _name(kinds: type[ReasonCode], kind: int, code: int) -> list[str]:
    try:
        return [kinds(kind, identifier=code).getName()]
    except (KeyError, AssertionError):
        return []


def reason(error: Exception) -> str:
    """A failure of the connection in few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
