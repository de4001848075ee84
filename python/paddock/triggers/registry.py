"""Finds the class of a trigger by its type.

A third party's trigger is an entry point named after its type, in the group
`paddock.triggers`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from paddock.errors import PlanError
from paddock.triggers.source import Trigger

BUILT_IN: Mapping[str, str] = {
    "cron": "paddock.triggers.cron:CronTrigger",
    "redis": "paddock.triggers.redis:RedisTrigger",
    "nats": "paddock.triggers.nats:NatsTrigger",
    "mqtt": "paddock.triggers.mqtt:MqttTrigger",
    "kafka": "paddock.triggers.kafka:KafkaTrigger",
    "message": "paddock.triggers.message:MessageTrigger",
    "blob": "paddock.triggers.blob:BlobTrigger",
    "command": "paddock.triggers.command:CommandTrigger",
}


def find(type_name: str) -> type[Trigger]:
    """The class of the trigger `type_name`; PlanError when there is none."""
    target = BUILT_IN.get(type_name)
    if target is None:
        installed = _installed()
        target = installed.get(type_name)
        if target is None:
            names = ", ".join(sorted({"http", *BUILT_IN, *installed}))
            raise PlanError(
                f"there is no trigger of type '{type_name}'", hint=f"known types: {names}"
            )
    module, _, name = target.partition(":")
    try:
        return cast("type[Trigger]", getattr(importlib.import_module(module), name))
    except Exception as error:
        # A module of somebody else's may fail in any way.
        raise PlanError(
            f"the trigger '{type_name}' can't be loaded from {target}: "
            f"{type(error).__name__}: {error}",
            hint="reinstall the package that brings it, with its extras",
        ) from error


def _installed() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {each.name: each.value for each in entry_points(group="paddock.triggers")}
