"""One component's variables: templates over the application's variables."""

from __future__ import annotations

from collections.abc import Mapping

from paddock.capabilities.configuration import Configuration
from paddock.errors import NotFound
from paddock.manifest.templates import Part, parse_template
from paddock.types import Reply, Steps, sequence


class ComponentValues:
    """The contract is `paddock.capabilities.configuration.Configuration`.

    A component sees the names in `templates` and nothing else. Each value is
    made when it is asked for, from what `application` answers then, so a
    rotated secret shows at the next call. It does not own `application`.
    """

    def __init__(self, templates: Mapping[str, str], application: Configuration) -> None:
        self._templates = {name: parse_template(text) for name, text in templates.items()}
        self._plain = {
            name: "".join(part.text for part in parts)
            for name, parts in self._templates.items()
            if not any(part.is_variable for part in parts)
        }
        self._application = application

    def get(self, name: str, /) -> Reply[str | None]:
        """The expanded template; NotFound if a variable in it has no value."""
        value = self._plain.get(name)
        if value is not None:
            return value
        parts = self._templates.get(name)
        return None if parts is None else sequence(self._expand(parts))

    def get_all(self) -> Reply[Mapping[str, str]]:
        """All names; NotFound if one of them can't be made."""
        return sequence(self._expand_all())

    def close(self) -> None:
        """Nothing of its own to let go."""

    def _expand(self, parts: tuple[Part, ...]) -> Steps[str]:
        pieces: list[str] = []
        for part in parts:
            if not part.is_variable:
                pieces.append(part.text)
                continue
            value: str | None = yield self._application.get(part.text)
            if value is None:
                raise NotFound(
                    f"the variable '{part.text}' has no value",
                    hint=f"pass --variable {part.text}=VALUE, or give it a default",
                )
            pieces.append(value)
        return "".join(pieces)

    def _expand_all(self) -> Steps[Mapping[str, str]]:
        found: dict[str, str] = {}
        for name, parts in self._templates.items():
            found[name] = yield from self._expand(parts)
        return found
