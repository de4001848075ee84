"""A host: what runs, and the one way to change it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from paddock import _core
from paddock.errors import PlanError
from paddock.host import plan as planning
from paddock.host.addresses import AddressPool
from paddock.host.desired import Desired
from paddock.host.generation import build, server_options
from paddock.host.handles import Handle, Handles
from paddock.host.migrate import Migrations, Scene, Tell
from paddock.host.plan import Applied, Plan
from paddock.host.prepare import Preparation, PreparedApplication, Tools
from paddock.host.status import application_status
from paddock.host.triggers import PreparedTrigger, Triggers
from paddock.types import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paddock.capabilities.key_value import KeyValueStore
    from paddock.host.audit import Audit
    from paddock.host.calls import CallObserver
    from paddock.triggers.source import Call

LOG = logging.getLogger("paddock.host")

#: Seconds that requests of a replaced generation may still take.
RETIRE = 600.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a host makes machine code; see `paddock up --help`.

    `cache_dir` None keeps no compiled code on disk. `fuel` is what an event may
    burn; None counts none.
    """

    compiler: str = "cranelift"
    fuel: int | None = None
    cache_dir: Path | None = None
    pooling: bool = True
    allow_precompiled: bool = False
    instances: int = 1100

    def options(self) -> _core.EngineOptions:
        """The core's own options, with the user's key for the cache."""
        from paddock.host.state import cache_key

        cache = self.cache_dir
        return _core.EngineOptions(
            compiler=self.compiler,
            fuel=self.fuel is not None,
            pooling=self.pooling,
            instances=self.instances,
            cache_dir=str(cache / "code") if cache else None,
            cache_key=cache_key(cache) if cache else None,
        )


