"""A manifest of another format as the tables of a `paddock.toml`.

A reader of a format puts values into the tables and says where each came from; from
there on one pipeline checks and assembles every manifest, and its mistakes are told
with the line and the key of the file that was really read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

from paddock.manifest.document import Located
from paddock.manifest.model import Location, ProviderConfig, RawValue, Unsupported
from paddock.manifest.names import did_you_mean, kebab
from paddock.manifest.positions import KeyPath
from paddock.manifest.problems import Problem, key_text
from paddock.manifest.versions import PADDOCK_KEY


class Translation:
    """The tables (`table`), and what could not be said in them.

    `problems` are mistakes of the original, `notes` what has no effect here or can't
    be had, `providers` what the file says of what stands behind names. `base` is the
    directory that paths start from; None is that of the file.
    """

    def __init__(self, original: Located, base: Path | None = None) -> None:
        self.original = original
        self.base = base
        self.problems: list[Problem] = []
        self.notes: list[Unsupported] = []
        self.providers: dict[str, dict[str, ProviderConfig]] = {}
        self._table: dict[str, object] = {PADDOCK_KEY: 1}
        self._origins: dict[KeyPath, KeyPath] = {}

    @property
    def file(self) -> str:
        """The file that was read."""
        return self.original.file

    @property
    def table(self) -> Mapping[str, RawValue]:
        """The tables of a `paddock.toml`."""
        return cast("Mapping[str, RawValue]", self._table)

    def put(self, path: KeyPath, value: object, origin: KeyPath) -> None:
        """Set the key at `path`, whose value stands in the original at `origin`.

        Missing tables are made; an index one past the end of an array appends to it.
        """
        place: object = self._table
        for part, following in pairwise(path):
            place = _entered(place, part, [] if isinstance(following, int) else {})
        _entered(place, path[-1], value, replace=True)
        self._origins[path] = origin

    def take(self, origin: KeyPath, names: Mapping[str, str], target: KeyPath) -> None:
        """Copy those keys of the original's table at `origin` that are set, under new names."""
        source = self.at_original(origin)
        for old, new in names.items():
            if old in source:
                self.put((*target, new), source[old], (*origin, old))

    def at_original(self, origin: KeyPath) -> Mapping[str, object]:
        """The table at `origin` of what was read, an empty one if there is none."""
        place: object = self.original.table
        for part in origin:
            if isinstance(place, Mapping):
                place = cast("Mapping[object, object]", place).get(part)
            elif (
                isinstance(place, list)
                and isinstance(part, int)
                and part < len(cast("list[object]", place))
            ):
                place = cast("list[object]", place)[part]
            else:
                return {}
        return cast("Mapping[str, object]", place) if isinstance(place, Mapping) else {}

    def known_only(self, origin: KeyPath, known: Sequence[str]) -> None:
        """A mistake for each key of the original's table at `origin` that is not known."""
        what = f"keys of '{key_text(origin)}'" if origin else "keys at the top of the file"
        for key in self.at_original(origin):
            if key not in known:
                self.wrong((*origin, key), "unknown key", did_you_mean(key, known, what=what))

    def wrong(self, origin: KeyPath, reason: str, hint: str | None = None) -> None:
        """A mistake at a key of the original."""
        self.problems.append(self.original.problem(origin, reason, hint))

    def note(self, origin: KeyPath, reason: str, *, refuse: bool = False) -> None:
        """Something that has no effect here; with `refuse` the application can't do without."""
        location = self.original.at(origin)
        made = Unsupported(key_text(origin), reason, refuse, location)
        # What holds for several components is said once.
        if made not in self.notes:
            self.notes.append(made)

    def provide(
        self, table: str, name: str, type_name: str, options: Mapping[str, str], origin: KeyPath
    ) -> None:
        """What stands behind `name` unless the host's configuration says something else."""
        location = self.original.at(origin)
        known = self.providers.setdefault(table, {})
        given = ProviderConfig(type_name, dict(options), location)
        if known.setdefault(name, given) != given:
            self.note(origin, f"{table}.{name} is already what {known[name].location} says")

    def component_id(self, text: str, origin: KeyPath) -> str:
        """An id in kebab-case that no other component has; mentioned where it is another."""
        wanted = kebab(text)
        taken = self.at_own(("component",))
        name, number = wanted, 1
        while name in taken:
            number += 1
            # A word of an id begins with a letter.
            name = f"{wanted}-n{number}"
        if name != text:
            self.note(origin, f"is the component '{name}' here")
        return name

    def at_own(self, path: KeyPath) -> Mapping[str, object]:
        """The table at `path` of what was made so far."""
        place: object = self._table
        for part in path:
            place = cast("Mapping[str, object]", place).get(str(part), {})
        return cast("Mapping[str, object]", place)

    def next(self, *path: str) -> int:
        """The index at which `put` appends to the array at `path`."""
        place: object = self._table
        for part in path:
            place = cast("Mapping[str, object]", place).get(part, ())
            if not place:
                return 0
        return len(cast("Sequence[object]", place))

    def at(self, path: Sequence[str | int]) -> Location:
        """Where the original of a key stands."""
        return self.original.at(self._origin(path))

    def problem(self, path: Sequence[str | int], reason: str, hint: str | None = None) -> Problem:
        """A mistake at a key, named as the original names it."""
        return self.original.problem(self._origin(path), reason, hint)

    def _origin(self, path: Sequence[str | int]) -> KeyPath:
        whole = tuple(path)
        for length in range(len(whole), 0, -1):
            origin = self._origins.get(whole[:length])
            if origin is not None:
                return (*origin, *whole[length:])
        return ()


def _entered(place: object, part: str | int, new: object, *, replace: bool = False) -> object:
    """What stands at `part`, made to be `new` when there is nothing."""
    if isinstance(part, int):
        items = cast("list[object]", place)
        if part == len(items):
            items.append(new)
        elif replace:
            items[part] = new
        return items[part]
    table = cast("dict[str, object]", place)
    if replace or part not in table:
        table[part] = new
    return table[part]
