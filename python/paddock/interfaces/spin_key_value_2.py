"""`fermyon:spin/key-value@2.0.0`: a store is a resource."""

from __future__ import annotations

from paddock.interfaces.grants import Grants
from paddock.interfaces.key_value import Direct, Errors, Opener, all_keys
from paddock.types import Reply, sequence


class Store(Direct):
    """The resource."""

    __slots__ = ()

    def get_keys(self) -> Reply[list[str]]:
        """All keys."""
        return sequence(all_keys(self.store), mixed=True)


class KeyValue(Errors):
    """The bound interface."""

    __slots__ = ("store",)

    def __init__(self, grants: Grants) -> None:
        self.store = Opener(grants, Store)
