"""Remembers over restarts which providers hold the data of a name, and which only a copy.

The file `migrations.json` in the state directory has an entry for each provider
that was ever part of a migration:

- `current`: it holds the data. There is one for each name at most.
- `left`: its data moved on; what it holds is an old copy, which may be overwritten.
- `behind`: it holds data that nobody copied anywhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Literal, cast, get_args

from paddock.errors import HostError
from paddock.host.handles import Key

FILE = "migrations.json"

State = Literal["current", "left", "behind"]


class Records:
    """The file of one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE

    def state(self, key: Key) -> State | None:
        """What is known of a provider."""
        return self._read().get(identity(key))

    def keep(self, *, current: Collection[Key], left: Collection[Key]) -> None:
        """Note what is so from now on. HostError where that can't be written.

        Of `current` only what is known already, or has a predecessor, is worth an entry.
        """
        old = self._read()
        new: dict[str, State] = dict(old)
        for key in left:
            new[identity(key)] = "left"
        names = {_name(identity(key)) for key in left}
        for key in current:
            mine = identity(key)
            if mine not in old and _name(mine) not in names:
                continue
            for other in new:
                if _name(other) == _name(mine) and new[other] == "current" and other != mine:
                    new[other] = "behind"
            new[mine] = "current"
        if new != old:
            self._write(new)

    def _write(self, entries: dict[str, State]) -> None:
        part = self._path.with_suffix(f".{os.getpid()}")
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(entries, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self._path)
        except OSError as error:
            raise HostError(
                f"can't note a migration in {self._path}: {error.strerror}",
                hint="the state directory has to be writable",
            ) from error

    def _read(self) -> dict[str, State]:
        found: object = None
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            return {}
        entries = cast("dict[str, object]", found)
        return {
            key: cast("State", value) for key, value in entries.items() if value in get_args(State)
        }


def _name(identity: str) -> str:
    """Application, kind and name, which an identity begins with."""
    return identity.rpartition(" ")[0].rpartition(" ")[0]


def identity(key: Key) -> str:
    """Where a provider's data is, comparable over restarts and versions; shows no secret.

    A configuration says it by a property `place`; of one that has none, all that
    differs from the defaults counts.
    """
    place: object = getattr(key.config, "place", None)
    if place is None:
        place = _chosen(key.config)
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:24]
    parts = (key.application, key.kind, key.name)
    return " ".join((*(json.dumps(part) for part in parts), key.type, digest))


def _chosen(config: object) -> str:
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        return repr(config)
    return repr(
        [
            (each.name, getattr(config, each.name))
            for each in dataclasses.fields(config)
            if each.repr and getattr(config, each.name) != each.default
        ]
    )
