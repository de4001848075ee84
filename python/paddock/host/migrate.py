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

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from paddock.errors import PlanError
from paddock.host.handles import MIGRATE_FROM, Handle, Handles, Key, close
from paddock.host.kinds import KINDS
from paddock.host.live import Live, Switch, empty_check, wrapped
from paddock.host.moved import Records, identity
from paddock.manifest.hostconfig import HostConfig

LOG = logging.getLogger("paddock.host")

#: Seconds between two lines that say how far a copy is.
REPORT = 2.0

#: Told a line about a migration that is under way.
Tell = Callable[[str], None]


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
    where = f"[{row.table}.{key.name}]"
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
    if identity(source) == identity(key):
        raise PlanError(
            f"{where}: migrate_from names a table of the same data",
            hint="the old table has to say where the data is now",
        )
    return Wanted(source, target)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a migration takes place in.

    `held` are the handles of the generation that runs, `acquired` those of the
    one that is to come. With `successor` another process still uses what runs.
    """

    handles: Handles
    state_dir: Path
    held: Collection[Handle] = ()
    acquired: Collection[Handle] = ()
    successor: bool = False
    tell: Tell = LOG.debug


@dataclass(slots=True)
class _Begun:
    """A migration under way; `moved` is what it redirects, None where nothing runs."""

    wanted: Wanted
    moved: Handle | None
    switch: Switch
    seconds: float


@dataclass(slots=True)
class Migrations:
    """The migrations of one apply.

    `run` copies, `hold` ends all writes to what is moved for the moment in which
    `commit` exchanges it; `abandon` in place of that leaves everything as it was.
    """

    scene: Scene
    wanted: Sequence[Wanted]
    #: What was done, in sentences.
    lines: list[str] = field(default_factory=list[str])
    _begun: list[_Begun] = field(default_factory=list[_Begun])
    _records: Records = field(init=False)

    def __post_init__(self) -> None:
        self._records = Records(self.scene.state_dir)

    async def plan(self) -> list[str]:
        """What `run` would do, in sentences; PlanError where it would refuse."""
        lines: list[str] = []
        for each in self.wanted:
            if not self._due(each):
                continue
            running = self._running(each)
            await self._check(each)
            how = "copied while it is used" if running else "copied before it is used"
            lines.append(f"{each}: its data is {how}")
        return lines

    async def run(self) -> None:
        """Copy. When it raises, all is as it was but for what the new providers hold."""
        try:
            for each in self.wanted:
                if self._due(each):
                    await self._one(each)
        except BaseException:
            self.abandon()
            raise

    async def hold(self) -> None:
        """Carry over the last changes; from now on writes to what is moved wait."""
        try:
            for begun in self._begun:
                # One that nobody uses was held when it was copied.
                if begun.moved is not None:
                    began = time.monotonic()
                    await begun.switch.hold()
                    begun.seconds += time.monotonic() - began
            # Now, while nothing can be written: should the host die after it, the new
            # ones are complete.
            self._records.keep(
                current=[each.key for each in self.scene.acquired],
                left=[begun.wanted.source for begun in self._begun],
            )
        except BaseException:
            self.abandon()
            raise

    def commit(self) -> None:
        """All calls go to the new providers from now on."""
        for begun in self._begun:
            line = f"{begun.wanted}: {begun.switch.copied} copied in {begun.seconds:.1f} s"
            if line not in self.lines:
                self.lines.append(line)
            if begun.moved is None:
                begun.switch.abandon()
            else:
                begun.switch.commit(begun.wanted.target.opened)
                self.scene.handles.detach(begun.moved, begun.wanted.target)
        self._begun = []

    def abandon(self) -> None:
        """The plan is not carried out: all stays as it was. May be repeated."""
        for begun in self._begun:
            begun.switch.abandon()
        if self._begun:
            # The new ones hold copies, which the next attempt may overwrite.
            self._records.keep(
                current=[begun.wanted.source for begun in self._begun],
                left=[begun.wanted.target.key for begun in self._begun],
            )
        self._begun = []

    def _due(self, each: Wanted) -> bool:
        """Whether there is anything to move: not when it serves already, or did before."""
        if each.target in self.scene.held:
            return False
        return bool(self._running(each)) or self._records.state(each.target.key) != "current"

    def _running(self, each: Wanted) -> list[Handle]:
        """The open providers of the source's data, those of old generations included."""
        key = each.target.key
        running = self.scene.handles.running(key.application, key.kind, key.name)
        return [
            handle
            for handle in running
            if handle is not each.target and identity(handle.key) == identity(each.source)
        ]

    async def _check(self, each: Wanted) -> None:
        """Refuse what would lose data."""
        key = each.target.key
        serving = [
            handle
            for handle in self.scene.held
            if (handle.key.application, handle.key.kind, handle.key.name)
            == (key.application, key.kind, key.name)
        ]
        for handle in serving:
            if identity(handle.key) != identity(each.source):
                raise PlanError(
                    f"can't migrate the {each}: what runs is another one "
                    f"({handle.key.type}), whose data would stay behind",
                    hint="name the table of what runs in migrate_from",
                )
        if self.scene.successor and not serving:
            raise PlanError(
                f"can't migrate the {each} while another process serves from it",
                hint="run 'paddock apply' first, then 'paddock upgrade'",
            )
        if self._records.state(key) == "left":
            return
        if not await empty_check(KINDS[key.kind].capability)(each.target.opened):
            raise PlanError(
                f"can't migrate the {each}: the new one holds data already, which would be lost",
                hint="empty it, or leave migrate_from out to use it as it is",
            )

    async def _one(self, each: Wanted) -> None:
        await self._check(each)
        # From here on it holds a copy at most, even if this process dies.
        self._records.keep(current=[each.source], left=[each.target.key])
        running = self._running(each)
        for handle in running:
            await self._copy(each, handle, cast("Live", handle.opened))
        if not running:
            await self._copy_offline(each)

    async def _copy(self, each: Wanted, moved: Handle | None, live: Live) -> None:
        self._tell(f"migrating the {each}")
        began = time.monotonic()
        switch = await live.migrate(each.target.opened, self._progress(each))
        self._begun.append(_Begun(each, moved, switch, time.monotonic() - began))

    async def _copy_offline(self, each: Wanted) -> None:
        capability = KINDS[each.source.kind].capability
        source = wrapped(capability, await self.scene.handles.open(each.source))
        try:
            await self._copy(each, None, cast("Live", source))
            # Nobody else writes to it, so this is all.
            await self._begun[-1].switch.hold()
        finally:
            await close(source, each.source)

    def _tell(self, line: str) -> None:
        LOG.info("%s", line)
        self.scene.tell(line)

    def _progress(self, each: Wanted) -> Callable[[int], None]:
        last = time.monotonic()

        def tell(copied: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= REPORT:
                last = now
                self._tell(f"migrating the {each}: {copied} copied so far")

        return tell
