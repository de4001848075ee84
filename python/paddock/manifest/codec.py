"""An `Application` as JSON and back, for a host's cache of checked plans.

The form is private to one version of the model: `from_json` refuses a text
that was written for another. Nothing of it is ever executed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import cast

from paddock.errors import ManifestError
from paddock.manifest import model
from paddock.manifest.dependency import Dependency

_CLASSES: dict[str, type] = {
    one.__name__: one
    for one in (
        model.Application,
        model.Build,
        model.Component,
        Dependency,
        model.Executor,
        model.FileMount,
        model.FilePattern,
        model.HttpTrigger,
        model.Limits,
        model.Location,
        model.ProviderConfig,
        model.RegistrySource,
        model.Reuse,
        model.StaticResponse,
        model.Trigger,
        model.Unsupported,
        model.UrlSource,
        model.Variable,
    )
}
_FIELDS = {
    name: tuple(field.name for field in dataclasses.fields(one)) for name, one in _CLASSES.items()
}
#: Counts up when the meaning of a field changes; a changed field shows by itself.
_REVISION = 2
_TIMES: dict[str, type[datetime] | type[date] | type[time]] = {
    "datetime": datetime,
    "date": date,
    "time": time,
}


def to_json(application: model.Application) -> str:
    """The application as one line of JSON."""
    document = [_REVISION, _FIELDS, _encode(application)]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> model.Application:
    """The application of a text of `to_json`; ManifestError when it is not one."""
    try:
        revision, fields, body = json.loads(text)
        known = {name: tuple(names) for name, names in fields.items()}
        if revision == _REVISION and known == _FIELDS:
            value = _decode(body)
            if isinstance(value, model.Application):
                return value
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ManifestError(f"a stored application can't be read: {error}") from None
    raise ManifestError("a stored application was written by another version of Paddock")


def _encode(value: object) -> object:
    """Scalars as they are, tuples as arrays; an object is always a marked value."""
    name = type(value).__name__
    if value is None or isinstance(value, str | int | float):
        return value
    if name in _FIELDS:
        return {"c": name, "v": [_encode(getattr(value, field)) for field in _FIELDS[name]]}
    if isinstance(value, Mapping):
        table = cast("Mapping[str, object]", value)
        return {"m": {key: _encode(item) for key, item in table.items()}}
    if isinstance(value, tuple | list):
        return [_encode(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, Path):
        return {"p": str(value)}
    if isinstance(value, datetime | date | time):
        return {"t": name, "v": value.isoformat()}
    raise TypeError(f"{name} is no part of an application")


def _decode(value: object) -> object:
    if isinstance(value, list):
        return tuple(_decode(item) for item in cast("list[object]", value))
    if not isinstance(value, dict):
        return value
    marked = cast("dict[str, object]", value)
    if "c" in marked:
        name = cast("str", marked["c"])
        values = cast("list[object]", marked["v"])
        if len(values) != len(_FIELDS[name]):
            raise ValueError(f"{name} is incomplete")
        return _CLASSES[name](*(_decode(item) for item in values))
    if "m" in marked:
        table = cast("dict[str, object]", marked["m"])
        return {key: _decode(item) for key, item in table.items()}
    if "p" in marked:
        return Path(cast("str", marked["p"]))
    return _TIMES[cast("str", marked["t"])].fromisoformat(cast("str", marked["v"]))
