"""Moves data from one provider to its successor, as `migrate_from` in the host's
configuration asks.

    [key_value_store.default]
    type = "redis"
    url = "redis://127.0.0.1"
    migrate_from = "old"

    [key_value_store.old]
    type = "sqlite"

The table named is what stood behind the name before. Where it runs, it is copied
while it is used and then replaced; where it does not, it is copied before the
application starts, once: a record in the state directory says that it was done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from paddock.errors import PlanError
from paddock.host.handles import MIGRATE_FROM, Handle, Handles, Key, close
from paddock.host.kinds import KINDS
from paddock.host.live import Live, Switch, empty_check, wrapped
from paddock.manifest.hostconfig import HostConfig

LOG = logging.getLogger("paddock.host")

#: Seconds between two lines that say how far a copy is.
REPORT = 2.0

RECORDS = "migrations.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One migration of a plan: from `source` into the open `target`."""

    source: Key
    target: Handle

    def __str__(self) -> str:
        key = self.target.key
        words = KINDS[key.kind].words
        return f"{words} '{key.name}' ({self.source.type} -> {key.type})"


def wanted(
    application: str, target: Handle, handles: Handles, configuration: HostConfig
) -> Wanted | None:
    """The migration that the table of an acquired provider asks for, if any.

    Raises PlanError for a name that is not configured or can't be copied.
    """
    key = target.key
    row = KINDS[key.kind]
    provider = row.provider(key.name, configuration)
    name = provider.options.get(MIGRATE_FROM)
    if name is None:
        return None
    where = f"{provider.location}: [{row.table}.{key.name}]"
    known = configuration.providers(row.table)
    if not isinstance(name, str) or (name not in known and name != "default"):
        raise PlanError(
            f"{where}: migrate_from names {name!r}, which is no table [{row.table}.…]",
            hint=f"keep the table of the old provider under another name: [{row.table}.old]",
        )
    if not isinstance(target.opened, Live):
        raise PlanError(f"{where}: a {row.words} can't be migrated", hint="leave migrate_from out")
    source = handles.key_of(
        application, key.kind, key.name, row.provider(name, configuration), configuration
    )
    if source == key:
        raise PlanError(
            f"{where}: migrate_from names a table of the same provider",
            hint="the old table has to say where the data is now",
        )
    return Wanted(source, target)


@dataclass(slots=True)
class Migrations:
    """The migrations of one apply: run before the commit, ended with it."""

    handles: Handles
    state_dir: Path
    wanted: Sequence[Wanted]
    lines: list[str] = field(default_factory=list[str])
    _switches: list[tuple[Wanted, Handle, Switch]] = field(
        default_factory=list["tuple[Wanted, Handle, Switch]"]
    )

    async def run(self) -> None:
        """Copy; afterwards writes to what is moved wait for `commit` or `abandon`."""
        try:
            for each in self.wanted:
                await self._one(each)
        except BaseException:
            self.abandon()
            raise

    async def _one(self, each: Wanted) -> None:
        running = [
            handle
            for handle in self.handles.running(
                each.target.key.application, each.target.key.kind, each.target.key.name
            )
            if handle is not each.target and handle.key == each.source
        ]
        records = _Records(self.state_dir)
        if not running and records.state(each.target.key) == "current":
            return
        if each.target.users > 1:
            # It serves already, under this generation: there is nothing to move.
            return
        await self._check_empty(each, records)
        for handle in running:
            switch = await self._copy(each, cast("Live", handle.opened))
            self._switches.append((each, handle, switch))
        if not running:
            await self._copy_offline(each)
        records.write(each.source, "left")
        records.write(each.target.key, "current")

    async def _check_empty(self, each: Wanted, records: _Records) -> None:
        key = each.target.key
        if records.state(key) == "left":
            return
        if not await empty_check(KINDS[key.kind].capability)(each.target.opened):
            raise PlanError(
                f"can't migrate the {each}: the new one holds data already, which would be lost",
                hint="empty it, or leave migrate_from out to use it as it is",
            )

    async def _copy(self, each: Wanted, live: Live) -> Switch:
        began = time.monotonic()
        LOG.info("migrating the %s", each)
        switch = await live.migrate(each.target.opened, _progress(each))
        seconds = time.monotonic() - began
        self.lines.append(f"{each}: {switch.copied} copied in {seconds:.1f} s")
        return switch

    async def _copy_offline(self, each: Wanted) -> None:
        source = wrapped(KINDS[each.source.kind].capability, await self.handles.open(each.source))
        try:
            switch = await self._copy(each, cast("Live", source))
            switch.abandon()
        finally:
            await close(source, each.source)

    def commit(self) -> None:
        """The new generation is there: all calls go to the new providers."""
        for each, handle, switch in self._switches:
            switch.commit(each.target.opened)
            self.handles.detach(handle)
        self._switches = []

    def abandon(self) -> None:
        """The plan is not carried out: all stays as it was."""
        for each, _, switch in self._switches:
            switch.abandon()
            records = _Records(self.state_dir)
            records.write(each.source, "current")
            records.write(each.target.key, "left")
        self._switches = []


def _progress(each: Wanted) -> Callable[[int], None]:
    last = time.monotonic()

    def tell(copied: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT:
            last = now
            LOG.info("migrating the %s: %d copied so far", each, copied)

    return tell


class _Records:
    """What was moved where: `current` holds the data, `left` holds a copy that is old."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / RECORDS

    def state(self, key: Key) -> str | None:
        found = self._read().get(_identity(key))
        return found if isinstance(found, str) else None

    def write(self, key: Key, state: str) -> None:
        records = {**self._read(), _identity(key): state}
        part = self._path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(records, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(part, self._path)

    def _read(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError):
            found: object = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return cast("dict[str, object]", found)
        return {}


def _identity(key: Key) -> str:
    """Names a provider without showing its configuration, which may hold a password."""
    digest = hashlib.sha256(repr(key.config).encode()).hexdigest()[:24]
    return f"{key.application}/{key.kind}/{key.name}/{key.type}/{digest}"
