"""What the conformance suites share: a loop for each test, replies of any kind, things to close."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Protocol, TypeVar, cast

from paddock.types import Deferred, Reply, resolve

T = TypeVar("T")


class Closable(Protocol):
    """Any provider."""

    def close(self) -> Reply[None]:
        """See its contract."""
        ...


C = TypeVar("C", bound=Closable)


class ProviderSuite:
    """Tests of one provider; `requirements` is a dataclass of what it claims."""

    requirements: ClassVar[Any]

    def setup_method(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._open: list[Closable] = []

    def teardown_method(self) -> None:
        for each in self._open:
            self.value(each.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def kept(self, provider: C) -> C:
        """The same, closed after the test."""
        self._open.append(provider)
        return provider

    def value(self, reply: Reply[T]) -> T:
        """The value of a reply of any kind, as the bridge gets it."""
        if isinstance(reply, Deferred):
            return cast("Deferred[T]", reply)()
        if isinstance(reply, Coroutine):
            return self.loop.run_until_complete(resolve(cast("Reply[T]", reply)))
        return reply

    def need(self, name: str) -> None:
        """Skip the test unless the provider claims it."""
        if not getattr(self.requirements, name):
            import pytest

            pytest.skip(f"the provider does not declare Requirements({name}=True)")


def fresh() -> str:
    """A name that no other test uses."""
    return f"suite-{uuid.uuid4().hex[:16]}"


def plain(reply: Reply[T]) -> T:
    """The value of a reply in a thread without a loop."""
    if isinstance(reply, Deferred):
        return cast("Deferred[T]", reply)()
    if isinstance(reply, Coroutine):
        reply.close()
        raise TypeError("declare Requirements(threads=False) for a provider of coroutines")
    return reply


def in_threads(*works: Callable[[], object]) -> None:
    """Each at once in a thread of its own; fails with what they raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
