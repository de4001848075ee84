"""What the facades of all key-value interfaces share."""

from __future__ import annotations

from paddock.capabilities.key_value import KeyPage, KeyValueStore
from paddock.errors import AccessDenied, CapabilityError, NotFound
from paddock.types import Steps, Variant

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
