"""Which grants a component's imports ask for, in plain words.

Tools import more than a program uses, so these are what it could need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Need(NamedTuple):
    """An import that works only when granted, or not at all.

    `line` is what stands in the component's table; where nothing would grant
    it, it says so.
    """

    what: str
    imports: tuple[str, ...]
    line: str
    offered: bool = True


#: By the start of the import's name; the engine answers these itself.
_BUILT_IN = (
    ("wasi:http/outgoing-handler@", "outgoing HTTP", 'allowed_outbound_hosts = ["https://…"]'),
    ("wasi:http/client@", "outgoing HTTP", 'allowed_outbound_hosts = ["https://…"]'),
    ("fermyon:spin/http", "outgoing HTTP", 'allowed_outbound_hosts = ["https://…"]'),
    ("wasi:filesystem/", "files", 'files = [{ source = "data", destination = "/data" }]'),
    ("wasi:sockets/tcp@", "TCP connections", 'allowed_outbound_hosts = ["tcp://host:port"]'),
    ("wasi:sockets/udp@", "UDP datagrams", 'allowed_outbound_hosts = ["udp://host:port"]'),
)

#: By capability of an interface that Python answers. Logging and telemetry need no grant.
_CAPABILITIES = {
    "key_value": ("a key-value store", 'key_value_stores = ["default"]'),
    "sqlite": ("a SQLite database", 'sqlite_databases = ["default"]'),
    "sql": ("a SQL database", 'sql_databases = ["default"]'),
    "blob": ("a blob container", 'blob_containers = ["name"]'),
    "messaging": ("a message broker", 'message_brokers = ["default"]'),
    "outbound": ("a server that it names", 'allowed_outbound_hosts = ["redis://host:port"]'),
    "configuration": ("variables", 'variables = { name = "{{ name }}" }'),
    "secrets": ("secrets", 'secrets = { name = "{{ name }}" }'),
}


def needs(imports: Iterable[str], built_in: Callable[[str], bool]) -> list[Need]:
    """Needs in the order of their first import; several imports of one kind are one."""
    found: dict[str, Need] = {}
    for name in imports:
        need = _need(name, built_in)
        if need is None:
            continue
        known = found.get(need.what)
        found[need.what] = known._replace(imports=(*known.imports, name)) if known else need
    return list(found.values())


def _need(name: str, built_in: Callable[[str], bool]) -> Need | None:
    from paddock.interfaces.catalogue import find
    from paddock.interfaces.nearest import nearest

    for start, what, line in _BUILT_IN:
        if name.startswith(start):
            return Need(what, (name,), line)
    if built_in(name) or ":" not in name:
        return None
    offer = find(name)
    if offer is None:
        close = nearest(name)
        offered = f"the nearest that is offered is {close}" if close else "nothing like it is"
        return Need(name, (name,), f"this host does not offer it; {offered}", offered=False)
    if not offer.module:
        return Need(offer.plain_words, (name,), f'interfaces = ["{name}"]')
    if offer.capability in _CAPABILITIES:
        what, line = _CAPABILITIES[offer.capability]
        return Need(what, (name,), line)
    return None
