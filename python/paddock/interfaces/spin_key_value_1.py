"""`fermyon:spin/key-value` without a version: stores are numbers.

A number stands for a label among the component's grants, so it is the same in
every instance and needs no table that would have to be cleared. `close` has no
effect: a number stays good, which only a guest that errs could notice.
"""

from __future__ import annotations

from paddock.capabilities.key_value import KeyValueStore
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import all_keys, error_payload
from paddock.types import Err, Reply, Variant, sequence, then


class KeyValue:
    """The bound interface."""

    __slots__ = ("_grants", "_numbers", "_stores")

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        opened = [(label, store) for label, store in grants.key_value.items() if store is not None]
        self._numbers = {label: number for number, (label, _) in enumerate(opened, 1)}
        self._stores = {self._numbers[label]: store for label, store in opened}

    def __paddock_error__(self, exc: Exception) -> object:
        return error_payload(exc, other="io")

    def open(self, name: str) -> int:
        """The number of a store."""
        number = self._numbers.get(name)
        if number is None:
            # A label that is granted always has a number, so this raises.
            self._grants.store(name)
            raise Err(Variant("no-such-store"))
        return number

    def get(self, store: int, key: str) -> Reply[bytes]:
        """An absent key is the error no-such-key here."""
        return then(self._store(store).get(key), _present)

    def set(self, store: int, key: str, value: bytes) -> Reply[None]:
        """Set a value."""
        return self._store(store).set(key, value)

    def delete(self, store: int, key: str) -> Reply[None]:
        """Delete a key."""
        return self._store(store).delete(key)

    def exists(self, store: int, key: str) -> Reply[bool]:
        """Whether a key is there."""
        return self._store(store).exists(key)

    def get_keys(self, store: int) -> Reply[list[str]]:
        """All keys."""
        return sequence(all_keys(self._store(store)), mixed=True)

    def close(self, store: int) -> None:
        """See the module's text."""

    def _store(self, number: int) -> KeyValueStore:
        store = self._stores.get(number)
        if store is None:
            raise Err(Variant("invalid-store"))
        return store


def _present(value: bytes | None) -> bytes:
    if value is None:
        raise Err(Variant("no-such-key"))
    return value
