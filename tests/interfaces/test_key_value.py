"""The key-value facades, called as the bridge calls them, over all three kinds of reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.errors import CapabilityError, Unavailable
from paddock.interfaces import Grants, bind
from paddock.providers.key_value.memory import MemoryStore
from paddock.providers.key_value.sqlite import SqliteConfig, SqliteKeyValue
from paddock.testing.key_value import Requirements, suite
from paddock.types import Deferred, Err, Page, Stream, Variant

METHODS = (
    "get", "set", "delete", "exists", "keys", "get_many", "set_many", "delete_many",
    "increment", "snapshot", "swap", "close",
)  # fmt: skip


def converted(wrap: Callable[[Callable[[], object]], object]) -> KeyValueStore:
    """A memory store whose every method answers with what `wrap` makes of the work."""
    memory = MemoryStore()

    def method(name: str) -> Callable[..., object]:
        work = getattr(memory, name)
        return lambda *args, **kwargs: wrap(lambda: work(*args, **kwargs))

    store = type("Converted", (), {name: staticmethod(method(name)) for name in METHODS})()
    return cast("KeyValueStore", store)


def asynchronous() -> KeyValueStore:
    async def later(work: Callable[[], object]) -> object:
        await asyncio.sleep(0)
        return work()

    return converted(later)


def deferred() -> KeyValueStore:
    return converted(Deferred)


TestAsynchronous = suite(lambda name: asynchronous(), Requirements(threads=False))
TestDeferred = suite(lambda name: deferred())


@pytest.fixture(params=["plain", "deferred", "async", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    made: KeyValueStore
    match request.param:
        case "plain":
            made = MemoryStore()
        case "deferred":
            made = deferred()
        case "async":
            made = asynchronous()
        case _:
            made = SqliteKeyValue.open(
                SqliteConfig(), application="app", name="default", state_dir=tmp_path
            )
    yield made
    bridge(made.close)


class Denials:
    """Notes what the host would log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def __call__(self, capability: str, name: str, line: str) -> None:
        self.lines.append((capability, name, line))


def granted(store: KeyValueStore | None, denied: Denials | None = None) -> Grants:
    return Grants("app", "api", key_value={"default": store}, denied=denied or Denials())


def bound(interface: str, store: KeyValueStore | None) -> Any:
    return bind(interface, granted(store))


def bridge(call: Callable[..., object], *args: object) -> Any:
    """Await or run a reply, whatever its kind."""
    reply = call(*args)
    if isinstance(reply, Deferred):
        return reply()
    if isinstance(reply, Coroutine):
        return asyncio.run(reply)
    return reply


def failure(interface: Any, call: Callable[..., object], *args: object) -> Any:
    """The payload of the error that the guest gets."""
    try:
        bridge(call, *args)
    except Err as error:
        return error.payload
    except Exception as error:
        return interface.__paddock_error__(error)
    raise AssertionError("expected an error")


def collected(stream: Stream) -> list[object]:
    items = stream.items
    if not isinstance(items, AsyncIterator):
        return list(cast("Iterator[object]", items))

    async def run() -> list[object]:
        return [
            item async for each in items for item in (each if isinstance(each, Page) else [each])
        ]

    return asyncio.run(run())


def resources(interface: str, store: KeyValueStore | None) -> tuple[Any, Callable[[str], Any]]:
    """The bound interface and its function that opens a store."""
    facade = bound(interface, store)
    opener = getattr(facade, "store", facade)
    return facade, opener.open


RESOURCES = (
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/store@0.2.0-draft2",
    "fermyon:spin/key-value@2.0.0",
    "spin:key-value/key-value@3.0.0",
)


@pytest.mark.parametrize("interface", RESOURCES)
def test_a_value_goes_through_every_interface(interface: str, store: KeyValueStore) -> None:
    _, opened = resources(interface, store)
    resource = opened("default")
    assert bridge(resource.get, "key") is None
    assert bridge(resource.exists, "key") is False
    assert bridge(resource.set, "key", b"\x00\xff") is None
    assert bridge(resource.get, "key") == b"\x00\xff"
    assert bridge(resource.exists, "key") is True
    assert bridge(resource.delete, "key") is None
    assert bridge(resource.delete, "key") is None
    assert bridge(resource.get, "key") is None


@pytest.mark.parametrize("interface", [*RESOURCES, "fermyon:spin/key-value"])
def test_a_store_without_a_grant_is_denied_and_the_line_is_told_once(interface: str) -> None:
    denials = Denials()
    facade: Any = bind(interface, granted(MemoryStore(), denials))
    opener = getattr(facade, "store", facade)
    for _ in range(2):
        assert failure(facade, opener.open, 'ot"her') == Variant("access-denied")
    line = 'key_value_stores = ["default", "ot\\"her"]'
    assert denials.lines == [("key-value store", 'ot"her', line)]


