"""`wasmcloud:keyvalue@0.2.0` on stores that answer in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import pytest

from paddock import errors
from paddock.capabilities.key_value import KeyPage, KeyValueStore, Snapshot
from paddock.host.live.key_value import LiveKeyValue
from paddock.interfaces import Grants, bind
from paddock.providers.key_value.memory import MemoryStore
from paddock.types import Deferred, Err, Variant


@dataclass(frozen=True)
class SetOptions:
    ttl_ms: int | None = None
    if_not_exists: bool = False


@dataclass(frozen=True)
class CasOptions:
    require_version: str | None = None
    require_value: bytes | None = None


class Interfaces:
    """All five, for one store under the label `default`."""

    def __init__(self, store: KeyValueStore | None = None) -> None:
        grants = Grants("app", "api", key_value={"default": store or LiveKeyValue(MemoryStore())})
        for name in ("store", "atomics", "cas", "batch"):
            bound: Any = bind(f"wasmcloud:keyvalue/{name}@0.2.0", grants)
            setattr(self, name, bound)

    store: Any
    atomics: Any
    cas: Any
    batch: Any

    @property
    def bucket(self) -> Any:
        return self.store.open("")


def answer(reply: object) -> Any:
    if isinstance(reply, Deferred):
        return cast("Deferred[object]", reply)()
    if isinstance(reply, Coroutine):
        return asyncio.run(reply)
    return reply


def refused(interface: Any, call: Callable[..., object], *arguments: object) -> Any:
    try:
        answer(call(*arguments))
    except Err as error:
        return error.payload
    except Exception as error:
        return interface.__paddock_error__(error)
    raise AssertionError("expected an error")


def test_values_are_set_read_counted_and_deleted() -> None:
    given = Interfaces()
    bucket = given.bucket
    assert answer(bucket.get("key")) is None
    answer(bucket.set("key", b"1", None))
    answer(bucket.set("key", b"41", SetOptions()))
    assert answer(given.atomics.increment(bucket, "key", 1)) == 42
    assert answer(bucket.get("key")) == b"42"
    assert answer(bucket.exists("key")) is True
    answer(bucket.delete("key"))
    assert answer(bucket.exists("key")) is False


def test_a_batch_tells_what_is_absent() -> None:
    given = Interfaces()
    bucket = given.bucket
    answer(given.batch.set_many(bucket, [("a", b"1"), ("b", b"2")]))
    assert answer(given.batch.get_many(bucket, ["b", "x"])) == [("b", b"2"), None]
    answer(given.batch.delete_many(bucket, ["a", "b"]))
    assert answer(bucket.list_keys(None, None)) == KeyPage([])


def test_only_what_is_new_is_set_where_that_is_asked() -> None:
    given = Interfaces()
    bucket = given.bucket
    answer(bucket.set("key", b"first", SetOptions(if_not_exists=True)))
    payload = refused(given.store, bucket.set, "key", b"second", SetOptions(if_not_exists=True))
    assert payload == Variant("precondition-failed")
    assert answer(bucket.get("key")) == b"first"


def test_a_time_to_live_is_refused_and_not_forgotten() -> None:
    given = Interfaces()
    payload = refused(given.store, given.bucket.set, "key", b"", SetOptions(ttl_ms=1000))
    assert payload.case == "other" and "ttl-ms" in payload.payload
    assert answer(given.bucket.get("key")) is None


def test_a_swap_takes_the_version_or_the_value_that_was_seen() -> None:
    given = Interfaces()
    bucket, cas = given.bucket, given.cas
    answer(bucket.set("key", b"1", None))
    entry = answer(cas.current(bucket, "key"))
    assert entry.value == b"1"
    by_version = CasOptions(require_version=entry.version)
    assert answer(cas.swap(bucket, "key", b"2", by_version)) == Variant("swapped")
    stale = answer(cas.swap(bucket, "key", b"3", by_version))
    assert (stale.case, stale.payload.value) == ("stale", b"2")
    by_value = CasOptions(require_value=b"2")
    assert answer(cas.swap(bucket, "key", b"3", by_value)) == Variant("swapped")
    both = CasOptions(require_version=stale.payload.version, require_value=b"3")
    assert answer(cas.swap(bucket, "key", b"4", both)).case == "stale"
    assert answer(bucket.get("key")) == b"3"


def test_a_swap_of_what_is_absent_is_stale_and_one_without_a_condition_is_refused() -> None:
    given = Interfaces()
    bucket, cas = given.bucket, given.cas
    assert answer(cas.current(bucket, "key")) is None
    swap = cas.swap
    assert answer(swap(bucket, "key", b"", CasOptions(require_value=b""))) == Variant("stale")
    assert refused(cas, swap, bucket, "key", b"", CasOptions()) == Variant("invalid-argument")


class Beaten(MemoryStore):
    """Somebody else is faster, once."""

    def swap(self, key: str, expected: Snapshot, value: bytes, /) -> bool:
        if self.get("beaten") is None:
            self.set("beaten", b"")
            return False
        return super().swap(key, expected, value)


def test_a_swap_that_lost_a_race_asks_again_whether_its_condition_holds() -> None:
    given = Interfaces(Beaten())
    bucket = given.bucket
    answer(bucket.set("key", b"1", None))
    options = CasOptions(require_value=b"1")
    assert answer(given.cas.swap(bucket, "key", b"2", options)) == Variant("swapped")
    given = Interfaces(Beaten())
    answer(given.bucket.set("key", b"1", SetOptions(if_not_exists=True)))
    assert answer(given.bucket.get("key")) == b"1"


def test_keys_are_listed_by_prefix_over_pages() -> None:
    given = Interfaces()
    bucket = given.bucket
    keys = [f"a{number:05}" for number in range(2500)] + ["b1", "b2"]
    answer(given.batch.set_many(bucket, [(key, b"") for key in keys]))
    assert answer(bucket.list_keys("b", None)) == KeyPage(["b1", "b2"])
    first = answer(bucket.list_keys("a", None))
    assert len(first.keys) == 1000 and first.cursor
    assert answer(bucket.list_keys("x", None)) == KeyPage([])


CASES: list[tuple[Exception, Variant]] = [
    (errors.AccessDenied("no"), Variant("access-denied")),
    (errors.NotFound("no"), Variant("no-such-store")),
    (errors.TooLarge("no"), Variant("invalid-argument")),
    (errors.BadName("no"), Variant("invalid-argument")),
    (errors.TimedOut("no"), Variant("timeout")),
    (errors.Exhausted("no"), Variant("quota-exceeded")),
    (errors.Unavailable("no"), Variant("store-unavailable")),
    (errors.CapabilityError("words"), Variant("other", "words")),
]


@pytest.mark.parametrize(("error", "payload"), CASES)
def test_each_failure_has_its_case(error: Exception, payload: Variant) -> None:
    assert Interfaces().store.__paddock_error__(error) == payload


def test_a_flaw_of_ours_shows_nothing_to_the_guest() -> None:
    payload = Interfaces().store.__paddock_error__(ValueError("secret"))
    assert payload.case == "other" and "secret" not in payload.payload


def test_a_store_without_a_grant_is_denied() -> None:
    given = Interfaces()
    assert refused(given.store, given.store.open, "other") == Variant("access-denied")
