"""A key-value store that is moved while it is used: nothing lost, nothing resurrected."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.errors import CapabilityError, Unavailable
from paddock.host.live import Live, Switch, empty_check, wrapped
from paddock.host.live import gate as gates
from paddock.host.live.key_value import LiveKeyValue
from paddock.providers.key_value.filesystem import FilesystemConfig, FilesystemKeyValue
from paddock.providers.key_value.memory import MemoryStore
from paddock.providers.key_value.sqlite import SqliteConfig, SqliteKeyValue
from paddock.testing.key_value import KeyValueSuite, Requirements
from paddock.types import Deferred, Reply, resolve

METHODS = (
    "get", "set", "delete", "exists", "keys", "get_many", "set_many", "delete_many",
    "increment", "snapshot", "swap", "close",
)  # fmt: skip


class Awaited:
    """A memory store whose every method is a coroutine that gives way."""

    def __init__(self, memory: MemoryStore | None = None) -> None:
        self.memory = memory or MemoryStore()
        for name in METHODS:
            setattr(self, name, self._method(name))

    def _method(self, name: str) -> Callable[..., Coroutine[object, object, object]]:
        async def method(*arguments: object, **options: object) -> object:
            await asyncio.sleep(0)
            result: object = getattr(self.memory, name)(*arguments, **options)
            await asyncio.sleep(0)
            return result

        return method


def deferring() -> KeyValueStore:
    """A memory store whose every method is run by a pool."""
    memory = MemoryStore()

    def method(name: str) -> Callable[..., object]:
        work = getattr(memory, name)
        return lambda *args, **kwargs: Deferred(lambda: work(*args, **kwargs))

    store = type("Deferring", (), {name: staticmethod(method(name)) for name in METHODS})()
    return cast("KeyValueStore", store)


def plain() -> KeyValueStore:
    return MemoryStore()


def awaited() -> KeyValueStore:
    return cast("KeyValueStore", Awaited())


KINDS = {"plain": plain, "deferring": deferring, "awaited": awaited}


class TestLivePlain(KeyValueSuite):
    def make_store(self, name: str) -> KeyValueStore:
        return LiveKeyValue(plain())


class TestLiveDeferring(KeyValueSuite):
    def make_store(self, name: str) -> KeyValueStore:
        return LiveKeyValue(deferring())


class TestLiveAwaited(KeyValueSuite):
    requirements = Requirements(threads=False)

    def make_store(self, name: str) -> KeyValueStore:
        return LiveKeyValue(awaited())


def ignored(copied: int) -> None:
    del copied


async def moved(live: LiveKeyValue, target: KeyValueStore) -> LiveKeyValue:
    successor = LiveKeyValue(target)
    switch: Switch = await live.migrate(successor, ignored)
    await switch.hold()
    switch.commit(successor)
    return successor


async def content(store: KeyValueStore) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    cursor: str | None = None
    while True:
        page = await resolve(store.keys(cursor, 100))
        found |= dict(await resolve(store.get_many(page.keys)))
        cursor = page.cursor
        if cursor is None:
            return found


def test_a_key_value_store_is_handed_out_live_and_has_the_contracts_methods() -> None:
    live = wrapped("key_value", plain())
    assert isinstance(live, Live)
    assert all(hasattr(live, name) for name in METHODS)
    other = object()
    assert wrapped("configuration", other) is other


@pytest.mark.parametrize("new", KINDS)
@pytest.mark.parametrize("old", KINDS)
async def test_all_data_goes_along_and_calls_follow(old: str, new: str) -> None:
    live, target = LiveKeyValue(KINDS[old]()), KINDS[new]()
    items = [(f"{number:04}", b"%d" % number) for number in range(1200)]
    await resolve(live.set_many(items))
    await resolve(live.set("", b"x" * 3_000_000))
    await moved(live, target)
    assert await content(target) == {**dict(items), "": b"x" * 3_000_000}
    await resolve(live.set("later", b"1"))
    await resolve(live.delete("0000"))
    assert await resolve(live.increment("n", 3)) == 3
    assert await resolve(target.get("later")) == b"1"
    assert await resolve(target.exists("0000")) is False
    assert await resolve(live.get("n")) == b"3"


@pytest.mark.parametrize("new", KINDS)
async def test_work_that_was_put_off_ends_on_the_store_that_is_there_by_then(new: str) -> None:
    live, target = LiveKeyValue(deferring()), KINDS[new]()
    late = [live.set("a", b"1"), live.increment("n", 2)]
    await moved(live, target)
    for reply in late:
        await resolve(cast("Reply[object]", reply))
    assert await content(target) == {"a": b"1", "n": b"2"}


async def test_what_the_target_held_before_is_gone() -> None:
    live, target = LiveKeyValue(plain()), plain()
    await resolve(target.set_many([(f"{number}", b"old") for number in range(600)]))
    await resolve(live.set("1", b"new"))
    await moved(live, target)
    assert await content(target) == {"1": b"new"}


async def test_a_store_is_not_moved_onto_itself() -> None:
    live = LiveKeyValue(store := plain())
    await resolve(live.set("key", b"value"))
    with pytest.raises(CapabilityError, match="the same one"):
        await live.migrate(LiveKeyValue(store), ignored)
    assert await content(store) == {"key": b"value"}
    assert live.set("key", b"2") is None


async def test_a_snapshot_from_before_a_move_is_not_true_any_more() -> None:
    live = LiveKeyValue(plain())
    await resolve(live.set("key", b"1"))
    seen = await resolve(live.snapshot("key"))
    await moved(live, plain())
    assert await resolve(live.swap("key", seen, b"2")) is False
    seen = await resolve(live.snapshot("key"))
    assert await resolve(live.swap("key", seen, b"2")) is True


@pytest.mark.parametrize("kind", KINDS)
async def test_writes_wait_while_the_last_changes_are_carried_and_reads_do_not(kind: str) -> None:
    live, target = LiveKeyValue(KINDS[kind]()), plain()
    await resolve(live.set("key", b"1"))
    switch: Switch = await live.migrate(target, ignored)
    await resolve(live.set("key", b"2"))
    await switch.hold()
    writing = asyncio.ensure_future(resolve(live.set("key", b"3")))
    await asyncio.sleep(0.01)
    assert not writing.done()
    assert await resolve(live.get("key")) == b"2"
    assert await resolve(target.get("key")) == b"2"
    switch.commit(target)
    await writing
    assert await resolve(target.get("key")) == b"3"


@pytest.mark.parametrize("held", [False, True])
async def test_a_move_that_is_abandoned_leaves_all_as_it_was(held: bool) -> None:
    live, target = LiveKeyValue(store := plain()), plain()
    await resolve(live.set("key", b"1"))
    switch: Switch = await live.migrate(target, ignored)
    if held:
        await switch.hold()
    switch.abandon()
    await resolve(live.set("key", b"2"))
    assert await content(store) == {"key": b"2"}
    assert await content(target) == {"key": b"1"}
    # And it can be moved later.
    await moved(live, target)
    assert await content(target) == {"key": b"2"}


class Failing(MemoryStore):
    """Takes some writes, then no more."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    def set_many(self, items: object, /) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("the server is away")
        super().set_many(items)  # type: ignore[arg-type]


