"""`wasmcloud:secrets@2.1.0`: a handle first, its value only when it is revealed.

One secret for each label, an import of `secret` under a name of the guest's, is not offered.
"""

from __future__ import annotations

from paddock.errors import CapabilityError
from paddock.interfaces.grants import Grants
from paddock.types import Err, Reply, Variant, then

INTERNAL = "the source of secrets failed; the host's log has the reason"


class Secret:
    """The resource: a value that is given out by `reveal` only, and never shown."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "(secret)"


class Store:
    """`wasmcloud:secrets/store`."""

    __slots__ = ("_grants", "_values")

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._values = grants.secrets

    def __paddock_error__(self, exc: Exception) -> object:
        return Variant("upstream", exc.message if isinstance(exc, CapabilityError) else INTERNAL)

    def get(self, key: str) -> Reply[Secret]:
        """The secret `key` of the component's `secrets`; not-found for any other name.

        The value is read now, so that one handle reveals the same value each time.
        """
        if self._values is None:
            return self._handle(key, None)
        return then(self._values.get(key), lambda value: self._handle(key, value))

    def _handle(self, key: str, value: str | None) -> Secret:
        if value is None:
            shown = key[:100]
            quoted = shown if shown.isidentifier() and shown.isascii() else f"'{shown}'"
            self._grants.refuse("secret", shown, f'secrets.{quoted} = "{{{{ {shown} }}}}"')
            raise Err(Variant("not-found"))
        return Secret(value)


class Reveal:
    """`wasmcloud:secrets/reveal`."""

    __slots__ = ()

    def __init__(self, grants: Grants) -> None:
        del grants  # a secret is the grant

    def reveal(self, s: Secret) -> Variant:
        """The value; texts are all that there is, so never the case `bytes`."""
        return Variant("string", s._value)
