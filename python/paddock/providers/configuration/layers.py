"""Several sources of configuration as one: the first that knows a name answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddock.capabilities.configuration import Configuration
from paddock.types import Reply, Steps, sequence


class Layers:
    """The contract is `paddock.capabilities.configuration.Configuration`.

    It does not own its sources: whoever opened them closes them.
    """

    def __init__(self, sources: Sequence[Configuration]) -> None:
        self._sources = tuple(sources)

    def get(self, name: str, /) -> Reply[str | None]:
        """Asks each source in turn, and no further than needed."""
        return sequence(self._get(name), mixed=True)

    def get_all(self) -> Reply[Mapping[str, str]]:
        """All names of all sources."""
        return sequence(self._get_all(), mixed=True)

    def close(self) -> None:
        """Nothing of its own to let go."""

    def _get(self, name: str) -> Steps[str | None]:
        for source in self._sources:
            value: str | None = yield source.get(name)
            if value is not None:
                return value
        return None

    def _get_all(self) -> Steps[Mapping[str, str]]:
        found: dict[str, str] = {}
        for source in reversed(self._sources):
            values: Mapping[str, str] = yield source.get_all()
            found.update(values)
        return found
