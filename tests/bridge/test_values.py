"""Every type of the component model, both ways, and resources."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.bridge.guests import API, Bridge, Function, passing

from paddock import _core
from paddock.types import Variant

TYPES = {
    "point": '(record (field "x" s32) (field "is-far" bool))',
    "colour": '(enum "red" "deep-blue")',
    "rights": '(flags "read" "see-all")',
    "shape": '(variant (case "nothing") (case "circle" f64) (case "named" string))',
}
FUNCTIONS = {
    "bool": Function("bool", ("bool",), "bool", "i32", "i32"),
    "u8": Function("u8", ("u8",), "u8", "i32", "i32"),
    "s64": Function("s64", ("s64",), "s64", "i64", "i64"),
    "u64": Function("u64", ("u64",), "u64", "i64", "i64"),
    "f64": Function("f64", ("f64",), "f64", "f64", "f64"),
    "char": Function("char", ("char",), "char", "i32", "i32"),
    "string": Function("string", ("string",), "string", "i32 i32", "ptr"),
    "bytes": Function("bytes", ("(list u8)",), "(list u8)", "i32 i32", "ptr"),
    "list": Function("list", ("(list string)",), "(list string)", "i32 i32", "ptr"),
    "tuple": Function("tuple", ("(tuple string u32)",), "(tuple string u32)", "i32 i32 i32", "ptr"),
    "option": Function("option", ("(option string)",), "(option string)", "i32 i32 i32", "ptr"),
    "echo-point": Function("echo-point", ("$point",), "$point", "i32 i32", "ptr"),
    "echo-colour": Function("echo-colour", ("$colour",), "$colour", "i32", "i32"),
    "echo-rights": Function("echo-rights", ("$rights",), "$rights", "i32", "i32"),
    "echo-shape": Function("echo-shape", ("$shape",), "$shape", "i32 i64 i32", "ptr"),
    "outcome": Function("outcome", ("(result u32 (error string))",), "", "i32 i32 i32", ""),
}


class Echo:
    """Keeps what it was given, and gives it back or what it is told to."""

    def __init__(self, answer: object = None) -> None:
        self.seen: list[object] = []
        self.answer = answer

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)

        def echo(value: object) -> object:
            self.seen.append(value)
            return value if self.answer is None else self.answer

        return echo


CASES: list[tuple[str, object]] = [
    ("bool", True),
    ("bool", False),
    ("u8", 255),
    ("s64", -(1 << 63)),
    ("u64", (1 << 64) - 1),
    ("f64", 1.5),
    ("char", "ß"),
    ("string", "Grüße \U0001f980"),
    ("string", ""),
    ("bytes", bytes(range(256))),
    ("list", ["a", "", "ç"]),
    ("list", []),
    ("tuple", ("one", 2)),
    ("option", None),
    ("option", "some"),
    ("echo-colour", "deep-blue"),
    ("echo-rights", frozenset({"read", "see-all"})),
    ("echo-rights", frozenset[str]()),
    ("echo-shape", Variant("nothing")),
    ("echo-shape", Variant("circle", 2.5)),
    ("echo-shape", Variant("named", "round")),
]


@pytest.mark.parametrize(("function", "value"), CASES)
async def test_a_value_goes_to_the_host_and_back_unchanged(
    bridge: Bridge, function: str, value: object
) -> None:
    host = Echo()
    component = bridge.component(host, passing(FUNCTIONS[function], types=TYPES))
    assert await _core.call(component, function, [value]) == value
    assert host.seen == [value]
    assert type(host.seen[0]) is type(value)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"x": 3, "is_far": True},
        {"x": 3, "is-far": True},
        SimpleNamespace(x=3, is_far=True),
    ],
)
async def test_a_record_is_any_object_with_its_attributes(bridge: Bridge, answer: object) -> None:
    host = Echo(answer)
    component = bridge.component(host, passing(FUNCTIONS["echo-point"], types=TYPES))
    result = await _core.call(component, "echo-point", [{"x": 3, "is_far": True}])
    assert (result.x, result.is_far) == (3, True)
    assert host.seen == [result], "records are equal by their fields"
    with pytest.raises(AttributeError):
        result.x = 4


async def test_a_result_as_a_parameter_is_a_variant(bridge: Bridge) -> None:
    host = Echo()
    component = bridge.component(host, passing(FUNCTIONS["outcome"], types=TYPES))
    await _core.call(component, "outcome", [Variant("ok", 7)])
    await _core.call(component, "outcome", [Variant("err", "bad")])
    assert host.seen == [Variant("ok", 7), Variant("err", "bad")]


@pytest.mark.parametrize("answer", [bytearray(b"abc"), memoryview(b"abc"), b"abc"])
async def test_any_buffer_is_bytes(bridge: Bridge, answer: object) -> None:
    component = bridge.component(Echo(answer), passing(FUNCTIONS["bytes"], types=TYPES))
    assert await _core.call(component, "bytes", [b""]) == b"abc"


COUNTERS = f"""(component
  (import "{API}" (instance $api
    (export "counter" (type $counter (sub resource)))
    (export "[constructor]counter" (func (param "start" s64) (result (own $counter))))
    (export "[static]counter.open" (func (param "start" s64) (result (own $counter))))
    (export "[method]counter.add" (func (param "self" (borrow $counter)) (param "by" s64) (result s64)))
    (export "close" (func (param "counter" (own $counter)) (result s64)))))
  (alias export $api "counter" (type $counter))
  (core func $new (canon lower (func $api "[constructor]counter")))
  (core func $open (canon lower (func $api "[static]counter.open")))
  (core func $add (canon lower (func $api "[method]counter.add")))
  (core func $close (canon lower (func $api "close")))
  (core func $drop (canon resource.drop $counter))
  (core module $m
    (import "h" "new" (func $new (param i64) (result i32)))
    (import "h" "open" (func $open (param i64) (result i32)))
    (import "h" "add" (func $add (param i32 i64) (result i64)))
    (import "h" "close" (func $close (param i32) (result i64)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "count") (param i64) (result i64)
      (local $c i32) (local $sum i64)
      (local.set $c (call $new (local.get 0)))
      (drop (call $add (local.get $c) (i64.const 1)))
      (local.set $sum (call $add (local.get $c) (i64.const 1)))
      (call $drop (local.get $c))
      (local.get $sum))
    (func (export "give") (param i64) (result i64)
      (call $close (call $open (local.get 0))))
    (func (export "leave") (param i64) (result i64)
      (drop (call $new (local.get 0))) (i64.const 0)))
  (core instance $m (instantiate $m (with "h" (instance
    (export "new" (func $new)) (export "open" (func $open)) (export "add" (func $add))
    (export "close" (func $close)) (export "drop" (func $drop))))))
  (func (export "count") (param "start" s64) (result s64) (canon lift (core func $m "count")))
  (func (export "give") (param "start" s64) (result s64) (canon lift (core func $m "give")))
  (func (export "leave") (param "start" s64) (result s64) (canon lift (core func $m "leave"))))
""".encode()


class Counter:
    drops: int = 0

    def __init__(self, start: int) -> None:
        self.value = start

    @classmethod
    def open(cls, start: int) -> Counter:
        return cls(start + 100)

    async def add(self, by: int) -> int:
        self.value += by
        return self.value

    def drop(self) -> None:
        Counter.drops += 1


class Counters:
    Counter = Counter

    def close(self, counter: Counter) -> int:
        assert isinstance(counter, Counter)
        return counter.value


async def test_a_resource_is_a_python_object_dropped_once(bridge: Bridge) -> None:
    component = bridge.component(Counters(), COUNTERS)
    Counter.drops = 0
    assert await _core.call(component, "count", [40]) == 42
    await bridge.until(lambda: Counter.drops)
    assert Counter.drops == 1


async def test_a_resource_given_back_is_the_very_same_object(bridge: Bridge) -> None:
    component = bridge.component(Counters(), COUNTERS)
    assert await _core.call(component, "give", [7]) == 107


async def test_a_resource_that_the_guest_leaves_behind_is_dropped(bridge: Bridge) -> None:
    component = bridge.component(Counters(), COUNTERS)
    Counter.drops = 0
    await _core.call(component, "leave", [1])
    await bridge.until(lambda: Counter.drops == 1)
