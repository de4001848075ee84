"""Field types shared by the shapes of manifests and host configurations.

Importing this imports pydantic, which takes longer than everything else on the
way of a start: only import it when a file really has to be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from paddock.errors import ManifestError
from paddock.manifest import names, outbound, quantities, routes, templates

T = TypeVar("T")
U = TypeVar("U")

#: Begins the tag of a union's branch, which is no part of a key path.
TAG = "\0"


class Table(BaseModel):
    """A TOML table: unknown keys are mistakes, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def checked(parse: Callable[[T], U]) -> Callable[[T], U]:
    """Make a parser that raises ManifestError usable as a validator of pydantic."""

    def check(value: T) -> U:
        try:
            return parse(value)
        except ManifestError as error:
            # The texts travel as context: braces in them mean nothing there.
            context = {"reason": error.message, "hint": error.hint}
            raise PydanticCustomError("manifest", "{reason}", context) from None

    return check


def tag_by_type(**tags: type) -> Callable[[object], str | None]:
    """A discriminator: the tag whose Python type the raw value has."""

    def choose(value: object) -> str | None:
        return next((TAG + tag for tag, kind in tags.items() if isinstance(value, kind)), None)

    return choose


def tag(name: str) -> Tag:
    """Marks the branch of a union that `tag_by_type` chooses by `name`."""
    return Tag(TAG + name)


def _nonempty(value: str) -> str:
    if value.strip():
        return value
    raise ManifestError("must not be empty")


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ManifestError("has a NUL character")
    return value


def _pattern(value: str) -> str:
    parts = Path(_no_nul(_nonempty(value))).parts
    if value.startswith(("/", "\\")) or ".." in parts:
        raise ManifestError(
            f"{value!r} leaves the directory of the application",
            hint='for files elsewhere write { source = "DIRECTORY", destination = "/path" }',
        )
    return value


def _destination(value: str) -> str:
    if not _no_nul(value).startswith("/") or ".." in value.split("/"):
        raise ManifestError(
            f"{value!r} is not an absolute path of the guest",
            hint="begin it with '/', and leave out '..'",
        )
    return value


def _template(value: str) -> str:
    templates.parse_template(value)
    return value


def _route(value: str) -> str:
    routes.parse_route(value)
    return value


def _environment_name(value: str) -> str:
    if not value or "=" in value or "\0" in value:
        raise ManifestError("is not a name of an environment variable", hint="leave out '='")
    return value


def _status(value: int) -> int:
    if 200 <= value <= 599:
        return value
    # The value stays out of the text: Python can't print every integer that TOML can hold.
    raise ManifestError("is not the status of a final response", hint="use 200 to 599")


def _http_host(value: str) -> str:
    outbound.grants_of_http_host(value)
    return value


def _header_name(value: str) -> str:
    if value and all(ch.isascii() and (ch.isalnum() or ch in "!#$%&'*+-.^_`|~") for ch in value):
        return value
    raise ManifestError(f"{value!r} is not a name of a header", hint="use letters, digits and '-'")


def _header_value(value: str) -> str:
    if all(ch == "\t" or " " <= ch <= "~" or "\x80" <= ch <= "\xff" for ch in value):
        return value
    raise ManifestError("has a character that no header value may have")


def _positive(value: int) -> int:
    if 0 < value < 1 << 31:
        return value
    raise ManifestError(f"must be 1 to {(1 << 31) - 1}")


def _length(value: int) -> int:
    if 0 <= value < 1 << 31:
        return value
    raise ManifestError(f"must be 0 to {(1 << 31) - 1}")


def _digest(value: str) -> str:
    if re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        return value
    raise ManifestError(
        f"{value[:80]!r} is not a digest", hint="write 'sha256:' and 64 lower-case hex digits"
    )


def _url(value: str) -> str:
    if value.startswith(("https://", "http://")):
        return value
    raise ManifestError(f"{value!r} is not an http or https URL")


Digest = Annotated[str, AfterValidator(checked(_digest))]
Url = Annotated[str, AfterValidator(checked(_url))]
Text = Annotated[str, AfterValidator(checked(_no_nul))]
Name = Annotated[str, AfterValidator(checked(_no_nul)), AfterValidator(checked(_nonempty))]
ComponentId = Annotated[str, AfterValidator(checked(names.check_component_id))]
VariableName = Annotated[str, AfterValidator(checked(names.check_variable_name))]
Template = Annotated[Text, AfterValidator(checked(_template))]
EnvironmentName = Annotated[str, AfterValidator(checked(_environment_name))]
Pattern = Annotated[str, AfterValidator(checked(_pattern))]
Destination = Annotated[str, AfterValidator(checked(_destination))]
HttpHost = Annotated[str, AfterValidator(checked(_http_host))]
HeaderName = Annotated[str, AfterValidator(checked(_header_name))]
HeaderValue = Annotated[str, AfterValidator(checked(_header_value))]
Outbound = Annotated[str, AfterValidator(checked(outbound.check_template))]
RouteText = Annotated[str, AfterValidator(checked(_route))]
Method = Annotated[str, AfterValidator(checked(routes.parse_method))]
HostName = Annotated[str, AfterValidator(checked(routes.parse_host))]
Status = Annotated[int, AfterValidator(checked(_status))]
Count = Annotated[int, AfterValidator(checked(_positive))]
Length = Annotated[int, AfterValidator(checked(_length))]

_SIZE_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$"},
        {"type": "integer", "minimum": 1},
    ],
    "description": 'a size such as "64MiB", or a number of bytes',
}
_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[a-z]+\s*$",
    "description": 'a duration such as "5s" or "100ms"',
}
Size = Annotated[int, BeforeValidator(checked(quantities.parse_size)), WithJsonSchema(_SIZE_SCHEMA)]
Duration = Annotated[
    float, BeforeValidator(checked(quantities.parse_duration)), WithJsonSchema(_DURATION_SCHEMA)
]
