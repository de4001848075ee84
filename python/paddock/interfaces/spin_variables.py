"""Spin's variables: `fermyon:spin/config`, `fermyon:spin/variables@2.0.0`,
`spin:variables/variables@3.0.0`.

The two later ones have the same functions and cases; the last is asynchronous.
"""

from __future__ import annotations

import re

from paddock.capabilities.configuration import Configuration
from paddock.errors import CapabilityError
from paddock.interfaces.grants import Grants
from paddock.types import Err, Reply, Variant, then

INTERNAL = "the provider of variables failed; the host's log has the reason"

#: Spin's rule for a variable's name (its manifest reference, version 2).
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


class _Variables:
    """Looks up a name and answers the interface's cases for a bad or unset one."""

    __slots__ = ("_grants", "_values")
    invalid: str
    undefined: str

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._values: Configuration | None = grants.configuration

    def __paddock_error__(self, exc: Exception) -> object:
        return Variant("provider", exc.message if isinstance(exc, CapabilityError) else INTERNAL)

    def _look_up(self, name: str) -> Reply[str]:
        if _NAME.fullmatch(name) is None:
            raise Err(Variant(self.invalid, name))
        if self._values is None:
            return self._present(name, None)
        return then(self._values.get(name), lambda value: self._present(name, value))

    def _present(self, name: str, value: str | None) -> str:
        if value is None:
            shown = name[:100]
            self._grants.refuse("variable", shown, f'variables.{shown} = "{{{{ {shown} }}}}"')
            raise Err(Variant(self.undefined, self._missing(name)))
        return value

    def _missing(self, name: str) -> str:
        return f'no variable for "{self._grants.component}"."{name}"'


class Variables(_Variables):
    """`fermyon:spin/variables@2.0.0` and `spin:variables/variables@3.0.0`."""

    __slots__ = ()
    invalid = "invalid-name"
    undefined = "undefined"

    def get(self, name: str) -> Reply[str]:
        """The value of one of the component's variables."""
        return self._look_up(name)


class Config(_Variables):
    """`fermyon:spin/config`, without a version."""

    __slots__ = ()
    invalid = "invalid-key"
    undefined = "invalid-key"

    def get_config(self, key: str) -> Reply[str]:
        """The value of one of the component's variables."""
        return self._look_up(key)
