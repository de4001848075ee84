"""What a dependency may use of what was granted to the component that it is plugged into.

The names and what belongs to them follow the capability sets of Spin; an interface that
only Paddock offers belongs to the key that grants it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from paddock.host.kinds import KINDS
from paddock.interfaces.catalogue import find
from paddock.manifest.dependency import Dependency

#: By the start of an import's name. The rest of WASI carries types, works on what a caller
#: hands over, or can do no harm: clocks, random numbers, output.
_STARTS = {
    "wasi:cli/environment@": "environment",
    "wasi:filesystem/preopens@": "files",
    "wasi:http/outgoing-handler@": "allowed_outbound_hosts",
    "wasi:http/client@": "allowed_outbound_hosts",
    "wasi:sockets/ip-name-lookup@": "allowed_outbound_hosts",
    "wasi:sockets/tcp": "allowed_outbound_hosts",
    "wasi:sockets/udp": "allowed_outbound_hosts",
    "wasi:sockets/types@": "allowed_outbound_hosts",
    "fermyon:spin/http": "allowed_outbound_hosts",
    "fermyon:spin/llm": "ai_models",
}
_CAPABILITIES = {
    "absent": "ai_models",
    "outbound": "allowed_outbound_hosts",
    "configuration": "variables",
    "secrets": "secrets",
    **{kind: row.asked for kind, row in KINDS.items()},
}
_HARMLESS = ("logging", "telemetry")
#: Standard libraries look there before a program begins, so they find nothing and go on.
_EMPTY = ("environment", "files")


def key_of(name: str) -> str | None:
    """The key of the manifest that grants an import; None where it needs no grant.

    An interface that nobody offers has none either: it refuses the plan.
    """
    for start, key in _STARTS.items():
        if name.startswith(start):
            return key
    offer = find(name)
    if offer is None or offer.capability in _HARMLESS:
        return None
    return _CAPABILITIES.get(offer.capability, "interfaces")


def denied(
    component: str, dependency: Dependency, imports: Iterable[str]
) -> Iterator[tuple[str, str | None]]:
    """Each import that a dependency does not inherit, and the text for who calls it.

    Without a text it answers that there is nothing.
    """
    if dependency.inherit is None:
        return
    for name in imports:
        key = key_of(name)
        if key is None or key in dependency.inherit:
            continue
        if key in _EMPTY:
            yield name, None
            continue
        line = json.dumps([*dependency.inherit, key])
        yield (
            name,
            f"component '{component}': its dependency '{dependency.name}' does not inherit {key}; "
            f"to let it: {dependency.key}.inherit_configuration = {line}",
        )
