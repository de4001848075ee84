"""The triggers of what runs: made with a plan, started and ended with its commit.

A trigger whose table, component's exports and broker are the same goes on over
any number of generations: its events find the newest one, so each is handled
wholly by one version of the component.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import PaddockError, PlanError
from paddock.host.kinds import KINDS
from paddock.manifest.hostconfig import HostConfig
from paddock.manifest.model import Application, Trigger
from paddock.manifest.templates import expand
from paddock.providers.options import Options
from paddock.triggers.policy import Policy
from paddock.triggers.registry import find
from paddock.triggers.runner import Runner
from paddock.triggers.source import Call, Context, Need
from paddock.triggers.source import Trigger as Source

if TYPE_CHECKING:
    from paddock.host.handles import Handle, Handles, Key

LOG = logging.getLogger("paddock.host")

#: Seconds that a trigger has to end once nobody needs it.
PATIENCE = 30.0

#: Calls an export: application, component, what to call, the bound of its time.
Invoke = Callable[[str, str, Call, float | None], Awaitable[object]]


@dataclass(slots=True)
class PreparedTrigger:
    """One trigger of a plan. `identity` is equal where it may go on as it is."""

    application: str
    trigger: Trigger
    identity: object
    make: Callable[[], Runner]
    handle: Handle | None
    runner: Runner | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is called, over generations."""
        return self.application, self.trigger.id


@dataclass(frozen=True, slots=True)
class Making:
    """What preparing triggers needs of a plan."""

    application: Application
    configuration: HostConfig
    handles: Handles
    values: Mapping[str, str]
    state_dir: Path


async def prepare(
    trigger: Trigger, exports: Sequence[str], making: Making, acquired: list[Handle]
) -> PreparedTrigger:
    """Check one trigger and open its broker; PaddockError where it can't run."""
    application = making.application
    kind = find(trigger.type)
    if trigger.component is None:
        raise PlanError("the trigger names no component", hint='set component = "…"')
    options = _expanded(trigger.options, kind, making.values)
    settings = _expanded(application.trigger_settings.get(trigger.type, {}), kind, making.values)
    handle = await _opened(kind.need(options, settings), trigger, making)
    if handle is not None:
        acquired.append(handle)
    state = making.state_dir / "triggers" / application.name / trigger.id

    def make() -> Runner:
        table = Options(options, f"a {trigger.type} trigger", application.base)
        policy = Policy.from_options(table, kind.policy)
        context = Context(
            application=application.name,
            component=trigger.component or "",
            id=trigger.id,
            exports=exports,
            base=application.base,
            state=state,
            concurrency=policy.concurrency,
            opened=handle.opened if handle else None,
        )
        source = kind(context, table)
        table.done()
        return Runner(f"{application.name}/{trigger.id}", source, policy, state)

    identity = (trigger, tuple(options.items()), tuple(exports), handle.key if handle else None)
    prepared = PreparedTrigger(application.name, trigger, identity, make, handle)
    # Made now, so that its mistakes refuse the plan; one that goes on is not used.
    prepared.runner = make()
    return prepared


def check(trigger: Trigger, exports: Sequence[str], making: Making) -> None:
    """Raise what `prepare` would, as far as that is known without opening anything."""
    application, kind = making.application, find(trigger.type)
    if trigger.component is None:
        raise PlanError("the trigger names no component", hint='set component = "…"')
    options = _expanded(trigger.options, kind, making.values)
    settings = _expanded(application.trigger_settings.get(trigger.type, {}), kind, making.values)
    _key(kind.need(options, settings), trigger, making)
    table = Options(options, f"a {trigger.type} trigger", application.base)
    policy = Policy.from_options(table, kind.policy)
    state = making.state_dir / "triggers" / application.name / trigger.id
    kind(
        Context(
            application=application.name,
            component=trigger.component,
            id=trigger.id,
            exports=exports,
            base=application.base,
            state=state,
            concurrency=policy.concurrency,
        ),
        table,
    )
    table.done()


def _expanded(
    options: Mapping[str, object], kind: type[Source], values: Mapping[str, str]
) -> dict[str, object]:
    return {
        key: expand(value, values) if key in kind.templates and isinstance(value, str) else value
        for key, value in options.items()
    }


