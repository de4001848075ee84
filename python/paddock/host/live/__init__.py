"""What lets a provider be exchanged with its data while it is used.

Guests hold the objects of a provider for as long as their generation lasts. A
provider that can be migrated is therefore handed out behind an object of this
package, which may be told to go on with another provider.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Protocol, cast, runtime_checkable


@runtime_checkable
class Live(Protocol):
    """An open provider that can be redirected; it has the capability's methods too."""

    async def migrate(self, target: object, progress: Callable[[int], None], /) -> Switch:
        """Copy all data into the open, empty provider `target` while this one is used.

        `progress` is told now and then how many items were copied. What changes
        from now on is noted, until the caller commits or abandons the switch.
        """
        ...


class Switch(Protocol):
    """The last moments of a migration."""

    @property
    def copied(self) -> int:
        """Keys, objects or rows copied so far."""
        ...

    async def hold(self) -> None:
        """Let new writes wait and carry over what changed since; then commit or abandon, soon.

        When it raises, writes go on where they were meant to go.
        """
        ...

    def commit(self, successor: object, /) -> None:
        """From now on every call goes to `successor`; waiting writes go on there."""
        ...

    def abandon(self) -> None:
        """Waiting writes go on where they were meant to go; may come before `hold`."""
        ...


#: The class for each capability; imported when the first provider opens.
_LIVE = {
    "blob": "paddock.host.live.blob:LiveBlob",
    "key_value": "paddock.host.live.key_value:LiveKeyValue",
    "sql": "paddock.host.live.sql:LiveSql",
}


def wrapped(capability: str, provider: object) -> object:
    """The provider, behind what can redirect it where the capability has that."""
    if capability not in _LIVE:
        return provider
    module, _, name = _LIVE[capability].partition(":")
    live: object = getattr(importlib.import_module(module), name)(provider)
    return live


class _EmptyCheck(Protocol):
    def __call__(self, provider: object, /) -> Awaitable[bool]: ...


def empty_check(capability: str) -> Callable[[object], Awaitable[bool]]:
    """A function that tells whether an open provider of this capability holds nothing."""
    module = _LIVE[capability].partition(":")[0]
    return cast("_EmptyCheck", importlib.import_module(module).is_empty)