@pytest.mark.parametrize("writes", [0, 1])
async def test_a_target_that_fails_does_not_stop_writes(writes: int) -> None:
    live, target = LiveKeyValue(plain()), Failing(writes)
    await resolve(live.set("key", b"1"))
    with pytest.raises(Unavailable):
        switch: Switch = await live.migrate(target, ignored)
        live.set("key", b"2")
        await switch.hold()
    assert live.set("key", b"3") is None


async def test_a_write_that_does_not_end_ends_the_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PATIENCE", 0.05)
    live, target = LiveKeyValue(awaited()), plain()
    stuck = asyncio.Event()

    async def never(key: str, value: bytes) -> None:
        await stuck.wait()

    live._store.set = never  # type: ignore[method-assign]
    writing = asyncio.ensure_future(resolve(live.set("key", b"1")))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="did not end in time"):
        await live.migrate(target, ignored)
    stuck.set()
    await writing


async def test_a_write_that_waited_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "PATIENCE", 0.05)
    live = LiveKeyValue(plain())
    switch: Switch = await live.migrate(plain(), ignored)
    late = LiveKeyValue(deferring()).set("key", b"1")
    assert isinstance(late, Deferred)
    await switch.hold()
    with pytest.raises(Unavailable, match="is being moved"):
        await resolve(live.set("key", b"1"))


