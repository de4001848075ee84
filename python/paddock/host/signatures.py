"""Checks a Python object against the interface that a component imports from it.

The core checks that each function is there. Here its parameters are counted, and
where they are annotated, plain types are compared with the interface's, so that a
mistake shows when a plan is made and not at the first call.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from collections.abc import Sequence as SequenceABC
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from paddock.host.wit import Function, Interface

#: Python's type for WIT's, as `paddock.types` maps them.
_SIMPLE: dict[str, type] = {
    **dict.fromkeys(("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"), int),
    **dict.fromkeys(("f32", "f64"), float),
    **dict.fromkeys(("string", "char", "enum"), str),
    "bool": bool,
    "list<u8>": bytes,
}
_MADE: dict[str, type] = {"list": list, "tuple": tuple}
#: Annotations that are compared; anything else is the author's own affair.
_KNOWN = (int, float, bool, str, bytes, list, tuple, dict, type(None))


def mismatches(name: str, wanted: Interface, answer: object) -> Iterator[str]:
    """One sentence for each function of `answer` that does not fit the interface `name`."""
    for function in wanted.functions:
        found = _callable(answer, function)
        if found is None:
            continue
        where = f"{_called(found)} does not fit {_shown(name, function)}"
        for reason in _reasons(function, found, wanted):
            yield f"{where}: {reason}"


def _callable(answer: object, function: Function) -> Callable[..., object] | None:
    """What the bridge would call; None where that shows only at run time."""
    holder: object = answer
    if function.resource is not None:
        holder = _resource(answer, function.resource)
        if function.kind == "constructor":
            return holder if callable(holder) else None
        if function.kind == "method" and not isinstance(holder, type):
            return None
    found: object = getattr(holder, function.name.replace("-", "_"), None)
    return found if callable(found) else None


def _resource(answer: object, name: str) -> object | None:
    snake = name.replace("-", "_")
    pascal = "".join(word.capitalize() for word in name.split("-"))
    found: object = getattr(answer, snake, None) or getattr(answer, pascal, None)
    return found


def _called(found: Callable[..., object]) -> str:
    return str(getattr(found, "__qualname__", type(found).__name__))


def _shown(name: str, function: Function) -> str:
    of = f"{function.resource}." if function.resource else ""
    parameters = ", ".join(f"{each}: {type_text}" for each, type_text in function.parameters)
    result = f" -> {function.result}" if function.result else ""
    return f"{name}: {of}{function.name}({parameters}){result}"


def _reasons(function: Function, found: Callable[..., object], wanted: Interface) -> Iterator[str]:
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return
    taken = [
        each
        for each in signature.parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if function.kind == "method":
        # Found on the class, so `self` is among them.
        taken = taken[1:]
    many = any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values())
    needed = sum(each.default is each.empty for each in taken)
    given = len(function.parameters)
    if needed > given or (given > len(taken) and not many):
        yield f"it takes {_count(len(taken))}, and is called with {given}"
        return
    hints = _hints(found)
    for parameter, (name, type_text) in zip(taken, function.parameters, strict=False):
        if parameter.name in hints and not _fits(hints[parameter.name], type_text, wanted):
            shown = _annotation(hints[parameter.name])
            yield f"`{parameter.name}` is annotated {shown}, and {name} is {type_text}"
    if "return" in hints and function.kind != "constructor":
        yield from _result(hints["return"], function.result, wanted)


def _result(hint: object, result: str | None, wanted: Interface) -> Iterator[str]:
    text = _payload(result)
    if not _is_plain(hint):
        return
    if text is None:
        if hint is not type(None):
            yield f"it returns {_annotation(hint)}, and the interface's function nothing"
    elif not _fits(hint, text, wanted):
        yield f"it returns {_annotation(hint)}, and the interface's function {text}"


def _payload(result: str | None) -> str | None:
    """What is returned of a `result`: its error is raised."""
    if result is None or result == "result":
        return None
    if not result.startswith("result<"):
        return result
    from paddock.host.wit import split

    first = split(result.removeprefix("result<").removesuffix(">"))[0]
    return None if first == "_" else first


def _hints(found: Callable[..., object]) -> dict[str, object]:
    target: Any = found.__init__ if isinstance(found, type) else found  # type: ignore[misc]
    try:
        return cast("dict[str, object]", get_type_hints(target))
    except Exception:  # noqa: BLE001 - names that exist for type checkers only
        return {}


def _is_plain(hint: object) -> bool:
    return (get_origin(hint) or hint) in _KNOWN


def _fits(hint: object, type_text: str, wanted: Interface) -> bool:
    type_text = wanted.types.get(type_text, type_text)
    choices = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if type_text.startswith("option<"):
        inner = type_text.removeprefix("option<").removesuffix(">")
        rest = [each for each in choices if each is not type(None)]
        return len(rest) < len(choices) and any(_fits(each, inner, wanted) for each in rest)
    expected = _expected(type_text)
    if expected is None:
        return True
    return any(_matches(each, expected) for each in choices)


def _matches(hint: object, expected: type) -> bool:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return all(isinstance(each, expected) for each in get_args(hint))
    if origin not in _KNOWN and origin is not SequenceABC:
        return True
    if expected is list:
        return origin in (list, SequenceABC)
    return origin is expected


def _expected(type_text: str) -> type | None:
    """None where several types would do."""
    if type_text in _SIMPLE:
        return _SIMPLE[type_text]
    return _MADE.get(type_text.partition("<")[0])


def _annotation(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


def _count(number: int) -> str:
    return f"{number} argument" + ("" if number == 1 else "s")
