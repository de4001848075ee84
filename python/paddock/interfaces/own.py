"""What answers an interface of a user's own that is not granted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NoReturn

from paddock.interfaces.grants import Grants

#: The capability of such interfaces in the catalogue.
CAPABILITY = "interface"


class Ungranted:
    """Has every function there may be, and each raises AccessDenied: the guest traps."""

    def __init__(self, grants: Grants, interface: str) -> None:
        self._grants = grants
        self._interface = interface

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._refuse

    def _refuse(self, *arguments: object) -> NoReturn:
        del arguments
        line = f"interfaces = [{json.dumps(self._interface)}]"
        raise self._grants.refuse("interface", self._interface, line)
