"""An object that does not fit a user's own interface is found out when a plan is made."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from paddock import _core
from paddock.host.signatures import mismatches
from paddock.host.wit import Function, Interface, interface

GUESTS = Path(__file__).parents[1] / "guests"
VALUES, COUNTERS = "paddock:test/values@0.1.0", "paddock:test/counters@0.1.0"


@pytest.fixture(scope="module")
def packages() -> dict[str, str]:
    data = (GUESTS / "rust/bridge/bridge.wasm").read_bytes()
    found: dict[str, str] = json.loads(_core.inspect(data))["packages"]
    return found


def wanted(packages: dict[str, str], name: str) -> Interface:
    found = interface(packages, name)
    assert found is not None
    return found


def test_functions_are_read_with_their_types(packages: dict[str, str]) -> None:
    values = wanted(packages, VALUES)
    by_name = {each.name: each for each in values.functions}
    assert by_name["many"] == Function(
        "many",
        "function",
        None,
        (("a", "u32"), ("b", "string"), ("c", "list<u8>"), ("d", "option<point>"), ("e", "bool")),
        "string",
    )
    assert by_name["echo-tuple"].parameters == (("value", "tuple<string, u32, bool>"),)
    assert by_name["judge"].result == "result"
    assert by_name["nothing"] == Function("nothing", "function", None, (), None)
    assert (values.types["point"], values.types["state"]) == ("record", "enum")


def test_resources_have_functions_of_four_kinds(packages: dict[str, str]) -> None:
    counters = wanted(packages, COUNTERS)
    kinds = [(each.name, each.kind, each.resource) for each in counters.functions]
    assert kinds == [
        ("constructor", "constructor", "counter"),
        ("open", "static", "counter"),
        ("add", "method", "counter"),
        ("value", "method", "counter"),
        ("merge", "method", "counter"),
        ("fork", "method", "counter"),
        ("close", "function", None),
        ("total", "function", None),
    ]


def test_asynchronous_functions_are_read_too() -> None:
    data = (GUESTS / "rust/bridge3/bridge3.wasm").read_bytes()
    packages = json.loads(_core.inspect(data))["packages"]
    (name,) = (each for each in packages if each.startswith("paddock:test-async"))
    package, _, version = name.partition("@")
    text = packages[name]
    for line in text.splitlines():
        if line.startswith("interface "):
            found = wanted(packages, f"{package}/{line.split()[1]}@{version}")
            block = text.partition(line)[2].partition("\n}")[0]
            assert len(found.functions) == len(re.findall(r"func\(|constructor\(", block)) > 0


def test_what_is_not_there_is_none(packages: dict[str, str]) -> None:
    assert interface(packages, "paddock:test/absent@0.1.0") is None
    assert interface(packages, "acme:absent/values@0.1.0") is None


GPIO = {
    "acme:gpio@0.1.0": """package acme:gpio@0.1.0;

interface pins {
  type level = bool;

  enum edge {
    up,
    down,
  }

  resource pin {
    constructor(number: u32);
    read: func() -> bool;
    %open: static func(name: string) -> result<pin, string>;
  }

  set: func(pin: u32, high: level) -> result<_, string>;

  get: func(pin: u32) -> result<bool, string>;

  name: func(pin: u32) -> option<string>;

  send: async func(data: list<u8>, all: list<u32>, edge: edge);
}
"""
}
PINS = "acme:gpio/pins@0.1.0"


class Good:
    class Pin:
        def __init__(self, number: int) -> None: ...
        def read(self) -> bool:
            return True

        @staticmethod
        def open(name: str) -> Good.Pin:
            return Good.Pin(1)

    def set(self, pin: int, high: bool) -> None: ...
    def get(self, pin: int, *, ctx: object) -> bool:
        return True

    def name(self, pin: int) -> str | None:
        return None

    async def send(self, data: bytes, all: Sequence[int], edge: Literal["up", "down"]) -> None: ...


class Untyped:
    def set(self, pin, high): ...  # type: ignore[no-untyped-def]
    def get(self, *pins): ...  # type: ignore[no-untyped-def]
    def name(self, pin, short=False): ...  # type: ignore[no-untyped-def]
    def send(self, data, all, edge): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize("answer", [Good(), Untyped(), object()])
def test_what_fits_or_says_nothing_passes(answer: object) -> None:
    assert list(mismatches(PINS, wanted(GPIO, PINS), answer)) == []


def method(name: str, function: object) -> object:
    return type("Board", (), {name: function})()


@pytest.mark.parametrize(
    ("name", "function", "reason"),
    [
        ("set", lambda self, pin: None, "takes 1 argument, and is called with 2"),
        ("get", lambda self, pin, other: None, "takes 2 arguments, and is called with 1"),
        ("name", lambda self: None, "takes 0 arguments, and is called with 1"),
    ],
)
def test_a_wrong_number_of_parameters_is_named(name: str, function: object, reason: str) -> None:
    (line,) = mismatches(PINS, wanted(GPIO, PINS), method(name, function))
    assert reason in line and f"{PINS}: {name}(pin: u32" in line


class Wrong:
    class Pin:
        def __init__(self, number: str) -> None: ...
        def read(self, twice: bool) -> bool:
            return twice

    def set(self, pin: str, high: int) -> bool:
        return True

    def get(self, pin: int) -> str:
        return ""

    def name(self, pin: int) -> int:
        return 1

    def send(self, data: str, all: bytes, edge: int) -> None: ...


def test_annotations_of_another_type_are_named() -> None:
    lines = list(mismatches(PINS, wanted(GPIO, PINS), Wrong()))
    text = "\n".join(lines)
    for reason in (
        "`number` is annotated str, and number is u32",
        "takes 1 argument, and is called with 0",
        "`pin` is annotated str, and pin is u32",
        "`high` is annotated int, and high is level",
        "it returns bool, and the interface's function nothing",
        "it returns str, and the interface's function bool",
        "it returns int, and the interface's function option<string>",
        "`data` is annotated str, and data is list<u8>",
        "`all` is annotated bytes, and all is list<u32>",
        "`edge` is annotated int, and edge is edge",
    ):
        assert reason in text, (reason, text)
    assert len(lines) == 10
