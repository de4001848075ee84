"""Turns the errors of pydantic into problems with a place and plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from paddock.manifest.document import Located
from paddock.manifest.fields import TAG
from paddock.manifest.names import did_you_mean
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import MOST_SOUGHT, Problem, key_text
from paddock.manifest.quantities import kind_of

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "a string",
    "bool_type": "a boolean",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "list_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def validate(shape: type[M], document: Located) -> tuple[M | None, list[Problem]]:
    """The document as `shape`, or None and every mistake of its tables."""
    try:
        return shape.model_validate(document.table), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_problem(shape, document, detail) for detail in details[:MOST_SOUGHT]]


def _problem(shape: type[BaseModel], document: Located, detail: ErrorDetails) -> Problem:
    path = _path(detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        *around, key = detail["loc"]
        table, key = _path(around), str(key)
        # Whatever it looks like, this part is a key of the file.
        path = (*table, key)
        known = keys_at(shape, around)
        what = f"keys of '{key_text(table)}'" if table else "keys at the top of the file"
        return document.problem(path, "unknown key", did_you_mean(key, known, what=what))
    if kind == "missing":
        known_place = document.at(path[:-1])
        problem = document.problem(path, "is required but not set")
        return Problem(known_place, problem.key, problem.reason, problem.hint)
    if kind == "manifest":
        context = detail.get("ctx", {})
        return document.problem(path, _reason(detail), context.get("hint"))
    return document.problem(path, _reason(detail))


def _reason(detail: ErrorDetails) -> str:
    kind, value = detail["type"], cast("object", detail["input"])
    if expected := _EXPECTED.get(kind):
        return f"must be {expected}, not {kind_of(value)}"
    if kind == "literal_error":
        expected = str(detail.get("ctx", {}).get("expected", "another value"))
        return f"must be {'true' if expected == 'True' else expected}"
    if kind == "too_short":
        return "must not be empty"
    return detail["msg"]


def _path(loc: Sequence[str | int]) -> KeyPath:
    return tuple(
        part
        for part in loc
        if isinstance(part, int) or not (part.startswith(TAG) or part == "[key]")
    )


def keys_at(shape: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The known keys of the table at `loc`, a place as pydantic gives it.

    Where a union allows several tables, the keys of all of them.
    """
    types: list[object] = [shape]
    for part in _path(loc):
        types = [found for one in types for found in _step(one, part)]
    return [key for model in _models(types) for key in model.model_fields]


def _step(annotation: object, part: str | int) -> Iterator[object]:
    """The types that the value at `part` may have inside a value of type `annotation`."""
    for branch in _branches(annotation):
        if get_origin(branch) is dict:
            yield get_args(branch)[1]
        elif get_origin(branch) is list:
            yield get_args(branch)[0]
    for model in _models([annotation]):
        field = model.model_fields.get(str(part))
        yield field.annotation if field else getattr(model, "other_keys", None)


def _models(annotations: Sequence[object]) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        for branch in _branches(annotation):
            if isinstance(branch, type) and issubclass(branch, BaseModel):
                yield branch


def _branches(annotation: object) -> Iterator[object]:
    """The types that a union, annotated or not, consists of."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for branch in get_args(annotation):
            yield from _branches(branch)
    else:
        yield annotation
