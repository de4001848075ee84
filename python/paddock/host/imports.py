"""Checks what a component imports against what is offered, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from paddock.host.kinds import KINDS
from paddock.interfaces.catalogue import Offer, find
from paddock.interfaces.nearest import nearest
from paddock.manifest.dependency import Dependency
from paddock.manifest.model import Application, Component

#: A hint for who has a route without a handler.
HANDLERS = (
    "an HTTP component exports wasi:http/incoming-handler 0.2, wasi:http/handler 0.3 or, of "
    "Spin 1, fermyon:spin/inbound-http; "
    "a command is run with: paddock run"
)


#: The handler of components made with Spin 1.
SPIN_1 = "fermyon:spin/inbound-http"

#: Imports, by their beginning, whose requests need `allowed_outbound_hosts`.
OUTGOING = ("wasi:http/outgoing-handler@", "wasi:http/client@", "fermyon:spin/http")

#: Interfaces that hold types and nothing to call, so nothing has to answer them.
TYPES_ONLY = (
    "fermyon:spin-cron/cron-types",
    "fermyon:spin/http-types",
    "fermyon:spin/mysql-types",
    "fermyon:spin/postgres-types",
    "fermyon:spin/rdbms-types",
    "fermyon:spin/redis-types",
    "spin:mqtt-trigger/spin-mqtt-types",
    "wasi:otel/types",
    "wasmcloud:messaging/types",
    "wasmcloud:postgres/types",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """`bound`: imports that Python answers. The rest are lines for the user."""

    bound: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(
    component: Component,
    imports: Iterable[str],
    built_in: Callable[[str], bool],
    labels: Mapping[str, str] | None = None,
    carriers: Mapping[str, Dependency] | None = None,
) -> Checked:
    """Sort a component's imports into answered, refused, and answered but not granted.

    `labels` has the interface of each import under a label of the component's own,
    `carriers` the dependency behind each import that is not the component's own.
    """
    labels, carriers = labels or {}, carriers or {}
    bound: list[str] = []
    problems: list[str] = []
    warnings: list[str] = []
    imports = tuple(imports)
    carried: list[str] = []
    for name in imports:
        interface = labels.get(name, name)
        if name in labels and built_in(interface):
            problems.append(_labelled(component, name, interface))
        elif built_in(name):
            warnings += _ungranted_builtin(component, name)
        elif (offer := find(interface)) is not None:
            bound.append(name)
            warnings += _ungranted(component, interface, offer)
        elif _carried(name, imports, built_in):
            carried.append(name)
        elif interface.partition("@")[0] not in TYPES_ONLY:
            problems.append(_refusal(component, interface, built_in, carriers.get(name)))
    if carried:
        warnings.append(
            f"{component.location}: component '{component.id}' imports {len(carried)} interfaces "
            f"of a candidate of WASI beside the release ({carried[0]} and others), which this "
            "host does not offer; a call to one of them ends the guest"
        )
    return Checked((*bound, *carried), tuple(problems), tuple(dict.fromkeys(warnings)))


def _ungranted(component: Component, name: str, offer: Offer) -> list[str]:
    """What an offered interface lacks of a grant, and the line that would give it."""
    who = f"{component.location}: component '{component.id}' imports"
    if not offer.module:
        return _ungranted_own(component, name)
    if name.startswith("wasi:messaging/types@"):
        # Who only takes messages imports it too; who sends any imports `producer`.
        return []
    kind = KINDS.get(offer.capability)
    if kind is not None and not kind.names(component):
        return [
            f"{who} a {offer.plain_words} but none is granted; a call gets access-denied. "
            f'To grant one: {kind.asked} = ["default"]'
        ]
    if offer.capability == "outbound" and not component.allowed_outbound_hosts:
        return [
            f"{who} a client for {offer.plain_words} but no host is granted; a call gets "
            "access-denied. To grant one: allowed_outbound_hosts"
        ]
    if offer.capability == "secrets" and not component.secrets:
        return [
            f"{who} {offer.plain_words} but none is granted; a call finds nothing. "
            'To grant one: secrets.NAME = "{{ variable }}"'
        ]
    return []


def _carried(name: str, imports: tuple[str, ...], built_in: Callable[[str], bool]) -> bool:
    """Whether an import is a candidate of WASI whose release the component imports too."""
    interface, _, version = name.partition("@")
    if not interface.startswith("wasi:") or "-rc" not in version:
        return False
    return any(other.partition("@")[0] == interface and built_in(other) for other in imports)


def _ungranted_own(component: Component, name: str) -> list[str]:
    if name in component.interfaces:
        return []
    return [
        f"{component.location}: component '{component.id}' imports {_plain(name)} but it is not "
        f'granted; a call is denied. To grant it: interfaces = ["{name}"]'
    ]


def _ungranted_builtin(component: Component, name: str) -> list[str]:
    if name.startswith(OUTGOING) and not component.allowed_outbound_hosts:
        return [
            f"{component.location}: component '{component.id}' imports outgoing HTTP ({name}) "
            "but no host is granted; a request is denied. "
            'To grant one: allowed_outbound_hosts = ["https://example.com"]'
        ]
    return []


def _refusal(
    component: Component,
    name: str,
    built_in: Callable[[str], bool],
    carrier: Dependency | None,
) -> str:
    interface, _, version = name.partition("@")
    release = version.partition("-")[0]
    # Of WASI itself the release that a candidate led to, or the last of 0.2.
    likely = (f"{interface}@{known}" for known in (release, "0.2.0", "0.3.0"))
    close = nearest(name) or next(filter(built_in, likely), None)
    offered = f"the nearest that is offered is {close}" if close else "nothing like it is offered"
    where, who = component.at("source"), f"component '{component.id}'"
    if carrier is not None:
        where, who = carrier.location, f"{who}: its dependency '{carrier.name}'"
    return f"{where}: {who} imports {_plain(name)}, which this host does not offer; {offered}"


def _labelled(component: Component, label: str, interface: str) -> str:
    return (
        f"{component.at('source')}: component '{component.id}' imports {_plain(interface)} under "
        f"the label '{label}'; what the engine answers itself is imported by its own name only"
    )


def _plain(name: str) -> str:
    package, _, version = name.partition("@")
    version = f" in version {version}" if version else ""
    return f"the interface {package}{version}"


def useless(component: Component, exports: Iterable[str]) -> list[str]:
    """Settings that are valid but can't have an effect on what is exported."""
    reuse = component.reuse
    exports = tuple(exports)
    if reuse is not None and SPIN_1 in exports and not any(map(_of_wasi, exports)):
        return [
            f"{reuse.location}: component '{component.id}' has reuse, but a component of Spin 1 "
            "has a fresh instance for each request"
        ]
    concurrent = any(name.startswith("wasi:http/handler@0.3.") for name in exports)
    if reuse is None or reuse.concurrency == 1 or concurrent:
        return []
    return [
        f"{reuse.location}: component '{component.id}' has reuse.concurrency = "
        f"{reuse.concurrency}, but an instance of WASI 0.2 serves one request at a time"
    ]


def _of_wasi(export: str) -> bool:
    return export.startswith(("wasi:http/incoming-handler@0.2.", "wasi:http/handler@0.3."))


def handler_missing(
    application: Application, component: Component, exports: Iterable[str]
) -> str | None:
    """What is wrong with a component that has a route and can't answer it."""
    exports = tuple(exports)
    routes = [each for each in application.http if each.component == component.id]
    programs = [each for each in routes if each.executor.type == "wagi"]
    if programs and not any(name.startswith("wasi:cli/run@0.2.") for name in exports):
        return (
            f"{programs[0].location}: component '{component.id}' is to run as a CGI program but "
            f"is none (it exports: {', '.join(exports) or 'nothing'})"
        )
    triggers = [each for each in routes if each.executor.type == "http"]
    if not triggers or SPIN_1 in exports or any(map(_of_wasi, exports)):
        return None
    return (
        f"{triggers[0].location}: component '{component.id}' has a route but exports no HTTP "
        f"handler (it exports: {', '.join(exports) or 'nothing'})"
    )
