"""What answers an import of a component: another component, plugged in before it runs.

Names and their matching follow the Spin manifest, version 2: `ns:package`,
`ns:package/interface`, each with a version or without, or a plain name in kebab-case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from paddock.errors import ManifestError
from paddock.manifest.model import NOWHERE, Location, Source

#: What a dependency can inherit of the component that has it, by the key that grants it.
#: "interfaces" and those before it are Paddock's.
INHERITABLE = (
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
    "blob_containers",
    "message_brokers",
    "secrets",
    "sql_databases",
    "interfaces",
)

_WORD = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
_NAME = re.compile(
    rf"(?P<package>{_WORD}:{_WORD})(?:/(?P<interface>{_WORD}))?(?:@(?P<version>\d[\w.+-]*))?"
)
_PLAIN = re.compile(_WORD)
_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\+.*)?")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A component that is plugged into another one.

    `name` is of the imports that it answers; for middleware it only says which one. The
    bytes are those of `source` or of the application's `component`, one of the two.
    `export` None is the export that is called like the import. `inherit` are keys of
    `INHERITABLE`; None is all of them. `key` is where it stands in the manifest.
    """

    name: str
    source: Source | None = None
    component: str | None = None
    export: str | None = None
    inherit: tuple[str, ...] | None = ()
    key: str = ""
    location: Location = field(default=NOWHERE, compare=False)


def check_name(text: str) -> str:
    """Return a name of imports; ManifestError when it is none."""
    if _NAME.fullmatch(text) or _PLAIN.fullmatch(text):
        return text
    raise ManifestError(
        f"{text[:80]!r} is no name of an import",
        hint="write 'namespace:package/interface@version', without interface or version "
        "for any of them, or the plain name of an import",
    )


def is_package(name: str) -> bool:
    """Whether a name stands for every interface of a package."""
    found = _NAME.fullmatch(name)
    return found is not None and found["interface"] is None


def overlap(name: str, other: str) -> bool:
    """Whether two names could stand for the same import."""
    one, two = _NAME.fullmatch(name), _NAME.fullmatch(other)
    if one is None or two is None or one["package"] != two["package"]:
        return name == other
    if one["version"] and two["version"] and _track(one["version"]) != _track(two["version"]):
        return False
    return not (one["interface"] and two["interface"] and one["interface"] != two["interface"])


def matches(name: str, imported: str) -> bool:
    """Whether a name stands for an import, given by its full name."""
    asked, found = _NAME.fullmatch(name), _NAME.fullmatch(imported)
    if asked is None or found is None:
        return name == imported
    return all(
        asked[part] is None or asked[part] == found[part]
        for part in ("package", "interface", "version")
    )


def compatible(one: str, other: str) -> bool:
    """Whether two full names are one interface in versions that go together (semver)."""
    first, second = _NAME.fullmatch(one), _NAME.fullmatch(other)
    if first is None or second is None or not (first["version"] and second["version"]):
        return one == other
    same = all(first[part] == second[part] for part in ("package", "interface"))
    return same and _track(first["version"]) == _track(second["version"])


def _track(version: str) -> str:
    """What versions that go together have in common; of a pre-release all of it."""
    release = _RELEASE.fullmatch(version)
    if release is None:
        return version
    major, minor, patch = release.groups()
    if major != "0":
        return major
    return f"0.{minor}" if minor != "0" else f"0.0.{patch}"
