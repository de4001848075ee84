"""`wasi:logging/logging`, without a version and at 0.1.0-draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddock.capabilities.logging import Level
    from paddock.interfaces.grants import Grants


class Logging:
    """The bound interface; its function has no result, so no error either."""

    __slots__ = ("log",)

    def __init__(self, grants: Grants) -> None:
        sink = grants.logging
        self.log = _ignore if sink is None else sink.log


def _ignore(level: Level, context: str, message: str, /) -> None:
    del level, context, message
