"""What the command line says to people: on stderr, in colour only on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paddock.errors import HostError, PaddockError

if TYPE_CHECKING:
    import threading

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


def data(text: str) -> None:
    """What a command was asked for, to stdout, all of it; HostError when it can't be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise HostError(
            f"can't write to stdout: {error.strerror}", hint="send it to another file or device"
        ) from error


def line(text: str) -> None:
    """The same with the end of a line."""
    data(f"{text}\n")


def silence() -> None:
    """Drop what stdout still holds: the flush at exit must not complain of it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
def progress(label: str, *, after: float = 0.0) -> Generator[None]:
    """Show that a long step goes on: a line with the seconds on a terminal.

    Elsewhere one line at the start and one at the end. A step that takes less
    than `after` seconds is not mentioned. Nothing else may write to stderr
    meanwhile.
    """
    import threading

    start = time.monotonic()
    stop = threading.Event()
    show = _spin if sys.stderr.isatty() else _announce
    thread = threading.Thread(target=show, args=(label, start, after, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    took = time.monotonic() - start
    if took >= after:
        say(f"{label}: done in {elapsed(took)}")


def _announce(label: str, start: float, after: float, stop: threading.Event) -> None:
    del start
    if not stop.wait(after):
        say(f"{label} …")


def _spin(label: str, start: float, after: float, stop: threading.Event) -> None:
    if stop.wait(after):
        return
    frame = 0
    while not stop.wait(0.1):
        sign = _FRAMES[frame % len(_FRAMES)]
        frame += 1
        sys.stderr.write(f"\r{sign} {label} … {time.monotonic() - start:.0f} s\x1b[K")
        sys.stderr.flush()
    sys.stderr.write("\r\x1b[K")
    sys.stderr.flush()