async def _opened(need: Need | None, trigger: Trigger, making: Making) -> Handle | None:
    key = _key(need, trigger, making)
    return await making.handles.acquire(key) if key is not None else None


def _key(need: Need | None, trigger: Trigger, making: Making) -> Key | None:
    """The provider that a trigger needs, read and checked."""
    from paddock.host.handles import unknown_name

    if need is None:
        return None
    handles, configuration = making.handles, making.configuration
    name = making.application.name
    row, wanted = KINDS[need.kind], need.name
    if isinstance(wanted, str):
        key = handles.key(name, need.kind, wanted, configuration)
        if key is None:
            known = configuration.providers(row.table)
            raise unknown_name(row, trigger.component or "", wanted, trigger.location, known)
    else:
        key = handles.key_of(name, need.kind, f"trigger {trigger.id}", wanted, configuration)
    return key


@dataclass(slots=True)
class Triggers:
    """All triggers of a host."""

    invoke: Invoke
    _running: dict[tuple[str, str], PreparedTrigger] = field(
        default_factory=dict[tuple[str, str], PreparedTrigger]
    )

    async def subscribe(self, prepared: Iterable[PreparedTrigger]) -> None:
        """Before the commit: the new ones begin to collect events."""
        for each in prepared:
            if self._goes_on(each) is None and each.runner is not None:
                await each.runner.subscribe()

    async def abandon(self, prepared: Iterable[PreparedTrigger]) -> None:
        """The plan is not carried out: what `subscribe` began is ended."""
        for each in prepared:
            if self._goes_on(each) is None and each.runner is not None:
                await each.runner.stop(0.0)

    def commit(self, prepared: Sequence[PreparedTrigger]) -> list[PreparedTrigger]:
        """After the commit: the new ones run; answers those that have to be ended."""
        before = self._running
        self._running = {}
        for each in prepared:
            old = before.get(each.key)
            if old is not None and old.identity == each.identity:
                each.runner = old.runner
                del before[each.key]
            elif each.runner is not None:
                each.runner.start(self._invoked(each))
            self._running[each.key] = each
        return list(before.values())

    def _goes_on(self, each: PreparedTrigger) -> PreparedTrigger | None:
        old = self._running.get(each.key)
        return old if old is not None and old.identity == each.identity else None

    def _invoked(self, each: PreparedTrigger) -> Callable[[Call], Awaitable[object]]:
        component = each.trigger.component or ""
        time = each.runner.policy.time if each.runner else None
        return lambda call: self.invoke(each.application, component, call, time)

    async def retire(self, gone: Iterable[PreparedTrigger], *, drained: bool) -> None:
        """End triggers that a commit left out.

        Those whose broker was exchanged first handle what the old broker still has,
        once all that published to it has ended (`drained`).
        """
        await asyncio.gather(*(self._end(each, drained=drained) for each in gone))

    async def _end(self, each: PreparedTrigger, *, drained: bool) -> None:
        if each.runner is None:
            return
        new = self._running.get(each.key)
        moved = new is not None and each.handle is not None and new.handle is not each.handle
        try:
            end = each.runner.drain if moved and drained else each.runner.stop
            if left := await end(PATIENCE):
                LOG.warning("trigger %s: %d events were cut off", "/".join(each.key), left)
        except PaddockError as error:
            LOG.warning("trigger %s: %s", "/".join(each.key), error)

    def moved(self, gone: Iterable[PreparedTrigger]) -> tuple[list[PreparedTrigger], ...]:
        """Those whose broker was exchanged, and the others."""
        parts: tuple[list[PreparedTrigger], list[PreparedTrigger]] = ([], [])
        for each in gone:
            new = self._running.get(each.key)
            same = new is None or each.handle is None or new.handle is each.handle
            parts[same].append(each)
        return parts

    async def stop(self, timeout: float) -> int:
        """End all of them; how many events were cut off."""
        runners = [each.runner for each in self._running.values() if each.runner is not None]
        self._running = {}
        return sum(await asyncio.gather(*(runner.stop(timeout) for runner in runners)))

    def status(self, application: str) -> list[dict[str, object]]:
        """For `paddock status`."""
        return [
            {
                "id": each.trigger.id,
                "type": each.trigger.type,
                "component": each.trigger.component,
                **(each.runner.status() if each.runner else {}),
            }
            for (name, _), each in self._running.items()
            if name == application
        ]
