"""Checks what answers a component's interfaces of a user's own, when a plan is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from paddock import _core
from paddock.manifest.model import Component


def unfit(component: Component, bound: Mapping[str, object]) -> list[str]:
    """A sentence for each function of a granted object that does not fit its interface.

    It reads the component's file again, so it blocks; one that holds machine code
    says nothing of its types and is not checked.
    """
    names = [name for name in component.interfaces if name in bound]
    source = component.source
    if not names or not isinstance(source, Path) or source.suffix.lower() == ".cwasm":
        return []
    from paddock.host.signatures import mismatches
    from paddock.host.wit import interface

    facts = cast("dict[str, object]", json.loads(_core.inspect(source.read_bytes())))
    packages = cast("dict[str, str]", facts.get("packages") or {})
    problems: list[str] = []
    for name in names:
        wanted = interface(packages, name)
        if wanted is not None:
            problems += [
                f"{component.at('interfaces')}: component '{component.id}': {line}"
                for line in mismatches(name, wanted, bound[name])
            ]
    return problems
