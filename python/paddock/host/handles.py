"""What stands behind capabilities, opened once and shared by generations.

A provider is the same one while its type and its configuration are equal; it
closes when the last generation that uses it has gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock.errors import CapabilityError, PaddockError, PlanError
from paddock.host.kinds import KINDS, Kind
from paddock.host.live import wrapped
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.providers.registry import origin
from paddock.types import Reply, resolve

if TYPE_CHECKING:
    from paddock.providers.registry import Provider

LOG = logging.getLogger("paddock.host")

#: Read by the host itself, in the table of any provider.
MIGRATE_FROM = "migrate_from"


def provider_of(kind: str, name: str, type_name: str) -> Provider:
    """The class of a provider; raises ManifestError when there is none."""
    if kind == "interface":
        from paddock.providers import own

        return own.find(name, type_name)
    from paddock.providers import registry

    return registry.find(KINDS[kind].capability, type_name)


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a provider the same one; `kind` is a row of `KINDS`.

    `config` may hold a password, so it is never shown.
    """

    application: str
    kind: str
    name: str
    type: str
    config: object = field(repr=False)


@dataclass(slots=True, eq=False)
class Handle:
    """An open provider, behind what can redirect it, and how many generations hold it.

    `successor` is where its data went: calls on this one go on there, so it holds that.
    `package` and `version` are those of the code that runs: what is installed may change meanwhile.
    """

    key: Key
    opened: object
    users: int = 0
    package: str = ""
    version: str = ""
    successor: Handle | None = None


class Handles:
    """All open providers of a host. Its methods belong to the host's event loop."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._open: dict[Key, Handle] = {}
        self._moved: list[Handle] = []
        #: What was being opened when nobody wanted it any more.
        self._unwanted: set[asyncio.Future[None]] = set()

    def key(self, application: str, kind: str, name: str, configuration: HostConfig) -> Key | None:
        """What stands behind `name`; None if the host has nothing of that name.

        Raises ManifestError (an OptionError) for a table that its provider refuses.
        """
        row = KINDS[kind]
        chosen = row.provider_name(name, configuration)
        if chosen is None:
            return None
        provider = row.provider(chosen, configuration)
        return self.key_of(application, kind, chosen, provider, configuration)

    def key_of(
        self,
        application: str,
        kind: str,
        name: str,
        provider: ProviderConfig,
        configuration: HostConfig,
    ) -> Key:
        """The key for a provider's table, read and checked."""
        base = configuration.source.parent if configuration.source else None
        options = {key: value for key, value in provider.options.items() if key != MIGRATE_FROM}
        config = provider_of(kind, name, provider.type).Config.from_table(options, base)
        return Key(application, kind, name, provider.type, config)

    def running(self, application: str, kind: str, name: str) -> list[Handle]:
        """The open handles for one name, whatever stands behind them."""
        wanted = (application, kind, name)
        return [
            handle
            for key, handle in self._open.items()
            if (key.application, key.kind, key.name) == wanted
        ]

    async def acquire(self, key: Key) -> Handle:
        """The open provider for `key`, opened now if it is not yet."""
        handle = self._open.get(key)
        if handle is None:
            package, version = origin(provider_of(key.kind, key.name, key.type))
            # Applies are serialised, so nobody else opens the same one meanwhile.
            opened = wrapped(KINDS[key.kind].capability, await self.open(key))
            handle = Handle(key, opened, package=package, version=version)
            self._open[key] = handle
        handle.users += 1
        return handle

    async def open(self, key: Key) -> object:
        """Open a provider that nobody shares; the caller closes it.

        Raises CapabilityError, also for what a class of somebody else's raises.
        """
        provider = provider_of(key.kind, key.name, key.type)

        def begin() -> object:
            return provider.open(
                key.config, application=key.application, name=key.name, state_dir=self._state_dir
            )

        try:
            opened = await self._begun(begin, key)
            if isinstance(opened, Coroutine):
                return await cast("Coroutine[object, object, object]", opened)
            return opened
        except PaddockError:
            raise
        except Exception as error:
            what = f"the {KINDS[key.kind].words} '{key.name}'"
            # Its text may hold what the configuration keeps secret.
            LOG.exception("opening %s failed", what)
            raise CapabilityError(
                f"{what} can't be opened: its provider '{key.type}' raised {type(error).__name__}",
                hint="the host's log has the reason",
            ) from error

    async def _begun(self, begin: Callable[[], object], key: Key) -> object:
        beginning = asyncio.ensure_future(asyncio.to_thread(begin))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            # A thread can't be called off: what it opens all the same is closed.
            late = asyncio.ensure_future(_closed_late(beginning, key))
            self._unwanted.add(late)
            late.add_done_callback(self._unwanted.discard)
            raise

    async def release(self, handles: Iterable[Handle]) -> None:
        """Give handles back; what nobody holds any more is closed."""
        left = [*handles]
        while left:
            handle = left.pop(0)
            handle.users -= 1
            if handle.users > 0:
                continue
            if self._open.get(handle.key) is handle:
                del self._open[handle.key]
            elif handle in self._moved:
                self._moved.remove(handle)
            await close(handle.opened, handle.key)
            if handle.successor is not None:
                left.append(handle.successor)

    def detach(self, handle: Handle, successor: Handle) -> None:
        """Its data moved on: whoever asks for the same provider later opens it anew."""
        handle.successor = successor
        successor.users += 1
        if self._open.get(handle.key) is handle:
            del self._open[handle.key]
            self._moved.append(handle)

    async def close(self) -> None:
        """Close everything, at the end of the host."""
        handles = [*self._open.values(), *self._moved]
        for handle in handles:
            handle.users, handle.successor = 1, None
        await self.release(handles)
        await asyncio.gather(*self._unwanted)

    def describe(self) -> list[dict[str, object]]:
        """Open providers, without their configuration, which may hold secrets."""
        return [
            {
                "application": key.application,
                "kind": key.kind,
                "name": key.name,
                "type": key.type,
            }
            for key in self._open
        ]


async def close(opened: object, key: Key) -> None:
    """Close a provider; a failure is logged, since nobody could do more about it."""
    # An interface of a user's own may have a function `close`, which is not meant.
    name = "__paddock_close__" if key.kind == "interface" else "close"
    if key.kind == "interface" and not hasattr(opened, name):
        return
    try:
        await resolve(cast("Callable[[], Reply[None]]", getattr(opened, name))())
    except Exception:
        LOG.exception("closing the %s '%s' failed", KINDS[key.kind].words, key.name)


async def _closed_late(beginning: asyncio.Future[object], key: Key) -> None:
    try:
        opened = await beginning
    except Exception:
        # Whoever asked is gone, and there is nothing to close.
        return
    if isinstance(opened, Coroutine):
        cast("Coroutine[object, object, object]", opened).close()
    else:
        await close(opened, key)


def unknown_name(
    kind: Kind, component: str, name: str, where: object, known: Iterable[str]
) -> PlanError:
    """The refusal for a name which the manifest asks for and the host lacks."""
    names = ", ".join(sorted({"default", *known}))
    return PlanError(
        f"{where}: component '{component}' asks for the {kind.words} '{name}', "
        f"which the host configuration does not have (it has: {names})",
        hint=f'add [{kind.table}.{name}] with type = "{kind.usual.type}" to the host configuration',
    )
