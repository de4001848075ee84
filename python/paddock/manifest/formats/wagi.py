"""WAGI's `modules.toml`: core modules that answer requests as CGI programs do.

Keys as WAGI 0.8 documents them. A module may print further routes from its export
`_routes`; that is asked for when a plan is made. `/healthz` answers OK, as WAGI's does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from paddock.manifest.document import Located
from paddock.manifest.positions import KeyPath
from paddock.manifest.translation import Translation

_MODULE = (
    "route", "module", "repository", "entrypoint", "argv", "volumes", "environment",
    "allowed_hosts", "http_max_concurrency", "bindle_server", "host",
)  # fmt: skip
_NO_EFFECT = {
    "http_max_concurrency": "a limit for outgoing requests of one module is not kept here; "
    "the host's outbound_http.max_connections is",
    "repository": "is reserved and has no effect",
    "bindle_server": "modules are not fetched from Bindle servers",
}
HEALTH = "/healthz"


def translate(document: Located, path: Path) -> Translation:
    """A component, and a route with the executor "wagi", for each module."""
    made = Translation(document)
    made.known_only((), ("module",))
    made.put(("application", "name"), path.absolute().parent.name or "wagi", ())
    modules = document.table.get("module", [])
    if not isinstance(modules, list) or not modules:
        made.wrong(("module",), "must be an array of tables", "write [[module]]")
        return made
    for index in range(len(modules)):
        _module(made, index)
    routes = [made.at_original(("module", index)).get("route") for index in range(len(modules))]
    if HEALTH not in routes:
        place: KeyPath = ("trigger", "http", made.next("trigger", "http"))
        made.put(place, {"route": HEALTH, "static_response": {"body": "OK"}}, ())
    return made


def _module(made: Translation, index: int) -> None:
    origin: KeyPath = ("module", index)
    table = made.at_original(origin)
    made.known_only(origin, _MODULE)
    missing = [key for key in ("route", "module") if key not in table]
    for key in missing:
        made.wrong((*origin, key), "is required but not set")
    reference = table.get("module", "")
    if not isinstance(reference, str):
        made.wrong((*origin, "module"), "must be a string")
        return
    if missing:
        return
    source = _source(made, reference, (*origin, "module"))
    taken = made.at_own(("component",))
    name = _name(reference, taken)
    target: KeyPath = ("component", name)
    made.put(target, {}, origin)
    made.put((*target, "source"), source, (*origin, "module"))
    made.take(
        origin,
        {"environment": "environment", "allowed_hosts": "allowed_http_hosts"},
        target,
    )
    _volumes(made, origin, target)
    for key, reason in _NO_EFFECT.items():
        if key in table:
            made.note((*origin, key), reason)
    _route(made, origin, name)


def _route(made: Translation, origin: KeyPath, name: str) -> None:
    place: KeyPath = ("trigger", "http", made.next("trigger", "http"))
    made.put(place, {}, origin)
    made.put((*place, "component"), name, origin)
    made.take(origin, {"route": "route", "host": "host"}, place)
    executor: KeyPath = (*place, "executor")
    made.put((*executor, "type"), "wagi", origin)
    made.put((*executor, "routes"), True, origin)
    made.take(origin, {"entrypoint": "entrypoint", "argv": "argv"}, executor)


def _source(made: Translation, reference: str, origin: KeyPath) -> object:
    """A path, or a registry's package for `oci:`."""
    scheme, colon, rest = reference.partition(":")
    if colon and scheme == "file":
        try:
            return unquote(urlsplit(reference).path)
        except ValueError as error:
            made.wrong(origin, f"is not a URL: {error}", "write file:///directory/module.wasm")
            return reference
    if colon and scheme == "oci":
        return registry(rest.removeprefix("//"))
    if colon and scheme == "bindle":
        made.note(origin, "modules are not fetched from Bindle servers", refuse=True)
    return reference


def registry(reference: str) -> dict[str, object]:
    """The package that an OCI reference names; its tag or digest is the version."""
    name, at, digest = reference.partition("@")
    tag = "latest"
    if not at and ":" in name.rpartition("/")[2]:
        name, _, tag = name.rpartition(":")
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    found: dict[str, object] = {"registry": first} if is_host else {}
    return {**found, "package": rest if is_host else name, "version": digest or tag}


def _name(reference: str, taken: Mapping[str, object]) -> str:
    from paddock.manifest.names import kebab

    stem = reference.rpartition("/")[2].partition(":")[0]
    wanted = name = kebab(stem.removesuffix(".wasm").removesuffix(".wat"), "module")
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted}-n{number}"
    return name


def _volumes(made: Translation, origin: KeyPath, target: KeyPath) -> None:
    volumes = made.at_original(origin).get("volumes")
    if volumes is None:
        return
    if not isinstance(volumes, Mapping):
        made.wrong((*origin, "volumes"), "must be a table", 'write {"/guest" = "/host"}')
        return
    items = cast("Mapping[str, object]", volumes).items()
    for index, (guest, host) in enumerate(items):
        mount = {
            "source": host,
            "destination": guest if guest.startswith("/") else f"/{guest}",
            "writable": True,
        }
        made.put((*target, "files", index), mount, (*origin, "volumes", guest))
        made.put((*target, "files", index, "source"), host, (*origin, "volumes", guest))
