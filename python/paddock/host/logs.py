"""One log for guests and host: lines for people, or JSON, and files by component."""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from paddock.errors import HostError

if TYPE_CHECKING:
    from paddock._core import Event

#: Output of guests as records; the host's own are below `paddock.host`.
GUEST = logging.getLogger("paddock.guest")
HOST = logging.getLogger("paddock.host")


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`quiet` keeps guests' output out of the terminal; `directory` gets files."""

    json: bool = False
    quiet: bool = False
    directory: Path | None = None


class Formatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z application/component stream | text`."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """One line for a record; a traceback follows it, or is a field of it."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        moment = f"{moment}.{int(record.msecs):03d}Z"
        component = getattr(record, "component", None)
        text = record.getMessage()
        trace = self.formatException(record.exc_info) if record.exc_info else None
        if self._json:
            fields = {"time": moment, "level": record.levelname.lower(), "message": text}
            for name in ("application", "component", "instance", "stream"):
                if (value := getattr(record, name, None)) is not None:
                    fields[name] = value
            if trace:
                fields["traceback"] = trace
            return json.dumps(fields, ensure_ascii=False)
        who = f"[{component}]" if component else "paddock"
        stream = getattr(record, "stream", None) or record.levelname.lower()
        line = f"{moment} {who} {stream}: {printable(text, lines=component is None)}"
        whole = f"{line}\n{printable(trace, lines=True)}" if trace else line
        # What a server or a guest is quoted with must not look like the next record.
        return whole.replace("\n", "\n  ")


def printable(text: str, *, lines: bool) -> str:
    """`text` with control characters escaped; line ends stay when `lines`.

    What a guest writes reaches terminals: it must not move their cursor, nor
    look like a line of somebody else.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else "\t"
    return "".join(
        character
        if character.isprintable() or character in kept
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )


class ComponentFiles(logging.Handler):
    """Appends guests' output to `<application>_<component>_<stream>.txt`."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._files: dict[str, TextIO] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write a guest's line; records of the host are not for these files."""
        stream = getattr(record, "stream", None)
        if stream is None:
            return
        application, component = (
            getattr(record, "application", ""),
            getattr(record, "component", ""),
        )
        name = f"{application}_{component}_{stream}.txt".replace("/", "_")
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = (self._directory / name).open("a", encoding="utf-8")
        file.write(self.format(record) + "\n")
        file.flush()

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        super().close()


def set_up(options: LogOptions) -> None:
    """Send Paddock's records to stderr and to files; may be called again.

    HostError when the directory for files can't be made.
    """
    root = logging.getLogger("paddock")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.INFO)
    root.propagate = False
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(Formatter(options.json))
    if options.quiet:
        terminal.addFilter(lambda record: getattr(record, "stream", None) is None)
    root.addHandler(terminal)
    if options.directory is not None:
        try:
            options.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(
                f"can't create the directory {options.directory}: {error.strerror}",
                hint="choose another with --log-dir",
            ) from error
        files = ComponentFiles(options.directory)
        files.setFormatter(Formatter(options.json))
        root.addHandler(files)


def report(events: list[Event]) -> None:
    """Log what the core tells of its guests; called on the event loop in batches."""
    for event in events:
        extra: dict[str, object] = {
            "application": event.application,
            "component": event.component,
            "instance": event.instance,
        }
        match event.kind:
            case "line":
                stream = event.fields["output"]
                GUEST.info("%s", event.fields["text"], extra={**extra, "stream": stream})
            case "limit":
                limit, value = event.fields["limit"], event.fields["value"]
                HOST.warning("the %s limit of %s was reached", limit, value, extra=extra)
            case "denied":
                what, grant = event.fields["what"], event.fields.get("grant")
                then = f"to grant it: {grant}" if grant else "nothing can grant it"
                HOST.warning("%s is not granted; %s", what, then, extra=extra)
            case "failed":
                HOST.error("the guest failed: %s", event.fields["reason"], extra=extra)
            case "lost":
                count = event.fields["count"]
                HOST.warning("%s lines and events of guests came too fast and were lost", count)