async def test_progress_is_told() -> None:
    live, told = LiveKeyValue(plain()), list[int]()
    await resolve(live.set_many([(f"{number}", b"") for number in range(600)]))
    switch: Switch = await live.migrate(plain(), told.append)
    assert told == sorted(told) and told[-1] == switch.copied == 600


async def test_large_values_are_read_few_at_once() -> None:
    read: list[int] = []

    class Watched(MemoryStore):
        def get_many(self, keys: Sequence[str], /) -> list[tuple[str, bytes | None]]:
            found = super().get_many(keys)
            read.append(sum(len(value or b"") for _, value in found))
            return found

    source, target = Watched(), plain()
    large = b"v" * 1_000_000
    source.set_many([(f"a{number:03}", b"small") for number in range(600)])
    source.set_many([(f"b{number:03}", large) for number in range(40)])
    await moved(LiveKeyValue(source), target)
    assert len(await content(target)) == 640
    # The first batch with large ones can't be foreseen.
    assert sorted(read)[-2] <= 4 << 20
    assert len([size for size in read if size]) < 40


async def test_emptiness_looks_past_pages_without_keys() -> None:
    class Sparse(MemoryStore):
        def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
            return KeyPage([], "on") if cursor is None else super().keys(None, limit)

    is_empty, store = empty_check("key_value"), Sparse()
    assert await is_empty(store) is True
    store.set("key", b"")
    assert await is_empty(store) is False


async def step(store: KeyValueStore, kind: str, number: int) -> None:
    key = f"k{number}"
    if kind == "set":
        await resolve(store.set(key, b"%d" % number))
    elif kind == "delete":
        await resolve(store.delete(key))
    elif kind == "increment":
        await resolve(store.increment(key, number))
    elif kind == "set_many":
        await resolve(store.set_many([(key, b"1"), (f"m{number}", b"2")]))
    elif kind == "delete_many":
        await resolve(store.delete_many([key, f"m{number}"]))
    else:
        while True:
            seen = await resolve(store.snapshot(key))
            if await resolve(store.swap(key, seen, (seen.value or b"")[:1] or b"7")):
                return


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "delete", "increment", "set_many", "delete_many", "swap"]),
        st.integers(0, 7),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS)), st.randoms())
def test_whatever_is_written_during_a_move_the_new_store_is_the_old_one(
    steps: list[tuple[str, int]], old: str, new: str, chance: random.Random
) -> None:
    """Against a model: the same steps on a dictionary."""
    model = MemoryStore()
    model.set_many([(f"k{number}", b"0") for number in range(5)])

    async def run() -> None:
        live, target = LiveKeyValue(KINDS[old]()), KINDS[new]()
        await resolve(live.set_many([(f"k{number}", b"0") for number in range(5)]))

        async def write() -> None:
            for kind, number in steps:
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                await step(model, kind, number)
                await step(live, kind, number)

        writing = asyncio.ensure_future(write())
        for _ in range(chance.randrange(10)):
            await asyncio.sleep(0)
        await moved(live, target)
        await writing
        assert await content(target) == await content(model)

    asyncio.run(run())


