"""`fermyon:spin/redis` without a version and 2.0.0, `spin:redis/redis@3.0.0`.

A connection is a client that all instances share; opening one connects to
nothing, so a server that is away shows at the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from paddock.capabilities.redis import Answer, RedisClient, Status
from paddock.errors import AccessDenied, BadName, CapabilityError, WrongType
from paddock.types import Reply, Steps, Variant, sequence, then

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

T = TypeVar("T")

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the Redis client failed; the host's log has the reason"


def error_payload(exc: Exception) -> Variant:
    """The interface's `error` for an exception."""
    # An address that is not granted is no valid one, as Spin has it.
    if isinstance(exc, AccessDenied | BadName):
        return Variant("invalid-address")
    if isinstance(exc, WrongType):
        return Variant("type-error")
    return Variant("other", exc.message if isinstance(exc, CapabilityError) else INTERNAL)


class Connection:
    """The resource; what needs no conversion is the client's own method."""

    __slots__ = ("_client", "get", "incr", "publish", "sadd", "set", "smembers", "srem")

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self.get = client.get
        self.set = client.set
        self.incr = client.incr
        self.publish = client.publish
        self.sadd = client.sadd
        self.smembers = client.smembers
        self.srem = client.srem

    def del_(self, keys: Sequence[str]) -> Reply[int]:
        """How many of the keys there were."""
        return self._client.delete(keys)

    def execute(self, command: str, arguments: Sequence[Variant]) -> Reply[list[Variant]]:
        """Any command, its answer flat."""
        return then(self._client.execute(command, _arguments(arguments)), _results)


class _Connections:
    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def open(self, address: str) -> Reply[Connection]:
        """A connection to a granted address."""
        return then(_client(self._grants, address), Connection)


class Redis:
    """2.0.0 and 3.0.0, which has the same functions, asynchronous."""

    __slots__ = ("connection",)

    def __init__(self, grants: Grants) -> None:
        self.connection = _Connections(grants)

    def __paddock_error__(self, exc: Exception) -> object:
        return error_payload(exc)


class RedisByAddress:
    """Without a version: every function names the address; an error says nothing."""

    __slots__ = ("_grants",)

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def __paddock_error__(self, exc: Exception) -> object:
        del exc
        return "error"

    def publish(self, address: str, channel: str, payload: bytes) -> Reply[None]:
        """PUBLISH."""
        return self._run(address, lambda client: client.publish(channel, payload))

    def get(self, address: str, key: str) -> Reply[bytes]:
        """GET; an absent key is empty."""
        return self._run(address, lambda client: then(client.get(key), _or_empty))

    def set(self, address: str, key: str, value: bytes) -> Reply[None]:
        """SET."""
        return self._run(address, lambda client: client.set(key, value))

    def incr(self, address: str, key: str) -> Reply[int]:
        """INCR."""
        return self._run(address, lambda client: client.incr(key))

    def del_(self, address: str, keys: Sequence[str]) -> Reply[int]:
        """DEL."""
        return self._run(address, lambda client: client.delete(keys))

    def sadd(self, address: str, key: str, values: Sequence[str]) -> Reply[int]:
        """SADD."""
        return self._run(address, lambda client: client.sadd(key, values))

    def smembers(self, address: str, key: str) -> Reply[list[str]]:
        """SMEMBERS."""
        return self._run(address, lambda client: client.smembers(key))

    def srem(self, address: str, key: str, values: Sequence[str]) -> Reply[int]:
        """SREM."""
        return self._run(address, lambda client: client.srem(key, values))

    def execute(
        self, address: str, command: str, arguments: Sequence[Variant]
    ) -> Reply[list[Variant]]:
        """Any command."""
        given = _arguments(arguments)
        return self._run(address, lambda client: then(client.execute(command, given), _results))

    def _run(self, address: str, work: Callable[[RedisClient], Reply[T]]) -> Reply[T]:
        return sequence(_steps(_client(self._grants, address), work), mixed=True)


def _steps(opening: Reply[RedisClient], work: Callable[[RedisClient], Reply[T]]) -> Steps[T]:
    client: RedisClient = yield opening
    found: T = yield work(client)
    return found


def _client(grants: Grants, address: str) -> Reply[RedisClient]:
    """The client for an address; what is no address is the same as one that is not granted."""
    if grants.addresses is None:
        raise AccessDenied("no address is granted")
    try:
        return cast("Reply[RedisClient]", grants.addresses.open("redis", address))
    except AccessDenied:
        raise
    except CapabilityError as error:
        raise BadName(error.message) from error


def _or_empty(value: bytes | None) -> bytes:
    return value or b""


def _arguments(arguments: Sequence[Variant]) -> list[bytes | int]:
    return [cast("bytes | int", each.payload) for each in arguments]


def _results(answers: Sequence[Answer]) -> list[Variant]:
    return [_result(answer) for answer in answers]


def _result(answer: Answer) -> Variant:
    if answer is None:
        return Variant("nil")
    if isinstance(answer, int):
        return Variant("int64", answer)
    if isinstance(answer, Status):
        return Variant("status", answer.decode("utf-8", "replace"))
    return Variant("binary", bytes(answer))
