"""`wasi:config/store`, in its versions, and the older `wasi:config/runtime`.

They differ in the name of the error type only. A component sees the variables
that its manifest gives it, and nothing of the application's others.
"""

from __future__ import annotations

from collections.abc import Mapping

from paddock.errors import CapabilityError
from paddock.interfaces.grants import Grants
from paddock.types import Reply, Variant, then

INTERNAL = "the source of configuration failed; the host's log has the reason"


class Store:
    """The bound interface."""

    __slots__ = ("_values",)

    def __init__(self, grants: Grants) -> None:
        self._values = grants.configuration

    def __paddock_error__(self, exc: Exception) -> object:
        return Variant("upstream", exc.message if isinstance(exc, CapabilityError) else INTERNAL)

    def get(self, key: str) -> Reply[str | None]:
        """None for a name that is not set."""
        return None if self._values is None else self._values.get(key)

    def get_all(self) -> Reply[list[tuple[str, str]]]:
        """All names with their values."""
        return [] if self._values is None else then(self._values.get_all(), _pairs)


def _pairs(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return list(values.items())
