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
    handle: Handle | None
    runner: Runner

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


@dataclass(frozen=True, slots=True)
class Reading:
    """A trigger's table, read: its class, its options with templates expanded, what it needs."""

    kind: type[Source]
    options: Mapping[str, object]
    key: Key | None


async def prepare(
    trigger: Trigger, exports: Sequence[str], making: Making, acquired: list[Handle]
) -> PreparedTrigger:
    """Check one trigger and open its broker; PaddockError where it can't run."""
    reading = _read(trigger, making)
    handle = await making.handles.acquire(reading.key) if reading.key is not None else None
    if handle is not None:
        acquired.append(handle)
    identity = (trigger, tuple(reading.options.items()), tuple(exports), reading.key)
    # Made now, so that its mistakes refuse the plan; one that goes on is not used.
    runner = _runner(trigger, exports, making, reading, handle.opened if handle else None)
    return PreparedTrigger(making.application.name, trigger, identity, handle, runner)


def check(trigger: Trigger, exports: Sequence[str], making: Making) -> None:
    """Raise what `prepare` would, as far as that is known without opening anything."""
    _runner(trigger, exports, making, _read(trigger, making), None)


def _read(trigger: Trigger, making: Making) -> Reading:
    kind = find(trigger.type)
    if trigger.component is None:
        raise PlanError("the trigger names no component", hint='set component = "…"')
    options = _expanded(trigger.options, kind, making.values)
    settings = making.application.trigger_settings.get(trigger.type, {})
    need = kind.need(options, _expanded(settings, kind, making.values))
    return Reading(kind, options, _key(need, trigger, making))


def _runner(
    trigger: Trigger, exports: Sequence[str], making: Making, reading: Reading, opened: object
) -> Runner:
    application = making.application
    table = Options(reading.options, f"a {trigger.type} trigger", application.base)
    policy = Policy.from_options(table, reading.kind.policy)
    context = Context(
        application=application.name,
        component=trigger.component or "",
        id=trigger.id,
        exports=exports,
        base=application.base,
        state=making.state_dir / "triggers" / application.name / trigger.id,
        concurrency=policy.concurrency,
        opened=opened,
    )
    source = reading.kind(context, table)
    table.done()
    return Runner(f"{application.name}/{trigger.id}", source, policy, context.state)


def _expanded(
    options: Mapping[str, object], kind: type[Source], values: Mapping[str, str]
) -> dict[str, object]:
    return {
        key: expand(value, values) if key in kind.templates and isinstance(value, str) else value
        for key, value in options.items()
    }


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
    #: Those that a commit left out and that have not ended yet.
    _leaving: list[PreparedTrigger] = field(default_factory=list["PreparedTrigger"])

    async def subscribe(self, prepared: Iterable[PreparedTrigger]) -> None:
        """Before the commit: the new ones begin to collect events."""
        for each in prepared:
            if self._goes_on(each) is None:
                await each.runner.subscribe()

    async def abandon(self, prepared: Iterable[PreparedTrigger]) -> None:
        """The plan is not carried out: what `subscribe` began is ended."""
        for each in prepared:
            if self._goes_on(each) is None:
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
            else:
                each.runner.start(self._invoked(each))
            self._running[each.key] = each
        self._leaving += before.values()
        return list(before.values())

    def _goes_on(self, each: PreparedTrigger) -> PreparedTrigger | None:
        old = self._running.get(each.key)
        return old if old is not None and old.identity == each.identity else None

    def _invoked(self, each: PreparedTrigger) -> Callable[[Call], Awaitable[object]]:
        component = each.trigger.component or ""
        time = each.runner.policy.time
        return lambda call: self.invoke(each.application, component, call, time)

    async def retire(self, gone: Iterable[PreparedTrigger], *, drained: bool) -> None:
        """End triggers that a commit left out.

        Those whose broker was exchanged first handle what the old broker still has,
        once all that published to it has ended (`drained`).
        """
        await asyncio.gather(*(self._end(each, drained=drained) for each in gone))

    async def _end(self, each: PreparedTrigger, *, drained: bool) -> None:
        new = self._running.get(each.key)
        moved = new is not None and each.handle is not None and new.handle is not each.handle
        try:
            end = each.runner.drain if moved and drained else each.runner.stop
            if left := await end(PATIENCE):
                LOG.warning("trigger %s: %d events were cut off", "/".join(each.key), left)
        except PaddockError as error:
            LOG.warning("trigger %s: %s", "/".join(each.key), error)
        self._leaving = [other for other in self._leaving if other is not each]

    def moved(self, gone: Iterable[PreparedTrigger]) -> tuple[list[PreparedTrigger], ...]:
        """Those whose broker was exchanged, and the others."""
        parts: tuple[list[PreparedTrigger], list[PreparedTrigger]] = ([], [])
        for each in gone:
            new = self._running.get(each.key)
            same = new is None or each.handle is None or new.handle is each.handle
            parts[same].append(each)
        return parts

    async def stop(self, timeout: float) -> int:
        """End all of them, those that are leaving too; how many events were cut off."""
        runners = [each.runner for each in (*self._running.values(), *self._leaving)]
        self._running, self._leaving = {}, []
        return sum(await asyncio.gather(*(runner.stop(timeout) for runner in runners)))

    def status(self, application: str) -> list[dict[str, object]]:
        """For `paddock status`."""
        return [
            {
                "id": each.trigger.id,
                "type": each.trigger.type,
                "component": each.trigger.component,
                **each.runner.status(),
            }
            for (name, _), each in self._running.items()
            if name == application
        ]
