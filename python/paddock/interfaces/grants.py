"""What one component has been given, as the facades see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from paddock.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from paddock.capabilities.blob import BlobStore
    from paddock.capabilities.configuration import Configuration
    from paddock.capabilities.key_value import KeyValueStore
    from paddock.capabilities.logging import LogSink
    from paddock.capabilities.messaging import MessageBroker
    from paddock.capabilities.outbound import Addresses
    from paddock.capabilities.sql import SqlDatabase
    from paddock.capabilities.telemetry import TelemetrySink

T = TypeVar("T")

#: Told (capability, name, the manifest line that would grant it).
Denied = Callable[[str, str, str], None]

#: Told (capability, name).
Used = Callable[[str, str], None]

#: Names that are reported; a guest that guesses more would only fill the log.
REPORTED = 100


def _silent(capability: str, name: str, line: str) -> None:
    del capability, name, line


def _unseen(capability: str, name: str) -> None:
    del capability, name


def _first(known: Mapping[str, T], label: str) -> Mapping[str, T]:
    return {**known, "default": known[label]} if label in known else known


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything granted to one component of one generation, and open.

    key_value, sqlite, sql, messaging: by label; None stands for a label that the
    manifest grants while the host has nothing behind it.
    blob: the store of each container, by the container's name; `*` is any other.
    configuration: the component's own variables, templates expanded.
    secrets: what only an interface for secrets may show.
    logging, telemetry: None throws away what comes.
    addresses: opens clients for addresses that the guest names; None denies all.
    denied: called once for each name that was asked for in vain, in the guest's
    thread; `line` belongs in the component's table of the manifest.
    used: called with (capability, name) when something granted is opened.
    extra: what third parties' interfaces need, by capability.
    """

    application: str
    component: str
    key_value: Mapping[str, KeyValueStore | None] = field(
        default_factory=dict[str, "KeyValueStore | None"]
    )
    sqlite: Mapping[str, SqlDatabase | None] = field(
        default_factory=dict[str, "SqlDatabase | None"]
    )
    sql: Mapping[str, SqlDatabase | None] = field(default_factory=dict[str, "SqlDatabase | None"])
    blob: Mapping[str, BlobStore | None] = field(default_factory=dict[str, "BlobStore | None"])
    messaging: Mapping[str, MessageBroker | None] = field(
        default_factory=dict[str, "MessageBroker | None"]
    )
    configuration: Configuration | None = None
    secrets: Configuration | None = None
    logging: LogSink | None = None
    telemetry: TelemetrySink | None = None
    addresses: Addresses | None = None
    denied: Denied = _silent
    used: Used = _unseen
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    _reported: set[tuple[str, str]] = field(
        default_factory=set[tuple[str, str]], init=False, repr=False, compare=False
    )

    def under(self, label: str) -> Grants:
        """The same for an interface that is imported under `label`.

        What is granted under that name stands for `default`, so that one interface
        imported several times has a provider of its own each time.
        """
        return replace(
            self,
            key_value=_first(self.key_value, label),
            sqlite=_first(self.sqlite, label),
            sql=_first(self.sql, label),
            messaging=_first(self.messaging, label),
        )

    def refuse(self, capability: str, name: str, line: str) -> AccessDenied:
        """The error for something not granted; reports it the first time."""
        key = (capability, name)
        if key not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(key)
            self.denied(capability, name, line)
        return AccessDenied(f"{capability} {name!r} is not granted", hint=f"add {line}")

    def store(self, label: str) -> KeyValueStore:
        """The key-value store `label`; raises AccessDenied or NotFound."""
        return self._named("key-value store", "key_value_stores", self.key_value, label)

    def sqlite_database(self, label: str) -> SqlDatabase:
        """The SQLite database `label`; raises AccessDenied or NotFound."""
        return self._named("SQLite database", "sqlite_databases", self.sqlite, label)

    def sql_database(self, label: str) -> SqlDatabase:
        """The SQL database `label`; raises AccessDenied or NotFound."""
        return self._named("SQL database", "sql_databases", self.sql, label)

    def broker(self, label: str) -> MessageBroker:
        """The message broker `label`; raises AccessDenied or NotFound."""
        return self._named("message broker", "message_brokers", self.messaging, label)

    def container(self, name: str) -> BlobStore:
        """The store that holds the container `name`; raises AccessDenied or NotFound."""
        known = self.blob if name in self.blob or "*" not in self.blob else {name: self.blob["*"]}
        return self._named("blob container", "blob_containers", known, name)

    def _named(self, what: str, key: str, known: Mapping[str, T | None], label: str) -> T:
        found = known.get(label)
        if found is not None:
            self.used(what, label)
            return found
        if label in known:
            raise NotFound(f"this host has no {what} {label!r}")
        # The name is the guest's: it is quoted, and cut, before it is logged.
        labels = ", ".join(json.dumps(each[:100]) for each in (*known, label))
        raise self.refuse(what, label[:100], f"{key} = [{labels}]")
