"""The Rust core: engine, components, and the runtime that they run in."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, final

from paddock._options import ApplicationSpec as ApplicationSpec
from paddock._options import ComponentSpec as ComponentSpec
from paddock._options import EngineOptions as EngineOptions
from paddock._options import RouteSpec as RouteSpec
from paddock._options import RunOptions as RunOptions
from paddock._options import ServerOptions as ServerOptions

__version__: str

def built_in(import_name: str) -> bool:
    """Whether the engine answers this import itself (`wasi:cli/run@0.2.0`)."""

def call(component: Component, export_name: str, arguments: Sequence[object]) -> Awaitable[Any]:
    """Call an exported function in a fresh instance, under its limits.

    `export_name` is `name` or `package:name/interface@version#name`. Arguments
    and result are mapped as `paddock.types` says; cancelling the awaitable ends
    the guest. Call it on the runtime's event loop.

    Raises:
        paddock.types.Err: the function's own error.
        paddock.errors.UsageError: no such function, or arguments that don't fit.
        paddock.errors.GuestError: a trap, or a limit that was exceeded.
    """

@final
class Artifact:
    """One content, compiled once; shared by all that use it."""

    @property
    def digest(self) -> str:
        """`sha256:` and the hexadecimal digest of the file as given."""
    @property
    def size(self) -> int:
        """Bytes of the file as given."""
    @property
    def kind(self) -> Literal["component", "module"]: ...
    @property
    def cached(self) -> bool:
        """Whether its machine code came from the cache."""
    @property
    def imports(self) -> list[str]:
        """Names of imported interfaces; `module.name` for a core module."""
    @property
    def exports(self) -> list[str]: ...

@final
class Engine:
    """Compiles and loads WebAssembly. Every method is safe on any thread."""

    def __new__(cls, options: EngineOptions) -> Engine:
        """Make an engine.

        Raises:
            paddock.errors.UsageError: an option is wrong.
        """
    def load(self, data: bytes) -> Artifact:
        """Load a component, a core module or their text form.

        Blocks while it compiles, with the interpreter released; the same
        content is compiled once, however many threads ask at the same time.

        Raises:
            paddock.errors.ArtifactError: the bytes are not usable WebAssembly.
        """
    def load_precompiled(self, data: bytes) -> Artifact:
        """Load the machine code that `precompile` made; it can do anything.

        Raises:
            paddock.errors.ArtifactError: it was made for something else.
        """
    def precompile(self, data: bytes, target: str | None = None) -> bytes:
        """Machine code for this host, or for another target triple.

        Raises:
            paddock.errors.ArtifactError: the bytes are not usable WebAssembly.
            paddock.errors.UsageError: the target is not known.
        """

@final
class Event:
    """What happened in a guest.

    `kind` and its `fields`: `line` (output: stdout or stderr, text), `limit`
    (limit, value), `failed` (reason), `denied` (what, grant), and `lost`
    (count) where the loop was too slow for that many events.
    """

    @property
    def application(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def instance(self) -> int:
        """Counts from 1 within a component of a generation; 0 for none."""
    @property
    def kind(self) -> Literal["line", "limit", "failed", "denied", "lost"]: ...
    @property
    def fields(self) -> dict[str, str]: ...

@final
class Runtime:
    """The threads that guests run on, and their way to the event loop."""

    def __new__(
        cls,
        event_loop: asyncio.AbstractEventLoop,
        on_events: Callable[[list[Event]], object],
        *,
        on_exit: Callable[[], object] | None = None,
        workers: int | None = None,
        blocking_threads: int = 16,
    ) -> Runtime:
        """Start the worker threads, by default one for each available core.

        `on_events` is called on the loop with a batch of events. `on_exit` is
        called there when a host method raised KeyboardInterrupt or SystemExit;
        without it the exception leaves the loop. At most `blocking_threads`
        threads run the work of `paddock.types.blocking` methods.

        Raises:
            paddock.errors.HostError: the threads can't be started.
        """
    @property
    def workers(self) -> int: ...
    @property
    def pending(self) -> int:
        """Coroutines under way for guests."""
    def cancel_tasks(self) -> Coroutine[Any, Any, None]:
        """Cancel every coroutine under way for guests and wait for their ends."""
    def shutdown(self, timeout: float = 5.0) -> None:
        """Stop all work and join every thread that may enter Python.

        Waits `timeout` seconds for the workers, with the interpreter released;
        then nothing can be done with the runtime any more. Again: nothing.
        """

@final
class Component:
    """A component of an application, linked and bound to host objects."""

    def __new__(
        cls,
        engine: Engine,
        artifact: Artifact,
        spec: ComponentSpec,
        bound: Mapping[str, object],
        runtime: Runtime,
    ) -> Component:
        """Link `artifact` against WASI and the objects in `bound`.

        `bound` maps names of imported interfaces to Python objects which have a
        method for each function that the component imports.

        Raises:
            paddock.errors.PlanError: an import without an answer, or an object
                without the method for an imported function.
        """
    @property
    def http(self) -> bool:
        """Whether it exports an HTTP handler that this host can serve."""
