"""The configuration capability: text values by name, read only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paddock.types import Reply


class Configuration(Protocol):
    """Values by name, as one component or one application sees them.

    Failures are of the `CapabilityError` tree. A value may differ from one call
    to the next when its source changes.
    """

    def get(self, name: str, /) -> Reply[str | None]:
        """The value of `name`; None when this source does not know it."""
        ...

    def get_all(self) -> Reply[Mapping[str, str]]:
        """Every name this source can list, with its value; {} when it has none."""
        ...

    def close(self) -> Reply[None]:
        """Let go of connections; may be repeated."""
        ...