def test_guessing_names_does_not_flood_the_log() -> None:
    denials = Denials()
    facade: Any = bind("wasi:keyvalue/store@0.2.0-draft2", granted(None, denials))
    for number in range(1000):
        failure(facade, facade.open, f"{number}-{'x' * 10_000}")
    assert len(denials.lines) == 100
    assert max(len(line) for _, _, line in denials.lines) < 200


@pytest.mark.parametrize("interface", [*RESOURCES, "fermyon:spin/key-value"])
def test_a_granted_store_that_the_host_lacks_is_no_such_store(interface: str) -> None:
    facade, opened = resources(interface, None)
    assert failure(facade, opened, "default") == Variant("no-such-store")


class Failing(MemoryStore):
    """Every call raises `error`, as the class of reply would."""

    def __init__(self, error: Exception, wrap: Callable[[Callable[[], object]], object]) -> None:
        super().__init__()

        def fail(*args: object, **kwargs: object) -> Any:
            def work() -> object:
                raise error

            return wrap(work)

        for name in METHODS:
            setattr(self, name, fail)


async def _later(work: Callable[[], object]) -> object:
    return work()


@pytest.mark.parametrize("wrap", [lambda work: work(), Deferred, _later])
@pytest.mark.parametrize("interface", RESOURCES)
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Unavailable("the store is away", hint="secret hint"), "the store is away"),
        (ValueError("secret"), "the key-value store failed; the host's log has the reason"),
    ],
)
def test_a_failing_provider_is_the_interfaces_other_error(
    wrap: Callable[[Callable[[], object]], object], interface: str, error: Exception, text: str
) -> None:
    facade, opened = resources(interface, cast("KeyValueStore", Failing(error, wrap)))
    resource = opened("default")
    assert failure(facade, resource.get, "key") == Variant("other", text)
    assert failure(facade, resource.set, "key", b"") == Variant("other", text)
    if interface.startswith("spin:"):
        with pytest.raises(type(error)) as raised:
            collected(resource.get_keys())
        assert facade.__paddock_error__(raised.value) == Variant("other", text)
        return
    arguments = [None] if interface.startswith("wasi:") else []
    listing = resource.list_keys if arguments else resource.get_keys
    assert failure(facade, listing, *arguments) == Variant("other", text)


def fill(store: KeyValueStore, count: int) -> list[str]:
    names = [f"key-{number:05}" for number in range(count)]
    bridge(store.set_many, [(name, b"") for name in names])
    return names


def test_all_keys_come_from_several_pages(store: KeyValueStore) -> None:
    names = fill(store, 2500)
    second: Any = bound("fermyon:spin/key-value@2.0.0", store).store.open("default")
    assert sorted(bridge(second.get_keys)) == names
    third: Any = bound("spin:key-value/key-value@3.0.0", store).store.open("default")
    assert sorted(cast("list[str]", collected(third.get_keys()))) == names


def test_a_stream_asks_for_a_page_only_when_it_is_read() -> None:
    asked: list[str | None] = []

    class Counting(MemoryStore):
        def keys(self, cursor: str | None = None, /, limit: int = 1000) -> KeyPage:
            asked.append(cursor)
            return super().keys(cursor, limit=limit)

    store = Counting()
    fill(store, 2500)
    opened: Any = bound("spin:key-value/key-value@3.0.0", store).store.open("default")
    items = opened.get_keys().items
    assert asked == [None]

    async def run() -> None:
        assert len(await anext(items)) == 1000
        assert len(asked) == 1
        assert len(await anext(items)) == 1000
        assert len(asked) == 2

    asyncio.run(run())


def test_a_stream_goes_on_when_the_store_answers_in_another_way_by_then() -> None:
    plain, later = MemoryStore(), asynchronous()
    names = fill(plain, 1500)
    bridge(later.set_many, [(name, b"") for name in names])

    class Moved(MemoryStore):
        def keys(self, cursor: str | None = None, /, limit: int = 1000) -> Any:
            return (later if cursor else plain).keys(cursor, limit=limit)

    opened: Any = bound("spin:key-value/key-value@3.0.0", Moved()).store.open("default")
    assert collected(opened.get_keys()) == names
    all_at_once: Any = bound("fermyon:spin/key-value@2.0.0", Moved()).store.open("default")
    assert bridge(all_at_once.get_keys) == names


def test_a_page_of_draft2_carries_the_providers_cursor(store: KeyValueStore) -> None:
    names = fill(store, 1500)
    bucket = bound("wasi:keyvalue/store@0.2.0-draft2", store).open("default")
    first = bridge(bucket.list_keys, None)
    second = bridge(bucket.list_keys, first.cursor)
    assert (len(first.keys), second.cursor) == (1000, None)
    assert sorted([*first.keys, *second.keys]) == names


def test_the_number_cursor_of_draft_skips_keys(store: KeyValueStore) -> None:
    names = fill(store, 10_500)
    bucket = bound("wasi:keyvalue/store@0.2.0-draft", store).open("")
    first = bridge(bucket.list_keys, None)
    assert first.cursor == 10_000
    second = bridge(bucket.list_keys, first.cursor)
    assert (second.keys, second.cursor) == (names[10_000:], None)
    beyond = bridge(bucket.list_keys, 2**64 - 1)
    assert (beyond.keys, beyond.cursor) == ([], None)


