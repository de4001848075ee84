"""What stands behind capabilities, opened once and shared by generations.

A provider is the same one while its type and its configuration are equal; it
closes when the last generation that uses it has gone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import PlanError
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.types import Reply, resolve

LOG = logging.getLogger("paddock.host")

#: The store that every application may ask for without any configuration.
DEFAULT_STORE = ProviderConfig("sqlite")


class _Closable(Protocol):
    def close(self) -> Reply[None]: ...


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a store the same one."""

    application: str
    name: str
    type: str
    config: object


@dataclass(slots=True)
class Handle:
    """An open provider and how many generations hold it."""

    key: Key
    store: KeyValueStore
    users: int = 0


class Handles:
    """All open providers of a host."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._open: dict[Key, Handle] = {}
        # Opened in a thread while an old generation gives its handles back.
        self._counting = threading.Lock()

    def key(self, application: str, name: str, configuration: HostConfig) -> Key | None:
        """What stands behind the store `name`; None if the host has no such store.

        Raises ManifestError (an OptionError) for a table that its provider refuses.
        """
        from paddock.providers.registry import find

        provider = configuration.key_value_stores.get(name)
        if provider is None:
            if name != "default":
                return None
            provider = DEFAULT_STORE
        base = configuration.source.parent if configuration.source else None
        config = find("key_value", provider.type).Config.from_table(provider.options, base)
        return Key(application, name, provider.type, config)

    def acquire(self, key: Key) -> Handle:
        """The open store for `key`, opened now if it is not yet. Blocks."""
        from paddock.providers.registry import find

        with self._counting:
            handle = self._open.get(key)
            if handle is not None:
                handle.users += 1
                return handle
        # Applies are serialised, so nobody else opens the same one meanwhile.
        opened = find("key_value", key.type).open(
            key.config, application=key.application, name=key.name, state_dir=self._state_dir
        )
        with self._counting:
            handle = self._open[key] = Handle(key, cast("KeyValueStore", opened), 1)
        return handle

    async def release(self, handles: Iterable[Handle]) -> None:
        """Give handles back; what nobody holds any more is closed."""
        for handle in handles:
            with self._counting:
                handle.users -= 1
                if handle.users > 0:
                    continue
                self._open.pop(handle.key, None)
            try:
                await resolve(cast("_Closable", handle.store).close())
            except Exception:
                LOG.exception("closing the key-value store '%s' failed", handle.key.name)

    async def close(self) -> None:
        """Close everything, at the end of the host."""
        handles = list(self._open.values())
        for handle in handles:
            handle.users = 1
        await self.release(handles)

    def describe(self) -> list[dict[str, object]]:
        """Open stores, without their configuration, which may hold secrets."""
        return [
            {"application": key.application, "store": key.name, "type": key.type}
            for key in self._open
        ]


def unknown_store(component: str, name: str, where: object, known: Iterable[str]) -> PlanError:
    """The refusal for a store which the manifest asks for and the host lacks."""
    names = ", ".join(sorted({"default", *known}))
    return PlanError(
        f"{where}: component '{component}' asks for the key-value store '{name}', "
        f"which the host configuration does not have (it has: {names})",
        hint=f'add [key_value_store.{name}] with type = "sqlite" to the host configuration',
    )
