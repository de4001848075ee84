"""What a manifest asks for by name, and where the host's configuration answers.

One row for each key of a component's table that lists names. A capability may
have several rows, as SQL has: Spin's SQLite databases and databases of any product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.manifest.model import Component


@dataclass(frozen=True, slots=True)
class Kind:
    """`capability` is the group of providers; `asked` the component's key, `table` the host's.

    `usual` stands behind the name `default` where the host has no such table.
    With `falls_back` a name without a table of its own is answered by `default`, with
    `any_name` by `usual`.
    """

    capability: str
    asked: str
    table: str
    words: str
    usual: ProviderConfig
    falls_back: bool = False
    any_name: bool = False

    def names(self, component: Component) -> tuple[str, ...]:
        """The names that a component asks for; none of what it has without asking."""
        names: tuple[str, ...] = getattr(component, self.asked) if self.asked else ()
        return names

    def provider_name(self, name: str, configuration: HostConfig) -> str | None:
        """The name of the provider behind `name`; None if the host has none."""
        known = configuration.providers(self.table)
        if name in known or name == "default" or self.any_name:
            return name
        return "default" if self.falls_back else None

    def provider(self, name: str, configuration: HostConfig) -> ProviderConfig:
        """What `provider_name` named."""
        return configuration.providers(self.table).get(name, self.usual)


KINDS: Mapping[str, Kind] = {
    "key_value": Kind(
        "key_value",
        "key_value_stores",
        "key_value_store",
        "key-value store",
        ProviderConfig("sqlite"),
    ),
    "sqlite": Kind(
        "sql",
        "sqlite_databases",
        "sqlite_database",
        "SQLite database",
        ProviderConfig("sqlite"),
    ),
    "sql": Kind(
        "sql",
        "sql_databases",
        "sql_database",
        "SQL database",
        ProviderConfig("sqlite"),
    ),
    "blob": Kind(
        "blob",
        "blob_containers",
        "blob_store",
        "blob container",
        ProviderConfig("filesystem"),
        falls_back=True,
    ),
    "messaging": Kind(
        "messaging",
        "message_brokers",
        "message_broker",
        "message broker",
        ProviderConfig("in_process"),
    ),
    # Of a user's own: the name is the interface's.
    "interface": Kind(
        "interface",
        "interfaces",
        "provider",
        "interface",
        ProviderConfig("default"),
        any_name=True,
    ),
    # One for the whole host, in the table [telemetry].
    "telemetry": Kind("telemetry", "", "telemetry", "telemetry", ProviderConfig("log")),
}
