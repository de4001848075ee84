"""Interfaces of a user's own, each answered by a Python class.

A class is an entry point in the group `paddock.interfaces`. Its name is the
interface, and after a blank the type by which the host's configuration chooses it:

    [project.entry-points."paddock.interfaces"]
    "acme:gpio/pins@0.1.0 terminal" = "acme_gpio:Terminal"

One without a type has the type `default`. The class is one that `plain` can make a
provider of. An object that must be let go has `__paddock_close__`, since `close` may
be a function of the interface.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from paddock.errors import ManifestError
from paddock.providers.plain import as_provider
from paddock.providers.registry import Provider

GROUP = "paddock.interfaces"
DEFAULT = "default"


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
    except Exception as error:
        # A module of somebody else's may fail in any way.
        raise ManifestError(
            f"the provider of {interface} can't be loaded from {entry.value}: "
            f"{type(error).__name__}: {error}",
            hint="reinstall the package that brings it, with its extras",
        ) from error
    return as_provider(made, f"the provider of {interface}", entry.value)
