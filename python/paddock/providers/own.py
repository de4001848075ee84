"""Interfaces of a user's own, each answered by a Python class.

A class is an entry point in the group `paddock.interfaces`. Its name is the
interface, and after a blank the type by which the host's configuration chooses it:

    [project.entry-points."paddock.interfaces"]
    "acme:gpio/pins@0.1.0 terminal" = "acme_gpio:Terminal"

One without a type has the type `default`. The class is called with the options of
its table as keyword arguments, typed by its annotations; one that has `Config` and
`open` is a provider as those of `registry`. An object that must be let go has
`__paddock_close__`, since `close` may be a function of the interface.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast, get_args, get_type_hints

from paddock.errors import ManifestError
from paddock.providers.options import OptionError, Options, Secret, nearest
from paddock.providers.registry import Provider, ProviderConfig

GROUP = "paddock.interfaces"
DEFAULT = "default"

#: Types of a parameter that an option can be given to.
_PLAIN = (str, bool, int, float, Secret)

Scalar = str | int | float | bool | Secret | None


def installed(interface: str) -> dict[str, EntryPoint]:
    """The entry points of an interface by type; those that are an `Offer` are no such."""
    found: dict[str, EntryPoint] = {}
    for each in entry_points(group=GROUP):
        name, _, type_name = each.name.partition(" ")
        if name == interface:
            found.setdefault(type_name.strip() or DEFAULT, each)
    return found


def find(interface: str, type_name: str) -> Provider:
    """The provider `type_name` of an interface; ManifestError when there is none."""
    known = installed(interface)
    entry = known.get(type_name)
    if entry is None:
        types = ", ".join(sorted(known))
        raise ManifestError(
            f'there is no provider of type "{type_name}" for the interface {interface}',
            hint=f'known types: {types}; choose one: [provider."{interface}"] type = "…"'
            if known
            else "install the Python package that has it, where the host runs",
        )
    try:
        made: object = entry.load()
    except (ImportError, AttributeError) as error:
        raise ManifestError(
            f"the provider of {interface} can't be loaded from {entry.value}: {error}",
            hint="reinstall the package that brings it, with its extras",
        ) from error
    if hasattr(made, "Config") and hasattr(made, "open"):
        return cast("Provider", made)
    if not callable(made):
        raise ManifestError(f"{entry.value}, the provider of {interface}, is no class")
    return cast("Provider", _Adapted(cast("Callable[..., object]", made), interface))


@dataclass(frozen=True, slots=True)
class OwnConfig:
    """The arguments that a class is called with; they may hold secrets."""

    options: tuple[tuple[str, Scalar], ...] = field(repr=False)


class _Adapted:
    """A plain class as a provider."""

    def __init__(self, made: Callable[..., object], interface: str) -> None:
        # By which its package is found.
        self.__module__ = made.__module__
        self._made = made
        #: The two halves of `registry.Provider`.
        self.Config = _Arguments(made, f"the provider of {interface}")

    def open(self, config: object, *, application: str, name: str, state_dir: Path) -> object:
        """One object for each application; may block."""
        del application, name, state_dir
        if not isinstance(config, OwnConfig):
            raise TypeError(f"wanted OwnConfig, got {type(config).__name__}")
        return self._made(**dict(config.options))


class _Arguments:
    """Reads options as the arguments of a class."""

    def __init__(self, made: Callable[..., object], what: str) -> None:
        self._what = what
        self._parameters = inspect.signature(made).parameters
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
        return cast("ProviderConfig", OwnConfig(tuple(sorted(found, key=lambda each: each[0]))))

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
