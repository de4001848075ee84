"""What an application's manifest may say and this host can't do."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.manifest.model import Application, Unsupported


def unsupported(application: Application) -> Iterator[str]:
    """A sentence for each thing without which the application would be another one."""
    for entry in _entries(application):
        if entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"


def notes(application: Application) -> Iterator[str]:
    """A sentence for each thing that has no effect, where that changes little."""
    for entry in _entries(application):
        if not entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"


def _entries(application: Application) -> Iterator[Unsupported]:
    yield from application.unsupported
    for component in application.components.values():
        yield from component.unsupported
    for route in application.http:
        yield from route.unsupported
    for trigger in application.triggers:
        yield from trigger.unsupported
