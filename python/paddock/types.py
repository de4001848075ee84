"""Values that cross between guests and Python, and the shapes of a reply.

The mapping follows the Component Model's value types (WebAssembly Component
Model, canonical ABI): `list<u8>` is bytes, `option` is None or the value, an
enum case is its name, a `result` is returned or raised as `Err`.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, Protocol, TypeAlias, TypeVar, cast

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
P = ParamSpec("P")


class Err(Exception):
    """Raise it to answer a function's `result` with its error `payload`.

    `payload` has the shape of the WIT error type: a `Variant`, an enum's case
    name, a string, or None where the error type is empty.
    """

    def __init__(self, payload: object = None) -> None:
        super().__init__(payload)
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Variant:
    """One case of a WIT variant; `payload` is None for a case without one."""

    case: str
    payload: object = None


class _NoHead:
    """The type of `NO_HEAD`: None may be a head."""

    def __repr__(self) -> str:
        return "NO_HEAD"


NO_HEAD: Final = _NoHead()


class Page(list[T]):
    """Several items of a stream at once, from a source that has them in pages."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """Answers a function whose result has a stream, whichever of these it is.

    - `tuple<stream<T>, future<result<_, E>>>`: the future is ok when `items`
      ends, or the mapped error when it raises.
    - `tuple<H, stream<T>, future<result<_, E>>>`: the same after a `head`.
    - `stream<T>` alone, where raising traps: the guest could not tell.
    - `own<input-stream>` of wasi:io, where raising is `last-operation-failed`.

    Each may stand in a `result`, whose error is what the method itself raises.
    Items of a stream of bytes are bytes of any length. A `Page` among the items
    stands for its own items.

    `items` is first asked when the guest first reads, and then runs ahead of it
    by at most some 64 items or 64 KiB, so that a slow guest slows the source. A
    plain iterable is advanced in place and must not block; an asynchronous one
    runs in one task, which is cancelled when the guest lets go of the stream.
    """

    items: Iterable[object] | AsyncIterable[object]
    head: object = NO_HEAD


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who calls, carried by every call that leaves the engine.

    `deadline` is in seconds of `time.monotonic()`; `trace` is a W3C
    `traceparent`; `call` counts from 1 within one instance.
    """

    application: str
    component: str
    generation: int
    instance: int
    call: int
    deadline: float | None
    trace: str | None
    interface: str
    function: str


class Deferred(tuple[Callable[[], T_co]]):
    """Work that blocks: the bridge runs it on its bounded thread pool."""

    __slots__ = ()

    def __new__(cls, work: Callable[[], T_co]) -> Deferred[T_co]:
        return super().__new__(cls, (work,))

    def __call__(self) -> T_co:
        return self[0]()


Reply: TypeAlias = T | Coroutine[object, object, T] | Deferred[T]


class Sink(Protocol):
    """Answers `own<output-stream>` of wasi:io: takes what the guest writes.

    One call is under way at a time; meanwhile the guest may write 64 KiB more
    and then waits. What a method raises is the guest's `last-operation-failed`,
    and nothing is written after it. An object that has `drop()` too is told by
    that when the stream ended in another way than by `close`: after a write that
    failed, or because the instance is gone.
    """

    def write(self, data: bytes, /) -> Reply[None]:
        """Take the next bytes: at least one, at most 64 KiB."""
        ...

    def close(self) -> Reply[None]:
        """The guest has let go of the stream, and all it wrote has been taken.

        It waits for the reply, but learns nothing of an error: whoever ends the
        value (`finish`, `write-data`) has to tell it.
        """
        ...


#: The body of a method that needs several replies: yields each, gets its value.
Steps: TypeAlias = Generator[object, Any, T]


def blocking(method: Callable[P, T]) -> Callable[P, Deferred[T]]:
    """Mark a method as blocking: calling it returns a `Deferred`."""

    @functools.wraps(method)
    def defer(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return Deferred(functools.partial(method, *args, **kwargs))

    return defer


def then(reply: Reply[T], fn: Callable[[T], U]) -> Reply[U]:
    """Apply `fn` to a reply's value without waiting for it here."""
    if isinstance(reply, Deferred):
        work = cast("Deferred[T]", reply)
        return Deferred(lambda: fn(work()))
    if isinstance(reply, Coroutine):
        waiting = cast("Coroutine[object, object, T]", reply)

        async def chain() -> U:
            return fn(await waiting)

        return chain()
    return fn(reply)


async def resolve(reply: Reply[T]) -> T:
    """The value of a reply, for Python code that calls a provider itself."""
    if isinstance(reply, Deferred):
        import asyncio

        work: Callable[[], T] = cast("Deferred[T]", reply).__call__
        return await asyncio.get_running_loop().run_in_executor(None, work)
    if isinstance(reply, Awaitable):
        return await cast("Awaitable[T]", reply)
    return reply


def sequence(steps: Steps[T], *, mixed: bool = False) -> Reply[T]:
    """Run a body which yields replies and is sent their values, one after another.

    It goes on in place as long as the replies are plain; from the first that is
    not, all the rest is one coroutine or one Deferred. A Deferred can't wait for
    a coroutine: where replies come from several providers, say `mixed`, and the
    rest is a coroutine in either case.
    """
    try:
        reply = steps.send(None)
        while True:
            if isinstance(reply, Deferred) and not mixed:
                return Deferred(functools.partial(_finish, steps, reply))
            if isinstance(reply, (Deferred, Coroutine)):
                return _await(steps, cast("object", reply))
            reply = steps.send(reply)
    except StopIteration as end:
        return cast("T", end.value)


def _finish(steps: Steps[T], reply: object) -> T:
    try:
        while True:
            try:
                value = _value(reply)
            except BaseException as error:
                reply = steps.throw(error)
            else:
                reply = steps.send(value)
    except StopIteration as end:
        return cast("T", end.value)


def _value(reply: object) -> object:
    if isinstance(reply, Coroutine):
        reply.close()
        raise TypeError("a Deferred reply was followed by a coroutine")
    return cast("Deferred[object]", reply)() if isinstance(reply, Deferred) else reply


async def _await(steps: Steps[T], reply: object) -> T:
    try:
        while True:
            try:
                value = await resolve(reply)
            except BaseException as error:
                reply = steps.throw(error)
            else:
                reply = steps.send(value)
    except StopIteration as end:
        return cast("T", end.value)
