"""`fermyon:spin/key-value@2.0.0`: a store is a resource."""

from __future__ import annotations

from paddock.capabilities.key_value import KeyValueStore
from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Errors, all_keys
from paddock.types import Reply, sequence


class Store:
    """The resource. What needs no conversion is the provider's own method."""

    __slots__ = ("_store", "delete", "exists", "get", "set")

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self.get = store.get
        self.set = store.set
        self.delete = store.delete
        self.exists = store.exists

    def get_keys(self) -> Reply[list[str]]:
        """All keys."""
        return sequence(all_keys(self._store))


class Opener:
    """Holds the resource's static function `open`."""

    __slots__ = ("_grants", "_stores")

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._stores = {
            label: Store(store) for label, store in grants.key_value.items() if store is not None
        }

    def open(self, label: str) -> Store:
        """One object serves all who open a store: it has no state."""
        return self._stores.get(label) or Store(self._grants.store(label))


class KeyValue(Errors):
    """The bound interface."""

    __slots__ = ("store",)

    def __init__(self, grants: Grants) -> None:
        self.store = Opener(grants)
