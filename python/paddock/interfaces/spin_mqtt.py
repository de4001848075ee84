"""`fermyon:spin/mqtt@2.0.0` and `spin:mqtt/mqtt@3.0.0`: publishing to brokers that a guest names.

A connection is a client that all instances share, for each address, user and
password; opening one connects to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit, urlunsplit

from paddock.capabilities.mqtt import MqttClient
from paddock.errors import AccessDenied, BadName, CapabilityError, Unavailable
from paddock.types import Reply, Variant, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the MQTT client failed; the host's log has the reason"

_QOS = {"at-most-once": 0, "at-least-once": 1, "exactly-once": 2}


class InvalidAddress(BadName):
    """What the guest gave is no address."""


class Connection:
    """The resource."""

    __slots__ = ("_client",)

    def __init__(self, client: MqttClient) -> None:
        self._client = client

    def publish(self, topic: str, payload: bytes, qos: str) -> Reply[None]:
        """See the capability's contract."""
        return self._client.publish(topic, payload, _QOS[qos])


class _Connections:
    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def open(
        self, address: str, username: str, password: str, keep_alive_interval_in_secs: int
    ) -> Reply[Connection]:
        """A connection to a granted address."""
        # As Spin says it, with the address as the guest wrote it.
        denied = f"address {address[:1000]} is not permitted"
        if self._grants.addresses is None:
            raise AccessDenied(denied)
        url = _url(address, username, password, keep_alive_interval_in_secs)
        try:
            client = cast("Reply[MqttClient]", self._grants.addresses.open("mqtt", url))
        except AccessDenied as error:
            raise AccessDenied(denied, hint=error.hint) from error
        except CapabilityError as error:
            raise InvalidAddress(error.message) from error
        return then(client, Connection)


class Mqtt:
    """2.0.0, and 3.0.0, which has the same functions, asynchronous."""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = _Connections(grants)

    def __paddock_error__(self, exc: Exception) -> object:
        if isinstance(exc, InvalidAddress):
            return Variant("invalid-address")
        text = exc.message if isinstance(exc, CapabilityError) else INTERNAL
        if isinstance(exc, AccessDenied | Unavailable):
            return Variant("connection-failed", text)
        return Variant("other", text)


def _url(address: str, username: str, password: str, keep_alive: int) -> str:
    """One URL for all of it; a user in the address gives way to the one named beside it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidAddress("the address is not a URL") from error
    place = f"[{host}]" if ":" in host else host
    if port is not None:
        place = f"{place}:{port}"
    if username or password:
        place = f"{quote(username, safe='')}:{quote(password, safe='')}@{place}"
    elif "@" in parts.netloc:
        place = parts.netloc
    query = "&".join(filter(None, (parts.query, f"keep_alive={keep_alive}")))
    return urlunsplit((parts.scheme, place, parts.path, query, ""))
