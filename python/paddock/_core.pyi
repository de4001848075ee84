"""The Rust core: engine, components, and the runtime that they run in."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, final

from paddock._options import ApplicationSpec as ApplicationSpec
from paddock._options import ComponentSpec as ComponentSpec
from paddock._options import EngineOptions as EngineOptions
from paddock._options import Grant
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

def printed(component: Component, most: int) -> Awaitable[bytes]:
    """What a command component prints on stdout, run once without any input.

    Raises:
        paddock.errors.GuestError: it failed, or printed more than `most` bytes.
    """

def componentize(module: bytes, entrypoint: str | None = None) -> bytes:
    """A core module of WASI 0.1 as a component; a command exports `wasi:cli/run`.

    With `entrypoint` that exported function takes the place of `_start`.

    Raises:
        paddock.errors.ArtifactError: it imports more than WASI 0.1, or lacks the
            entry point.
    """

def interfaces(component: bytes) -> tuple[list[str], list[str]]:
    """What a component imports and exports, by full name.

    Raises:
        paddock.errors.ArtifactError: it is no component.
    """

def compose(
    component: bytes,
    plugs: Sequence[tuple[str, bytes, Sequence[tuple[str, str]]]],
    denied: Sequence[tuple[str, str | None]],
) -> bytes:
    """One component: `component` with its exports, its imports answered by `plugs`.

    A plug is its name in errors, its bytes, and its wiring: pairs of an import of
    `component` and an export of the plug. Imports that are `denied` trap when they are
    called, with a text for the log; one without a text answers that there is nothing, an
    empty list or none. What nobody answers stays an import.

    Raises:
        paddock.errors.ArtifactError: something is no component.
        paddock.errors.PlanError: they don't fit together.
    """

def run_command(
    engine: Engine,
    artifact: Artifact,
    options: RunOptions,
    on_event: Callable[[Event], object] | None = None,
) -> int:
    """Run a command component or module to its end on this thread; its exit code.

    The interpreter is released meanwhile. Call it on the main thread: what a
    signal's handler raises (KeyboardInterrupt for Ctrl-C) ends the guest and is
    raised here within some 20 ms. `on_event` is called in place.

    Raises:
        paddock.errors.GuestError: a trap, or a limit that was exceeded.
        paddock.errors.PlanError: an import that nothing answers.
        paddock.errors.UsageError: there is nothing to run in the file.
    """

def invoke(
    engine: Engine,
    artifact: Artifact,
    name: str,
    arguments: Sequence[str],
    options: RunOptions,
    on_event: Callable[[Event], object] | None = None,
) -> tuple[int, str | None]:
    """Call an export with JSON arguments: the exit code, and the result as JSON.

    The code is 1 when the function returned an error; JSON is None where there
    is no result. Otherwise as `run_command`.

    Raises:
        paddock.errors.UsageError: no such export, or an argument that does not
            fit its parameter, which is named.
    """

def run_component(component: Component, options: RunOptions) -> Awaitable[int]:
    """Run a component of a host as a command of this terminal; its exit code.

    Limits, outgoing HTTP and what answers its imports are the component's; the
    rest comes from `options`. Cancelling the awaitable ends the guest. Await it
    on the runtime's event loop. Raises as `run_command`.
    """

def invoke_component(
    component: Component, name: str, arguments: Sequence[str], options: RunOptions
) -> Awaitable[tuple[int, str | None]]:
    """The same for one export with JSON arguments, as `invoke` has it."""

def inspect(data: bytes) -> str:
    """What a file is, as a JSON object, without compiling it.

    `kind`, `size`, `sha256`, `name`, `async`, `producers`, `metadata`,
    `imports`, `exports`, and for a component its world as `wit`.

    Raises:
        paddock.errors.ArtifactError: damaged, or no WebAssembly.
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
    def labels(self) -> dict[str, str]:
        """The interface of each import that stands under a label of the component's own."""

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
    (limit, value), `failed` (reason), `denied` (what, grant; none where nothing
    would allow it), `allowed` (what, grant: an entry of `allowed_outbound_hosts`;
    only where it is audited), and `lost` (count) where the loop was too slow for
    that many events.
    """

    @property
    def application(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def instance(self) -> int:
        """Counts from 1 within a component of a generation; 0 for none."""
    @property
    def kind(self) -> Literal["line", "limit", "failed", "denied", "allowed", "lost"]: ...
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
        on_calls: Callable[[list[Call], int], object] | None = None,
        workers: int | None = None,
        blocking_threads: int = 16,
    ) -> Runtime:
        """Start the worker threads, by default one for each available core.

        `on_events` is called on the loop with a batch of events. `on_exit` is
        called there when a host method raised KeyboardInterrupt or SystemExit;
        without it the exception leaves the loop. `on_calls` is called on the loop
        with a batch of what components asked for, once it was answered, and with
        how many calls came too fast to be kept; without it nothing is watched. At most
        `blocking_threads` threads run the work of `paddock.types.blocking` methods.

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
class Call:
    """One thing that a guest asked of the host: an imported function, a clock, random
    numbers, a socket's address, an outgoing request.

    `outcome` is `answered`, `failed` (the error of its own interface), `trapped` (the
    guest could not go on) or `abandoned` (nobody waited any more). `seconds` is the
    time from the call to its answer, 0 for clocks and random numbers. `call` counts
    from 1 within an instance; it, `generation` and `instance` are 0 for sockets and
    outgoing requests. `trace` is a W3C `traceparent`.
    """

    @property
    def application(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def instance(self) -> int: ...
    @property
    def call(self) -> int: ...
    @property
    def trace(self) -> str | None: ...
    @property
    def interface(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def outcome(self) -> Literal["answered", "failed", "trapped", "abandoned"]: ...
    @property
    def seconds(self) -> float: ...

@final
class ByteStream:
    """Bytes of a guest's `stream<u8>`, for one reader.

    Pieces of at most 64 KiB. The guest waits while they are not taken, and
    learns that nobody reads any more when the object is gone. When the guest
    itself is gone, so is the call that the stream was given to: the coroutine
    which reads is cancelled.
    """

    def __aiter__(self) -> ByteStream: ...
    def __anext__(self) -> Awaitable[bytes]: ...

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

@final
class Generation:
    """Applications and routes, immutable: what a server serves at one time."""

    def __new__(
        cls,
        number: int,
        applications: Sequence[ApplicationSpec],
        routes: Sequence[RouteSpec],
    ) -> Generation:
        """Build a generation; nothing is served before it is committed.

        Raises:
            paddock.errors.PlanError: routes that collide or lead nowhere.
            paddock.errors.UsageError: a trigger without a target, or with two.
        """
    @property
    def number(self) -> int: ...
    def retired(self, timeout: float) -> Awaitable[int]:
        """Wait until its last request has ended, at most `timeout` seconds.

        0 when all have ended; otherwise what still holds it. Call it once
        another generation was committed in its place.

        Raises:
            paddock.errors.UsageError: it still serves, or never did.
        """
    def cut(self) -> None:
        """End its responses that still stream, each with its next part.

        Nothing happens while it still serves.
        """

@final
class Outbound:
    """What a component's grants allow, for clients that are written in Python.

    Ask `allows_host` before a name is resolved, and `allows_address` for the
    address that is about to be connected to: a name that resolves to a private
    address does not pass unless that address or its network was granted.
    """

    def __new__(cls, grants: Sequence[Grant], blocked: Sequence[str] = ()) -> Outbound:
        """`blocked` is as in `ComponentSpec`.

        Raises:
            paddock.errors.UsageError: something blocked is no network.
        """
    def allows_host(self, scheme: str, host: str, port: int) -> bool:
        """Whether a host may be named at all; `host` is a name or an address."""
    def allows_address(self, scheme: str, host: str, address: str, port: int) -> bool:
        """Whether `host`, which was resolved to `address`, may be connected to.

        What is no IP address is not allowed.
        """

@final
class Server:
    """An HTTP server: any number of sockets, one generation at a time."""

    def __new__(cls, runtime: Runtime, options: ServerOptions) -> Server: ...
    def commit(self, generation: Generation) -> None:
        """Serve `generation` from now on; requests under way stay on the old one.

        Raises:
            paddock.errors.UsageError: it was committed before.
        """
    def event(
        self,
        application: str,
        component: str,
        export_name: str,
        arguments: Sequence[object],
        *,
        trace: str | None = None,
        time: float | None = None,
    ) -> Awaitable[Any]:
        """Call an export of a component of the generation that is served now.

        `time` in seconds replaces the component's limit of wall clock; infinity is
        none. The call waits for a slot as a request does, and stays on that
        generation to its end. Otherwise as `call`. A program that ends with an
        exit code other than 0 raises `Err` with the code.

        Raises:
            paddock.errors.HostError: no slot came free in time.
            paddock.errors.UsageError: no such component or function.
        """
    def tls(self, cert_pem: bytes, key_pem: bytes) -> None:
        """Use TLS on sockets that `listen` is given later; again: exchange it.

        Raises:
            paddock.errors.UsageError: they can't be read or don't fit.
        """
    def listen(self, fd: int) -> None:
        """Serve a listening TCP socket; the server owns the descriptor from now on.

        Raises:
            paddock.errors.HostError: the socket can't be used.
            paddock.errors.UsageError: nothing was committed yet.
        """
    def pause(self) -> None:
        """Accept no more; the sockets stay open and clients queue at them."""
    def resume(self) -> None: ...
    def lame_duck(self, lame: bool) -> None:
        """While set, a connection ends with the request that it carries next."""
    def drain(self, timeout: float) -> Awaitable[int]:
        """Close the sockets and let requests finish within `timeout` seconds.

        The number of requests that were cut off.
        """
    def stats(self) -> dict[str, int]:
        """Open `connections`, those `active` with a request, `tasks` for guests."""
