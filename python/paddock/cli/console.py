"""What the command line says to people: on stderr, in colour only on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from paddock.errors import PaddockError

_RED, _YELLOW, _GREEN, _BOLD, _DIM = "31", "33", "32", "1", "2"
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def coloured() -> bool:
    """Whether stderr is a terminal which wants colours (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty()


def paint(text: str, code: str) -> str:
    """`text` with an SGR code of ECMA-48 around it, where colours are wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if coloured() else text


def say(text: str) -> None:
    """A line for the user."""
    print(text, file=sys.stderr, flush=True)


def done(text: str) -> None:
    """A line about something that went well."""
    say(paint(text, _GREEN))


def step(text: str) -> None:
    """A line about what is done next."""
    say(paint(text, _BOLD))


def faint(text: str) -> None:
    """A line that may be passed over."""
    say(paint(text, _DIM))


def warning(text: str) -> None:
    """A line about something that will probably surprise later."""
    say(f"{paint('warning:', _YELLOW)} {text}")


def error(error: PaddockError) -> None:
    """An error and, on a line of its own, what to do next."""
    say(f"{paint('error:', _RED)} {error.message}")
    if error.hint:
        say(f"{paint('hint:', _BOLD)} {error.hint}")


def elapsed(seconds: float) -> str:
    """A duration as people write it: "12.3 s", "2 min 5 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


@contextmanager
def progress(label: str) -> Generator[None]:
    """Show that a long step goes on: a line with the seconds on a terminal.

    Elsewhere one line at the start and one at the end. Nothing else may write
    to stderr meanwhile.
    """
    start = time.monotonic()
    if not sys.stderr.isatty():
        say(f"{label} …")
        yield
        say(f"{label}: done in {elapsed(time.monotonic() - start)}")
        return
    import threading

    stop = threading.Event()
    thread = threading.Thread(target=_spin, args=(label, start, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    say(f"{label}: done in {elapsed(time.monotonic() - start)}")


def _spin(label: str, start: float, stop: object) -> None:
    import threading

    assert isinstance(stop, threading.Event)
    frame = 0
    while not stop.wait(0.1):
        sign = _FRAMES[frame % len(_FRAMES)]
        frame += 1
        sys.stderr.write(f"\r{sign} {label} … {time.monotonic() - start:.0f} s\x1b[K")
        sys.stderr.flush()