class Host:
    """Runs what was last applied. Make it on a running event loop; `stop` it there."""

    def __init__(
        self,
        state_dir: Path,
        engine: EngineSettings,
        *,
        on_events: Callable[[list[_core.Event]], None],
        on_exit: Callable[[], None] | None = None,
        audit: Audit | None = None,
        observer: CallObserver | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.started = time.time()
        self._settings = engine
        self._audit = audit
        self._runtime = _core.Runtime(
            asyncio.get_running_loop(),
            on_events,
            on_exit=on_exit,
            on_calls=observer.called if observer else None,
        )
        self._engine = _core.Engine(engine.options())
        self._handles = Handles(state_dir)
        self._addresses = AddressPool()
        self._lock = asyncio.Lock()
        self._running: list[PreparedApplication] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._triggers = Triggers(self._invoke)
        self.desired = Desired()
        self.generation = 0
        self.server: _core.Server | None = None
        #: Whether another process, whose place this one takes, still serves.
        self.successor = False
        self._committed: _core.Generation | None = None
        self._held: list[Handle] = []
        self._warned: frozenset[str] = frozenset()

    async def plan(self, desired: Desired) -> Plan:
        """What applying `desired` would change. PlanError with every reason against it."""
        async with self._lock:
            preparation = self._preparation(desired)
            try:
                prepared = await preparation.run()
                build(self.generation + 1, prepared, desired.configuration)
                moves = await self._migrations(preparation).plan()
                return planning.compare(self._running, prepared, self._fixed(desired)).moving(moves)
            finally:
                await preparation.undo()

    async def apply(
        self, desired: Desired, *, expected: int | None = None, tell: Tell = LOG.debug
    ) -> Applied:
        """Make the host run `desired`; refused whole, or carried out whole.

        `expected` is the generation which the caller saw; PlanError if another
        one was committed since. `tell` is given lines about data that is moved
        while that goes on. Requests under way, with all calls that they
        make, finish on the generation where they began.
        """
        async with self._lock:
            if expected is not None and expected != self.generation:
                raise PlanError(
                    f"the host is at generation {self.generation}, not {expected}",
                    hint="somebody else applied a change; look at it with: paddock status",
                )
            preparation = self._preparation(desired)
            prepared = await preparation.run()
            migrations = self._migrations(preparation, tell)
            triggers = [trigger for each in prepared for trigger in each.triggers]
            try:
                generation = build(self.generation + 1, prepared, desired.configuration)
                await self._triggers.subscribe(triggers)
                await migrations.run()
                await self._seed(prepared)
                if self.server is None:
                    self.server = _core.Server(self._runtime, server_options(desired.configuration))
                changes = planning.compare(self._running, prepared, self._fixed(desired))
                await migrations.hold()
            except BaseException:
                migrations.abandon()
                await self._triggers.abandon(triggers)
                await preparation.undo()
                raise
            # In this order: a new request finds its data where the old ones do by then.
            migrations.commit()
            self.server.commit(generation)
            self.generation += 1
            self._retire(preparation, self._triggers.commit(triggers))
            self._running, self.desired = prepared, desired
            self._committed = generation
            self._tell_of(changes, migrations.lines)
            return Applied(self.generation, changes, tuple(migrations.lines))

    def _tell_of(self, changes: Plan, moved: Sequence[str]) -> None:
        for line in changes.warnings:
            if line not in self._warned:
                LOG.warning("%s", line)
        self._warned = frozenset(changes.warnings)
        if self.generation > 1:
            for line in changes.changes:
                LOG.info("generation %d: %s", self.generation, line)
        for line in moved:
            LOG.info("generation %d: migrated the %s", self.generation, line)

    async def _invoke(
        self, application: str, component: str, call: Call, time: float | None
    ) -> object:
        """An event that is no request, on the generation that is there now."""
        assert self.server is not None
        return await self.server.event(
            application, component, call.export, call.arguments, trace=call.trace, time=time
        )

    def _fixed(self, desired: Desired) -> list[str]:
        """What of `desired` has no effect, or can't be taken on by a server that runs already."""
        notices = [*desired.configuration.notices]
        if self.server is None:
            return notices
        now, then = (
            server_options(self.desired.configuration),
            server_options(desired.configuration),
        )
        names = [name for name in then.__slots__ if getattr(now, name) != getattr(then, name)]
        if self.desired.configuration.tls != desired.configuration.tls:
            names.append("tls")
        hint = "they change with: paddock upgrade"
        if names:
            notices.append(f"of connections, {', '.join(names)} stay as they were; {hint}")
        return notices

    def _preparation(self, desired: Desired) -> Preparation:
        tools = Tools(
            self._engine,
            self._runtime,
            self._handles,
            self._addresses,
            self.state_dir,
            self._settings.allow_precompiled,
            self._settings.fuel,
            self._audit,
        )
        return Preparation(tools, desired)

    def _migrations(self, preparation: Preparation, tell: Tell = LOG.debug) -> Migrations:
        scene = Scene(
            self._handles,
            self.state_dir,
            held=self._held,
            acquired=preparation.acquired,
            successor=self.successor,
            tell=tell,
        )
        return Migrations(scene, preparation.migrations)

    async def _seed(self, prepared: list[PreparedApplication]) -> None:
        """`--key-value` goes into the store `default` of an application that is new here."""
        running = {each.desired.application.name for each in self._running}
        for application in prepared:
            values = application.desired.overrides.key_values
            if not values or application.desired.application.name in running:
                continue
            handle = application.handles.get(("key_value", "default"))
            if handle is None:
                raise PlanError(
                    "--key-value was given, but no component is granted the store 'default'",
                    hint='add key_value_stores = ["default"] to a component',
                )
            store = cast("KeyValueStore", handle.opened)
            for key, value in values.items():
                await resolve(store.set(key, value.encode()))

    def _retire(self, preparation: Preparation, gone: list[PreparedTrigger]) -> None:
        old, held = self._committed, self._held
        self._held = preparation.acquired
        if old is None:
            return
        moved, ended = self._triggers.moved(gone)

        async def wait() -> None:
            await self._triggers.retire(ended, drained=False)
            if left := await old.retired(RETIRE):
                LOG.warning("%d requests of a replaced generation still stream; cut off", left)
                old.cut()
                await old.retired(RETIRE)
            # Nobody publishes to a replaced broker any more: what it holds is handled.
            await self._triggers.retire(moved, drained=True)
            await self._handles.release(held)

        task = asyncio.create_task(wait())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def status(self) -> dict[str, object]:
        """What runs, for `paddock status`; holds no configuration values."""
        return {
            "generation": self.generation,
            "started": self.started,
            "applications": [
                application_status(each, self._triggers.status(each.desired.application.name))
                for each in self._running
            ],
            "server": self.server.stats() if self.server else {},
        }

    def only_component(self) -> _core.Component:
        """The component of a host that runs one; ValueError for any other number."""
        (component,) = (each for known in self._running for each in known.components.values())
        return component

    async def stop(self, timeout: float) -> int:
        """Finish what runs within `timeout` seconds; the number of requests cut off."""
        drained = self.server.drain(timeout) if self.server else nothing()
        left = sum(await asyncio.gather(drained, self._triggers.stop(timeout)))
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._addresses.close()
        await self._handles.close()
        self._runtime.shutdown(2.0)
        return left


async def nothing() -> int:
    """No request is left where there is no server."""
    return 0