def test_one_bucket_serves_store_batch_and_atomics_of_draft2(store: KeyValueStore) -> None:
    grants = granted(store)
    names = ("store", "batch", "atomics")
    opener, batch, atomics = (
        cast("Any", bind(f"wasi:keyvalue/{name}@0.2.0-draft2", grants)) for name in names
    )
    bucket = opener.open("default")
    assert bridge(batch.set_many, bucket, [("a", b"1"), ("b", b"2")]) is None
    assert bridge(batch.get_many, bucket, ["b", "x", "a"]) == [
        ("b", b"2"), ("x", None), ("a", b"1"),
    ]  # fmt: skip
    assert bridge(atomics.increment, bucket, "a", 41) == 42
    assert bridge(batch.delete_many, bucket, ["b", "x"]) is None
    assert bridge(bucket.get, "a") == b"42"
    assert bridge(bucket.exists, "b") is False


def test_one_bucket_serves_store_batch_and_atomics_of_draft(store: KeyValueStore) -> None:
    grants = granted(store)
    names = ("store", "batch", "atomics")
    opener, batch, atomics = (
        cast("Any", bind(f"wasi:keyvalue/{name}@0.2.0-draft", grants)) for name in names
    )
    bucket = opener.open("default")
    assert bridge(batch.set_many, bucket, [("a", b"1")]) is None
    assert bridge(batch.get_many, bucket, ["x", "a"]) == [None, ("a", b"1")]
    assert bridge(atomics.increment, bucket, "a", 41) == 42
    too_much = failure(atomics, atomics.increment, bucket, "a", 2**63)
    assert (too_much.case, bridge(bucket.get, "a")) == ("other", b"42")
    bridge(bucket.set, "a", b"-10")
    negative = failure(atomics, atomics.increment, bucket, "a", 1)
    assert (negative.case, bridge(bucket.get, "a")) == ("other", b"-10")


def test_a_swap_takes_the_value_that_cas_saw(store: KeyValueStore) -> None:
    grants = granted(store)
    opener: Any = bind("wasi:keyvalue/store@0.2.0-draft2", grants)
    atomics: Any = bind("wasi:keyvalue/atomics@0.2.0-draft2", grants)
    bucket = opener.open("default")
    cas = bridge(atomics.cas.new, bucket, "key")
    assert bridge(cas.current) is None
    assert bridge(atomics.swap, cas, b"one") is None
    cas = bridge(atomics.cas.new, bucket, "key")
    bridge(bucket.set, "key", b"other")
    assert bridge(cas.current) == b"one"
    payload = failure(atomics, atomics.swap, cas, b"two")
    assert payload.case == "cas-failed"
    assert bridge(payload.payload.current) == b"other"
    assert bridge(atomics.swap, payload.payload, b"two") is None
    assert bridge(bucket.get, "key") == b"two"


@pytest.mark.parametrize("wrap", [lambda work: work(), Deferred, _later])
def test_a_failing_swap_is_a_store_error(
    wrap: Callable[[Callable[[], object]], object],
) -> None:
    from paddock.interfaces.wasi_keyvalue_draft2 import Cas

    failing = cast("KeyValueStore", Failing(CapabilityError("no room"), wrap))
    atomics: Any = bound("wasi:keyvalue/atomics@0.2.0-draft2", failing)
    cas = Cas(failing, "key", Snapshot(None))
    assert failure(atomics, atomics.swap, cas, b"") == Variant(
        "store-error", Variant("other", "no room")
    )


def test_the_unversioned_interface_speaks_in_numbers(store: KeyValueStore) -> None:
    facade = bound("fermyon:spin/key-value", store)
    number = facade.open("default")
    assert isinstance(number, int)
    assert failure(facade, facade.get, number, "key") == Variant("no-such-key")
    assert bridge(facade.set, number, "key", b"value") is None
    assert bridge(facade.get, number, "key") == b"value"
    assert bridge(facade.exists, number, "key") is True
    assert bridge(facade.get_keys, number) == ["key"]
    assert bridge(facade.delete, number, "key") is None
    assert facade.close(number) is None
    for call, *args in (
        (facade.get, "key"), (facade.set, "key", b""), (facade.delete, "key"),
        (facade.exists, "key"), (facade.get_keys,),
    ):  # fmt: skip
        assert failure(facade, call, 99, *args) == Variant("invalid-store")
    assert facade.__paddock_error__(CapabilityError("no room")) == Variant("io", "no room")


@pytest.mark.parametrize("interface", RESOURCES)
def test_the_hot_path_enters_no_code_of_a_facade(interface: str) -> None:
    memory = MemoryStore()
    _, opened = resources(interface, memory)
    resource = opened("default")
    assert resource.get is memory.get
    assert resource is opened("default")
