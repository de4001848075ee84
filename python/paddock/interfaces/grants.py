"""What one component has been given, as the facades see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paddock.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from paddock.capabilities.configuration import Configuration
    from paddock.capabilities.key_value import KeyValueStore
    from paddock.capabilities.logging import LogSink

#: Told (capability, name, the manifest line that would grant it).
Denied = Callable[[str, str, str], None]

#: Names that are reported; a guest that guesses more would only fill the log.
REPORTED = 100


def _silent(capability: str, name: str, line: str) -> None:
    del capability, name, line


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything granted to one component of one generation, and open.

    key_value: by label; None stands for a label that the manifest grants while
    the host has no such store.
    configuration: the component's own variables, templates expanded.
    logging: None throws the messages away.
    denied: called once for each name that was asked for in vain, in the guest's
    thread; `line` belongs in the component's table of the manifest.
    extra: what third parties' interfaces need, by capability.
    """

    application: str
    component: str
    key_value: Mapping[str, KeyValueStore | None] = field(
        default_factory=dict[str, "KeyValueStore | None"]
    )
    configuration: Configuration | None = None
    logging: LogSink | None = None
    denied: Denied = _silent
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    _reported: set[tuple[str, str]] = field(
        default_factory=set[tuple[str, str]], init=False, repr=False, compare=False
    )

    def refuse(self, capability: str, name: str, line: str) -> AccessDenied:
        """The error for something not granted; reports it the first time."""
        key = (capability, name)
        if key not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(key)
            self.denied(capability, name, line)
        return AccessDenied(f"{capability} {name!r} is not granted", hint=f"add {line}")

    def store(self, label: str) -> KeyValueStore:
        """The store `label`; raises AccessDenied or NotFound."""
        store = self.key_value.get(label)
        if store is not None:
            return store
        if label in self.key_value:
            raise NotFound(f"this host has no key-value store {label!r}")
        # The name is the guest's: it is quoted, and cut, before it is logged.
        labels = ", ".join(json.dumps(each[:100]) for each in (*self.key_value, label))
        raise self.refuse("key-value store", label[:100], f"key_value_stores = [{labels}]")
