"""The values of an application's variables, from the command line down to defaults.

The order is Spin's: `--variable`, the configured providers in their order, the
environment and `.env`, the manifest's default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from paddock.capabilities.configuration import Configuration
from paddock.errors import ManifestError, PaddockError, PlanError
from paddock.host.desired import DesiredApplication
from paddock.manifest.hostconfig import HostConfig, ProviderConfig
from paddock.manifest.model import Application, Location
from paddock.manifest.templates import expand
from paddock.providers.configuration.layers import Layers
from paddock.providers.configuration.static import StaticValues
from paddock.types import resolve

_ENVIRONMENT = ProviderConfig("environment")


class SourceRefused(PlanError):
    """A table `[[variables_provider]]` that can't be opened; `where` it stands."""

    def __init__(self, where: Location, error: PaddockError) -> None:
        super().__init__(error.message, hint=error.hint)
        self.where = where


def layers(desired: DesiredApplication, configuration: HostConfig, state_dir: Path) -> Layers:
    """The application's sources; raises SourceRefused for one that can't be opened."""
    application = desired.application
    sources: list[Configuration] = [StaticValues(desired.overrides.variables)]
    for provider in (*configuration.variables_providers, _ENVIRONMENT):
        try:
            sources.append(_open(provider, configuration, application.name, state_dir))
        except PaddockError as error:
            raise SourceRefused(provider.location, error) from error
    defaults = {
        name: variable.default
        for name, variable in application.variables.items()
        if variable.default is not None
    }
    sources.append(StaticValues(defaults))
    return Layers(sources)


def _open(
    provider: ProviderConfig, configuration: HostConfig, application: str, state_dir: Path
) -> Configuration:
    from paddock.providers.registry import find

    base = configuration.source.parent if configuration.source else None
    found = find("configuration", provider.type)
    config = found.Config.from_table(provider.options, base)
    opened = found.open(config, application=application, name="", state_dir=state_dir)
    return cast("Configuration", opened)


async def known_values(
    desired: DesiredApplication, source: Configuration
) -> tuple[Mapping[str, str], list[str]]:
    """Values by name now, and one line for each required variable without one."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, variable in desired.application.variables.items():
        value = await resolve(source.get(name))
        if value is not None:
            values[name] = value
        elif variable.required:
            problems.append(
                f"{variable.location}: the variable '{name}' is required and has no value; "
                f"pass --variable {name}=VALUE or set PADDOCK_VARIABLE_{name.upper()}"
            )
    for name in desired.overrides.variables:
        if name not in desired.application.variables:
            problems.append(
                f"--variable {name}: the application '{desired.application.name}' "
                "declares no such variable"
            )
    return values, problems


def unresolved(application: Application, values: Mapping[str, str]) -> Iterator[str]:
    """One line for each variable or secret of a component whose template has no value.

    A variable of the application that misses is named by `known_values` already.
    """
    known = {**dict.fromkeys(application.variables, ""), **values}
    for component in application.components.values():
        for key, templates in (("variables", component.variables), ("secrets", component.secrets)):
            for name, template in templates.items():
                try:
                    expand(template, known)
                except ManifestError as error:
                    where = f"{component.at(key)}: component '{component.id}'"
                    yield f"{where}: {key}.{name}: {error.message}"