OPENED: dict[str, Callable[[Path, str], KeyValueStore]] = {
    "memory": lambda path, name: MemoryStore(),
    "sqlite": lambda path, name: SqliteKeyValue.open(
        SqliteConfig(), application="a", name=name, state_dir=path
    ),
    "filesystem": lambda path, name: FilesystemKeyValue.open(
        FilesystemConfig(), application="a", name=name, state_dir=path
    ),
    "awaited": lambda path, name: awaited(),
}


class Writers:
    """Threads that write as the bridge does; each owns its keys and knows what was acknowledged."""

    def __init__(self, stores: list[LiveKeyValue], count: int) -> None:
        self.stores = stores
        self.known: list[dict[str, bytes | None]] = [{} for _ in range(count)]
        self.counted = [0] * count
        self.failures: list[BaseException] = []
        self.stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    async def end(self) -> None:
        self.stop.set()
        await asyncio.to_thread(lambda: [thread.join() for thread in self._threads])

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        try:
            while not self.stop.is_set():
                # Some stay on a store that was moved on long ago.
                self._step(chance, chance.choice(self.stores), number)
        except BaseException as error:
            self.failures.append(error)

    def _step(self, chance: random.Random, store: LiveKeyValue, number: int) -> None:
        mine, key = self.known[number], f"{number}-{chance.randrange(40)}"
        new = b"%d" % chance.randrange(999)
        match chance.randrange(4):
            case 0:
                self._value(store.delete(key))
                mine[key] = None
            case 1:
                self._value(store.increment("shared", 1))
                self.counted[number] += 1
            case 2:
                pair = [(key, new), (f"{key}x", b"m")]
                self._value(store.set_many(pair))
                mine.update(pair)
            case _:
                self._value(store.set(key, new))
                mine[key] = new
        assert self._value(store.get(key)) == mine.get(key)

    def _value(self, reply: Reply[object]) -> object:
        if isinstance(reply, Deferred):
            return cast("Deferred[object]", reply)()
        if isinstance(reply, Coroutine):
            return asyncio.run_coroutine_threadsafe(reply, self._loop).result(30)
        return reply


async def test_threads_and_coroutines_write_while_it_is_moved_again_and_again(
    tmp_path: Path,
) -> None:
    stores = [LiveKeyValue(OPENED["memory"](tmp_path, "first"))]
    writers = Writers(stores, 6)
    known: list[dict[str, bytes | None]] = [{}, {}]
    writers.start()
    coroutines = [
        asyncio.ensure_future(_write_async(stores, known[number], number, writers.stop))
        for number in range(2)
    ]
    try:
        for number, kind in enumerate(["sqlite", "awaited", "filesystem", "memory", "sqlite"]):
            stores.append(await moved(stores[-1], OPENED[kind](tmp_path, f"{number}")))
            await asyncio.sleep(0.05)
    finally:
        await writers.end()
        await asyncio.gather(*coroutines)
    assert writers.failures == []
    final = await content(stores[-1])
    assert int(final.pop("shared") or b"") == sum(writers.counted)
    assert final == {
        key: value
        for mine in [*writers.known, *known]
        for key, value in mine.items()
        if value is not None
    }
    for each in stores:
        await resolve(each.close())


async def _write_async(
    stores: list[LiveKeyValue],
    mine: dict[str, bytes | None],
    number: int,
    stop: threading.Event,
) -> None:
    chance = random.Random(number)
    while not stop.is_set():
        store = chance.choice(stores)
        key, new = f"async-{number}-{chance.randrange(40)}", b"%d" % chance.randrange(999)
        await resolve(store.set(key, new))
        mine[key] = new
        assert await resolve(store.get(key)) == new
        await asyncio.sleep(0)


def test_the_tests_writers_are_replies_of_every_kind() -> None:
    replies: list[object] = [plain().set("k", b""), deferring().set("k", b"")]
    coroutine = cast("Awaitable[None]", awaited().set("k", b""))
    assert replies[0] is None and isinstance(replies[1], Deferred)
    assert isinstance(coroutine, Coroutine)
    coroutine.close()
    assert isinstance(plain().snapshot("k"), Snapshot)
