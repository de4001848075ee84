"""The shape of dependencies in a manifest's tables, as pydantic models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Discriminator

from paddock.errors import ManifestError
from paddock.manifest.dependency import INHERITABLE, check_name
from paddock.manifest.fields import (
    ComponentId,
    Digest,
    Name,
    Table,
    Url,
    checked,
    tag,
    tag_by_type,
)
from paddock.manifest.names import did_you_mean


def _inheritable(value: str) -> str:
    if value in INHERITABLE:
        return value
    raise ManifestError(
        f"there is nothing {value[:80]!r} to inherit",
        hint=did_you_mean(value, INHERITABLE, what="names"),
    )


DependencyName = Annotated[str, AfterValidator(checked(check_name))]
Inheritable = Annotated[str, AfterValidator(checked(_inheritable))]
InheritShape = Annotated[
    Annotated[bool, tag("all")] | Annotated[list[Inheritable], tag("some")],
    Discriminator(
        tag_by_type(all=bool, some=list),
        custom_error_type="manifest",
        custom_error_message="must be true, false or an array of names",
    ),
]


class _Inheriting(Table):
    inherit_configuration: InheritShape | None = None


class PathMiddleware(_Inheriting):
    """`{ path }`"""

    path: Name


class UrlMiddleware(_Inheriting):
    """`{ url, digest }`"""

    url: Url
    digest: Digest


class ComponentMiddleware(_Inheriting):
    """`{ component }`"""

    component: ComponentId


class RegistryMiddleware(_Inheriting):
    """`{ version, registry, package }`"""

    version: Name
    registry: Name | None = None
    package: Name | None = None


class PathDependency(PathMiddleware):
    """`{ path, export }`"""

    export: Name | None = None


class UrlDependency(UrlMiddleware):
    """`{ url, digest, export }`"""

    export: Name | None = None


class ComponentDependency(ComponentMiddleware):
    """`{ component, export }`"""

    export: Name | None = None


class RegistryDependency(RegistryMiddleware):
    """`{ version, registry, package, export }`"""

    export: Name | None = None


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        found = (kind for kind in ("path", "url", "component") if kind in value)
        return "\0" + next(found, "registry")
    return "\0version" if isinstance(value, str) else None


def _table_kind(value: object) -> str | None:
    return _kind(value) if isinstance(value, dict) else None


def _one_of(kind: Callable[[object], str | None], wanted: str) -> Discriminator:
    return Discriminator(
        kind, custom_error_type="manifest", custom_error_message=f"must be {wanted}"
    )


DependencyShape = Annotated[
    Annotated[Name, tag("version")]
    | Annotated[PathDependency, tag("path")]
    | Annotated[UrlDependency, tag("url")]
    | Annotated[ComponentDependency, tag("component")]
    | Annotated[RegistryDependency, tag("registry")],
    _one_of(_kind, "{ path }, { url, digest }, { component } or a version"),
]
MiddlewareShape = Annotated[
    Annotated[PathMiddleware, tag("path")]
    | Annotated[UrlMiddleware, tag("url")]
    | Annotated[ComponentMiddleware, tag("component")]
    | Annotated[RegistryMiddleware, tag("registry")],
    _one_of(_table_kind, "{ path }, { url, digest } or { component }"),
]


class TriggerDependencies(Table):
    """`[trigger.http.dependencies]`"""

    middleware: list[MiddlewareShape] = []  # noqa: RUF012
