"""What the facades of all key-value interfaces share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from paddock.capabilities.key_value import KeyPage, KeyValueStore
from paddock.errors import AccessDenied, CapabilityError, NotFound
from paddock.types import Steps, Variant

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants

R = TypeVar("R")

#: For what is not a CapabilityError: its text is not for guests.
INTERNAL = "the key-value store failed; the host's log has the reason"


def error_payload(exc: Exception, *, other: str = "other") -> Variant:
    """The interface's `error` for an exception.

    All of these interfaces have the cases access-denied and no-such-store, and
    one with a text, called `other`.
    """
    if isinstance(exc, AccessDenied):
        return Variant("access-denied")
    if isinstance(exc, NotFound):
        return Variant("no-such-store")
    return Variant(other, exc.message if isinstance(exc, CapabilityError) else INTERNAL)


class Errors:
    """Gives a bound interface the error mapping above."""

    __slots__ = ()

    def __paddock_error__(self, exc: Exception) -> object:
        return error_payload(exc)


class Direct:
    """A resource on a store: what needs no conversion is the provider's own method."""

    __slots__ = ("delete", "exists", "get", "set", "store")

    def __init__(self, store: KeyValueStore) -> None:
        self.store = store
        self.get = store.get
        self.set = store.set
        self.delete = store.delete
        self.exists = store.exists


class Opener(Generic[R]):
    """Opens granted stores. One object serves all who open a store: it has no state."""

    __slots__ = ("_grants", "_opened", "_resource")

    def __init__(self, grants: Grants, resource: Callable[[KeyValueStore], R]) -> None:
        self._grants = grants
        self._resource = resource
        self._opened = {
            label: resource(store) for label, store in grants.key_value.items() if store is not None
        }

    def open(self, label: str) -> R:
        """The resource for `label`; raises AccessDenied or NotFound."""
        return self._opened.get(label) or self._resource(self._grants.store(label))


def all_keys(store: KeyValueStore) -> Steps[list[str]]:
    """Every key, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page: KeyPage = yield store.keys(cursor)
        found += page.keys
        cursor = page.cursor
        if cursor is None:
            return found
