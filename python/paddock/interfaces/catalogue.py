"""The interfaces that Python answers, by their full WIT name.

Importing this module imports no facade: `bind` does, for what is really used.
A third party adds an interface by an entry point in the group
`paddock.interfaces`, named after the interface. Its object is a class with the
interface's functions (see `paddock.providers.own`), or an `Offer`:

    [project.entry-points."paddock.interfaces"]
    "acme:clock/clock@1.0.0" = "acme_paddock:CLOCK"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from paddock.errors import NotFound

if TYPE_CHECKING:
    from paddock.interfaces.grants import Grants


class Offer(NamedTuple):
    """Where an interface is made.

    `factory` in `module` takes the `Grants` and answers the object whose
    methods are the interface's functions. `capability` is its name in `Grants`.
    Without a module it is an interface of a user's own, which the host opens.
    """

    module: str
    factory: str
    capability: str
    plain_words: str


_WORDS = {
    "absent": "language model, of which there is none",
    "key_value": "key-value store",
    "sqlite": "SQLite database",
    "sql": "SQL database",
    "outbound": "a server that it names",
    "blob": "blob store",
    "messaging": "message broker",
    "configuration": "configuration values",
    "secrets": "secrets",
    "logging": "log messages",
    "telemetry": "telemetry",
}


def _offers(module: str, capability: str, factories: Mapping[str, str]) -> dict[str, Offer]:
    return {
        name: Offer(
            f"paddock.interfaces.{module}",
            factory,
            capability,
            f"{_WORDS[capability]} ({name.replace('@', ' ')})",
        )
        for name, factory in factories.items()
    }


OFFERED: Mapping[str, Offer] = {
    **_offers(
        "wasi_keyvalue_draft",
        "key_value",
        {
            "wasi:keyvalue/store@0.2.0-draft": "Store",
            "wasi:keyvalue/batch@0.2.0-draft": "Batch",
            "wasi:keyvalue/atomics@0.2.0-draft": "Atomics",
        },
    ),
    **_offers(
        "wasi_keyvalue_draft2",
        "key_value",
        {
            "wasi:keyvalue/store@0.2.0-draft2": "Store",
            "wasi:keyvalue/batch@0.2.0-draft2": "Batch",
            "wasi:keyvalue/atomics@0.2.0-draft2": "Atomics",
        },
    ),
    **_offers(
        "wasmcloud_keyvalue",
        "key_value",
        {
            "wasmcloud:keyvalue/types@0.2.0": "Types",
            "wasmcloud:keyvalue/store@0.2.0": "Store",
            "wasmcloud:keyvalue/atomics@0.2.0": "Atomics",
            "wasmcloud:keyvalue/cas@0.2.0": "Cas",
            "wasmcloud:keyvalue/batch@0.2.0": "Batch",
        },
    ),
    **_offers("spin_key_value_1", "key_value", {"fermyon:spin/key-value": "KeyValue"}),
    **_offers("spin_key_value_2", "key_value", {"fermyon:spin/key-value@2.0.0": "KeyValue"}),
    **_offers("spin_key_value_3", "key_value", {"spin:key-value/key-value@3.0.0": "KeyValue"}),
    **_offers(
        "wasi_blobstore",
        "blob",
        {
            "wasi:blobstore/blobstore@0.2.0-draft": "Blobstore",
            "wasi:blobstore/container@0.2.0-draft": "Containers",
            "wasi:blobstore/types@0.2.0-draft": "Types",
        },
    ),
    **_offers(
        "wasmcloud_blobstore",
        "blob",
        {
            "wasmcloud:blobstore/blobstore@0.1.0": "Blobstore",
            "wasmcloud:blobstore/container@0.1.0": "Containers",
            "wasmcloud:blobstore/types@0.1.0": "Types",
        },
    ),
    **_offers("paddock_sql", "sql", {"paddock:sql/database@0.1.0": "Database"}),
    **_offers(
        "spin_sqlite",
        "sqlite",
        {
            "fermyon:spin/sqlite": "NumberedSqlite",
            "fermyon:spin/sqlite@2.0.0": "Sqlite",
            "spin:sqlite/sqlite@3.0.0": "Sqlite",
            "spin:sqlite/sqlite@3.1.0": "Sqlite",
        },
    ),
    **_offers(
        "spin_rdbms",
        "outbound",
        {
            "fermyon:spin/postgres": "AddressedPostgres",
            "fermyon:spin/postgres@2.0.0": "Postgres",
            "fermyon:spin/mysql": "AddressedMysql",
            "fermyon:spin/mysql@2.0.0": "Mysql",
            "spin:mysql/mysql@3.0.0": "Mysql3",
        },
    ),
    **_offers(
        "spin_postgres",
        "outbound",
        {
            "spin:postgres/postgres@3.0.0": "Postgres3",
            "spin:postgres/postgres@4.0.0": "Postgres4",
            "spin:postgres/postgres@4.1.0": "Postgres4",
            "spin:postgres/postgres@4.2.0": "Postgres4",
        },
    ),
    **_offers(
        "wasmcloud_postgres",
        "sql",
        {
            "wasmcloud:postgres/query@0.1.1-draft": "DraftQuery",
            "wasmcloud:postgres/prepared@0.1.1-draft": "DraftPrepared",
            "wasmcloud:postgres/query@0.2.0": "Query",
            "wasmcloud:postgres/prepared@0.2.0": "Prepared",
        },
    ),
    **_offers(
        "wasmcloud_messaging",
        "messaging",
        {
            "wasmcloud:messaging/consumer@0.2.0": "Consumer",
            "wasmcloud:messaging/consumer@0.3.0": "Consumer3",
        },
    ),
    **_offers(
        "wasi_messaging",
        "messaging",
        {
            "wasi:messaging/types@0.2.0-draft": "Types",
            "wasi:messaging/producer@0.2.0-draft": "Producer",
            "wasi:messaging/request-reply@0.2.0-draft": "RequestReply",
        },
    ),
    **_offers(
        "spin_redis",
        "outbound",
        {
            "fermyon:spin/redis": "RedisByAddress",
            "fermyon:spin/redis@2.0.0": "Redis",
            "spin:redis/redis@3.0.0": "Redis",
        },
    ),
    **_offers(
        "spin_mqtt",
        "outbound",
        {"fermyon:spin/mqtt@2.0.0": "Mqtt", "spin:mqtt/mqtt@3.0.0": "Mqtt"},
    ),
    **_offers(
        "stand_in",
        "absent",
        {"fermyon:spin/llm": "LanguageModels", "fermyon:spin/llm@2.0.0": "LanguageModels"},
    ),
    **_offers(
        "wasi_config",
        "configuration",
        {
            "wasi:config/store@0.2.0-rc.1": "Store",
            "wasi:config/store@0.2.0-draft-2024-09-27": "Store",
            "wasi:config/store@0.2.0-draft": "Store",
            "wasi:config/runtime@0.2.0-draft": "Store",
        },
    ),
    **_offers(
        "spin_variables",
        "configuration",
        {
            "fermyon:spin/config": "Config",
            "fermyon:spin/variables@2.0.0": "Variables",
            "spin:variables/variables@3.0.0": "Variables",
        },
    ),
    **_offers(
        "wasmcloud_secrets",
        "secrets",
        {
            "wasmcloud:secrets/store@2.1.0": "Store",
            "wasmcloud:secrets/reveal@2.1.0": "Reveal",
        },
    ),
    **_offers(
        "wasi_otel",
        "telemetry",
        {
            "wasi:otel/tracing@0.2.0-rc.2": "Tracing",
            "wasi:otel/metrics@0.2.0-rc.2": "Metrics",
            "wasi:otel/logs@0.2.0-rc.2": "Logs",
        },
    ),
    **_offers(
        "wasi_logging",
        "logging",
        {"wasi:logging/logging": "Logging", "wasi:logging/logging@0.1.0-draft": "Logging"},
    ),
}


def find(interface: str) -> Offer | None:
    """The offer for an interface, ours or a third party's; None if there is none.

    Only a name that is not ours costs a look at the installed packages.
    """
    offer = OFFERED.get(interface)
    if offer is not None:
        return offer
    from importlib.metadata import entry_points

    found = None
    for each in entry_points(group="paddock.interfaces"):
        if each.name == interface and isinstance(loaded := each.load(), Offer):
            return loaded
        if each.name.partition(" ")[0] == interface:
            found = Offer("", "", "interface", f"interface of your own ({interface})")
    return found


def bind(interface: str, grants: Grants) -> object:
    """The object that answers `interface` for one component.

    It has no state of any one instance, so it serves all of a generation. For an
    interface of a user's own it refuses every call: the host knows what
    answers those that are granted. Raises NotFound for one that is not offered.
    """
    offer = find(interface)
    if offer is None and interface.startswith("wasi:"):
        from paddock.interfaces.stand_in import StandIn

        return StandIn(interface)
    if offer is None:
        raise NotFound(f"the interface {interface} is not offered")
    if not offer.module:
        from paddock.interfaces.own import Ungranted

        return Ungranted(grants, interface)
    import importlib

    factory = getattr(importlib.import_module(offer.module), offer.factory)
    bound: object = factory(grants)
    return bound
