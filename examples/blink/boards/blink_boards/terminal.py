"""A board drawn in the terminal, a line for each change."""

import sys

from paddock.types import Err


class TerminalBoard:
    """`type = "terminal"`; `pins` is how many the board has."""

    def __init__(self, pins: int = 8) -> None:
        self._pins = [False] * pins

    def set(self, pin: int, high: bool) -> None:
        self._check(pin)
        self._pins[pin] = high
        print("board ", " ".join("●" if each else "○" for each in self._pins), file=sys.stderr)

    def get(self, pin: int) -> bool:
        self._check(pin)
        return self._pins[pin]

    def _check(self, pin: int) -> None:
        if pin >= len(self._pins):
            raise Err(f"this board has {len(self._pins)} pins, and {pin} is none of them")
