"""The key-value capability: values of bytes under keys of text.

Keys are any Unicode text, the empty one included; values are any bytes. Every
method may answer plain, with a coroutine or with a `Deferred` (see
`paddock.types.Reply`); a plain answer runs on the guest's thread and so must
not wait for anything.

All failures are of the `CapabilityError` tree. A store is used by many threads
at once, and a guest reads its own writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply

#: How many keys a page holds unless asked otherwise.
PAGE = 1000

#: The numbers that `increment` can count: a signed 64-bit integer.
SMALLEST = -(2**63)
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys; `cursor` asks for the next ones and is None after the last."""

    keys: list[str]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a key held at one moment; `value` is None when it was absent.

    `version` is the provider's own (a revision, an ETag). A provider that has
    none leaves it None and compares values.
    """

    value: bytes | None
    version: object = field(default=None, repr=False)


class KeyValueStore(Protocol):
    """One open store of one application."""

    def get(self, key: str, /) -> Reply[bytes | None]:
        """The value under `key`, None when it is absent."""
        ...

    def set(self, key: str, value: bytes, /) -> Reply[None]:
        """Put `value` under `key`, over whatever was there."""
        ...

    def delete(self, key: str, /) -> Reply[None]:
        """Remove `key`. An absent key is no error, so it can be repeated."""
        ...

    def exists(self, key: str, /) -> Reply[bool]:
        """Whether `key` is there."""
        ...

    def keys(self, cursor: str | None = None, /, limit: int = PAGE) -> Reply[KeyPage]:
        """At most `limit` keys, from the start or from where `cursor` points.

        A key that is there from the first page to the last is reported once;
        one that comes or goes meanwhile may or may not be. The order is the
        provider's. A cursor is opaque, valid in every process on the same
        store, and never fails for being old; a page may be empty and still
        have a cursor. An empty store answers one empty page.
        """
        ...

    def get_many(self, keys: Sequence[str], /) -> Reply[list[tuple[str, bytes | None]]]:
        """Each key asked for with its value, in that order, repeats included."""
        ...

    def set_many(self, items: Sequence[tuple[str, bytes]], /) -> Reply[None]:
        """Set all items, the last of a repeated key; on failure perhaps only some."""
        ...

    def delete_many(self, keys: Sequence[str], /) -> Reply[None]:
        """Remove all keys, as `delete` does; on failure perhaps only some."""
        ...

    def increment(self, key: str, delta: int, /) -> Reply[int]:
        """Add `delta` atomically and answer the sum; an absent key counts as 0.

        The number is kept as decimal text (`b"-12"`), as Redis and Wasmtime do,
        so that `get` shows it and `set` can give it a start. A value that is
        not a decimal number, or a sum beyond 64 signed bits, is a
        `CapabilityError` and changes nothing.
        """
        ...

    def snapshot(self, key: str, /) -> Reply[Snapshot]:
        """What `key` holds now, to be compared by a later `swap`."""
        ...

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> Reply[bool]:
        """Set `value` atomically if `key` is still as `expected` saw it.

        False, and nothing is changed, when it is not.
        """
        ...

    def close(self) -> Reply[None]:
        """Let go of connections; may be repeated. Data stays.

        After it, a call may fail with `Unavailable`.
        """
        ...


def counted(current: bytes | None, delta: int, key: str) -> int:
    """The sum for `increment`, under the rules of the contract."""
    from paddock.errors import CapabilityError

    text = b"0" if current is None else current
    digits = text[1:] if text[:1] == b"-" else text
    # int() alone would also take spaces, underscores and a plus sign.
    if not digits.isdigit() or len(digits) > len(str(LARGEST)):
        raise CapabilityError(
            f"can't increment key {key!r}: its value is not a 64-bit decimal number",
            hint="delete the key or set it to digits first",
        )
    total = int(text) + delta
    if not SMALLEST <= total <= LARGEST:
        raise CapabilityError(f"can't increment key {key!r}: the sum needs more than 64 bits")
    return total
