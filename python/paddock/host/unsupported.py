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
    for other in application.triggers:
        entries += other.unsupported
    for entry in entries:
        if entry.refuse:
            yield f"{entry.location}: {entry.key}: {entry.reason}"
