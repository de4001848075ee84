"""The contract of a trigger: a class that gives events, each settled by the runner.

    class Tick(Trigger):
        \"\"\"`[[trigger.tick]]`: `seconds` between two events.\"\"\"

        def __init__(self, context: Context, options: Options) -> None:
            self._seconds = options.seconds("seconds", 60.0)

        async def events(self) -> AsyncIterator[Event]:
            while True:
                await asyncio.sleep(self._seconds)
                yield Event("tick")

    [project.entry-points."paddock.triggers"]
    tick = "acme_paddock:Tick"

Bounded concurrency, retries with backoff, dead letters, draining, metrics and
logging are the runner's, so no trigger can get them wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from paddock.triggers.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paddock.manifest.hostconfig import ProviderConfig
    from paddock.providers.options import Options


@dataclass(frozen=True, slots=True)
class Call:
    """An export of the component and its arguments, mapped as `paddock.types` says.

    `export` is `name`, or `package:name/interface@version#name`; `trace` a W3C
    `traceparent` that came with the event.
    """

    export: str
    arguments: Sequence[object] = ()
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a trigger knows of where it stands.

    `exports` are those of its component. At most `concurrency` events are handled
    at once. `opened` is what the trigger's `need` named: an open message broker or
    blob store, as `paddock.capabilities` has them.
    `base` is the directory of the manifest, `state` a private one of this trigger,
    made when it is first written to.
    """

    application: str
    component: str
    id: str
    exports: Sequence[str]
    base: Path
    state: Path
    concurrency: int = 1
    opened: object = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a trigger reads from: the kind ("messaging" or "blob"), and either a name of
    the host's configuration or a provider of the trigger's own, by its address.
    """

    kind: str
    name: str | ProviderConfig


class Event:
    """Something that happened, and its settling, which the runner does once.

    A source that can be told (a queue) overrides the methods. Without that an
    event that failed is kept here and tried again by the runner.
    """

    __slots__ = ("attempt", "call", "name", "redelivered")

    #: Seconds after which the source gives an unsettled event to somebody else.
    lease: float | None = None
    #: Whether the source itself brings back what was nacked.
    returns = False

    def __init__(self, name: str, call: Call | None = None) -> None:
        #: For logs and dead letters.
        self.name = name
        #: None leaves it to the trigger's `call`.
        self.call = call
        self.attempt = 1
        self.redelivered = False

    def record(self) -> dict[str, object]:
        """What a dead letter keeps of it, as JSON can hold it."""
        return {"event": self.name}

    async def ack(self) -> None:
        """It was handled."""

    async def nack(self, delay: float) -> None:
        """It was not; with `returns` it comes again after `delay` seconds."""

    async def dead_letter(self, reason: str) -> bool:
        """Put it where dead letters go; False leaves that to the runner."""
        del reason
        return False

    async def extend(self) -> None:
        """Its handler is still at work: the lease starts anew."""


@dataclass(slots=True)
class Standing:
    """What a source tells of itself, for `paddock status` and metrics.

    `waiting` counts events at the source, None when that is not known.
    """

    connected: bool = True
    waiting: int | None = None
    fields: dict[str, object] = field(default_factory=dict[str, object])


class Trigger(ABC):
    """A source of events for one component.

    The constructor reads the trigger's table: take the options that you know, the
    runner refuses the rest. It may raise PaddockError, which refuses the plan, and
    must not block or connect.
    """

    #: What the table's `concurrency`, `attempts` and `backoff` are where it has none.
    policy: ClassVar[Policy] = Policy()
    #: The table's keys that are templates over the application's variables.
    templates: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def __init__(self, context: Context, options: Options) -> None: ...

    @classmethod
    def need(cls, options: Mapping[str, object], settings: Mapping[str, object]) -> Need | None:
        """What its table asks the host to open, None for nothing.

        `settings` is `[application.trigger.TYPE]`. Raises ManifestError.
        """
        del options, settings
        return None

    @abstractmethod
    def events(self) -> AsyncIterator[Event]:
        """Events, for ever: a source that is away is tried again and again.

        Ending the iteration ends the trigger. The runner asks for the next event
        only when it has room for it.
        """

    def call(self, event: Event) -> Call:
        """What `event` asks of the component, where it does not say so itself."""
        raise NotImplementedError(f"{type(self).__name__} says nothing to call for {event.name}")

    def standing(self) -> Standing:
        """How the source is."""
        return Standing()

    async def subscribe(self) -> None:  # noqa: B027 - most have nothing to do
        """Begin to collect events, without giving any yet; called before `events`.

        When another trigger takes the place of an old one, this is called before
        the old one stops, so that nothing is missed between them.
        """

    async def stop(self) -> None:  # noqa: B027
        """Give no new events; `events` ends. What is in hand may still be settled.

        Without it `events` is cancelled where it waits.
        """

    async def drain(self) -> None:
        """Give what the source still holds for this trigger, then end.

        Called when those who send to the source have gone over to another one.
        """
        await self.stop()

    async def close(self) -> None:  # noqa: B027
        """Let go of everything; what is unsettled comes again."""
