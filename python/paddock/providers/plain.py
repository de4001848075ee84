"""Makes a provider of a plain class: its arguments are the options of its table.

    class Board:
        def __init__(self, port: int = 3080, token: Secret | None = None, *, name: str): ...

Options are typed by the annotations of the arguments. Three arguments are the
host's to give, to a class that has them: `application` and `name`, for which
the object is opened and apart from all others, and `state_dir`, a directory for files.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args, get_type_hints

from paddock.errors import ManifestError
from paddock.providers.options import OptionError, Options, Secret, nearest

if TYPE_CHECKING:
    from paddock.providers.registry import Provider, ProviderConfig

#: Types of an argument that an option can be given to.
_PLAIN = (str, bool, int, float, Secret)
GIVEN = ("application", "name", "state_dir")

Scalar = str | int | float | bool | Secret | None


def as_provider(made: object, what: str, where: str) -> Provider:
    """What a name in a package stands for, as a provider; ManifestError for what can't be one.

    One that has `Config` and `open` is taken as it is. `what` and `where` name it in messages.
    """
    if hasattr(made, "Config") and hasattr(made, "open"):
        return cast("Provider", made)
    if not callable(made):
        raise ManifestError(f"{where}, {what}, is no class")
    return cast("Provider", _Adapted(cast("Callable[..., object]", made), what))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a class is called with out of its table; it may hold secrets."""

    options: tuple[tuple[str, Scalar], ...] = field(repr=False)

    @property
    def place(self) -> str:
        """Where the data is, as far as anybody can tell: all that is no secret."""
        return repr([each for each in self.options if not isinstance(each[1], Secret)])


class _Adapted:
    """A plain class as a provider."""

    def __init__(self, made: Callable[..., object], what: str) -> None:
        # By which its package is found.
        self.__module__ = made.__module__
        self._made = made
        self._parameters = inspect.signature(made).parameters
        #: With `open` the two halves of `registry.Provider`.
        self.Config = _Reader(made, what)

    def open(self, config: object, *, application: str, name: str, state_dir: Path) -> object:
        """A new object; may block."""
        if not isinstance(config, Arguments):
            raise TypeError(f"wanted Arguments, got {type(config).__name__}")
        host = {"application": application, "name": name, "state_dir": state_dir}
        asked = {key: value for key, value in host.items() if key in self._parameters}
        return self._made(**dict(config.options), **asked)


class _Reader:
    """Reads options as the arguments of a class."""

    def __init__(self, made: Callable[..., object], what: str) -> None:
        self._what = what
        parameters = inspect.signature(made).parameters
        self._parameters = {key: each for key, each in parameters.items() if key not in GIVEN}
        target = made.__init__ if isinstance(made, type) else made  # type: ignore[misc]
        self._types: Mapping[str, object] = get_type_hints(target)

    def from_table(self, options: Mapping[str, object], base: Path | None = None) -> ProviderConfig:
        """Raises OptionError for an argument that is missing, unknown or of another type."""
        table = Options(options, self._what, base)
        given = {key for key in options if key != "type"}
        for key in sorted(given - self._parameters.keys()):
            close = nearest(key, self._parameters)
            hint = f"known options: {', '.join(self._parameters) or 'none'}"
            hint = f"did you mean `{close}`? {hint}" if close else hint
            raise OptionError(key, f"{self._what} has no option `{key}`", hint=hint)
        found: list[tuple[str, Scalar]] = []
        for name, parameter in self._parameters.items():
            if name in given:
                found.append((name, self._value(table, name)))
            elif parameter.default is parameter.empty:
                raise OptionError(name, f"{self._what} needs the option `{name}`")
        return cast("ProviderConfig", Arguments(tuple(sorted(found, key=lambda each: each[0]))))

    def _value(self, table: Options, name: str) -> Scalar:
        annotation = self._types.get(name, str)
        choices = get_args(annotation) or (annotation,)
        wanted = next((each for each in _PLAIN if each in choices), None)
        if wanted is bool:
            return table.flag(name)
        if wanted is int:
            return table.integer(name, 0, least=-(2**63), most=2**63)
        if wanted is float:
            return table.number(name)
        if wanted is Secret:
            return table.secret(name)
        if wanted is str:
            return table.text(name)
        raise OptionError(
            name,
            f"{self._what}: `{name}` has a type that no option can have",
            hint="annotate it as str, int, float, bool or paddock.providers.options.Secret",
        )
