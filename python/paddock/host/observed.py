"""What tells an audit that something granted is used; in the way of calls only then."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from paddock.host.addresses import grant_for
from paddock.host.audit import ComponentAudit
from paddock.host.granted import OUTBOUND, SECRET

if TYPE_CHECKING:
    from paddock.capabilities.configuration import Configuration
    from paddock.capabilities.outbound import Addresses
    from paddock.types import Reply


class Observed:
    """A provider whose use is told: each of its methods tells it when it is called."""

    def __init__(self, provider: object, used: Callable[[], None]) -> None:
        self._provider = provider
        self._used = used

    def __getattr__(self, name: str) -> object:
        value: object = getattr(self._provider, name)
        if name.startswith("__") or isinstance(value, type) or not callable(value):
            return value
        call: Callable[..., object] = value
        used = self._used

        @functools.wraps(call)
        def told(*arguments: object, **options: object) -> object:
            used()
            return call(*arguments, **options)

        return told


def observed(opened: Mapping[str, object], what: str, audit: ComponentAudit) -> dict[str, object]:
    """Providers by name, each telling `audit` of its use."""
    return {
        name: Observed(provider, functools.partial(audit.use, what, name))
        if name != "*"
        else provider
        for name, provider in opened.items()
    }


class ObservedConfiguration:
    """The contract is `paddock.capabilities.configuration.Configuration`."""

    def __init__(self, values: Configuration, what: str, audit: ComponentAudit) -> None:
        self._values = values
        self._what = what
        self._audit = audit

    def get(self, name: str, /) -> Reply[str | None]:
        """Tells of a name that the component was given."""
        if name in self._given():
            self._audit.use(self._what, name)
        return self._values.get(name)

    def get_all(self) -> Reply[Mapping[str, str]]:
        """All that there is was asked for."""
        for name in self._given():
            self._audit.use(self._what, name)
        return self._values.get_all()

    def close(self) -> Reply[None]:
        """As the values do."""
        return self._values.close()

    def _given(self) -> Mapping[str, str]:
        component = self._audit.component
        return component.secrets if self._what == SECRET else component.variables


class ObservedAddresses:
    """The contract is `paddock.capabilities.outbound.Addresses`."""

    def __init__(self, addresses: Addresses, audit: ComponentAudit) -> None:
        self._addresses = addresses
        self._audit = audit

    def open(self, kind: str, address: str, /) -> Reply[object]:
        """Tells of an address that was allowed."""
        opened = self._addresses.open(kind, address)
        self._audit.use(OUTBOUND, grant_for(kind, address))
        return opened
