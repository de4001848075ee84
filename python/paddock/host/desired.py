"""What a host is asked to be: the one input of `Host.apply`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from paddock.manifest.hostconfig import HostConfig
from paddock.manifest.model import Application


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line added; it is part of what is desired, so it survives an apply.

    `environment` is added to every component's; `variables` win over every
    provider; `key_values` are set in the store `default` when an application
    first starts.
    """

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    key_values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class DesiredApplication:
    """An application and what was added to it."""

    application: Application
    overrides: Overrides = Overrides()
    #: Requests reach the component as they came, without the `spin-*` headers.
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """All that should run, and the operator's configuration behind it."""

    applications: tuple[DesiredApplication, ...] = ()
    configuration: HostConfig = HostConfig()
