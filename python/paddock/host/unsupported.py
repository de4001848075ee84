"""What an application's manifest may say and this host can't do."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.manifest.model import Application


def unsupported(application: Application) -> Iterator[str]:
    """A sentence for each thing without which the application would be another one."""
    entries = list(application.unsupported)
    for component in application.components.values():
        entries += component.unsupported
    for trigger in application.http:
        entries += trigger.unsupported
        if trigger.executor.type != "http":
            yield f"{trigger.location}: executor '{trigger.executor.type}' is not supported yet"
    for entry in entries:
        if entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"
    for other in application.triggers:
        yield f"{other.location}: no trigger of type '{other.type}' is installed (there is: http)"
