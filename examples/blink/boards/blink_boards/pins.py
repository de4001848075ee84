"""Real pins, through the character devices of Linux (libgpiod 2)."""

import threading
from typing import Any

from paddock.errors import CapabilityError
from paddock.types import Err, blocking

ELSEWHERE = 'on a machine without pins choose type = "terminal" or "web"'


class GpiodBoard:
    """`type = "gpiod"`; `chip` is the device, and a pin its line on that chip."""

    def __init__(self, chip: str = "/dev/gpiochip0") -> None:
        try:
            import gpiod
        except ImportError as error:
            raise CapabilityError(
                "real pins need the Python package gpiod, which is not installed",
                hint=f"pip install gpiod, where the host runs; {ELSEWHERE}",
            ) from error
        try:
            self._chip = gpiod.Chip(chip)
        except OSError as error:
            raise CapabilityError(
                f"the GPIO chip {chip} can't be opened: {error.strerror}", hint=ELSEWHERE
            ) from error
        self._gpiod = gpiod
        self._lines: dict[int, Any] = {}
        self._lock = threading.Lock()

    @blocking
    def set(self, pin: int, high: bool) -> None:
        value = self._gpiod.line.Value
        self._line(pin).set_value(pin, value.ACTIVE if high else value.INACTIVE)

    @blocking
    def get(self, pin: int) -> bool:
        return bool(self._line(pin).get_value(pin) == self._gpiod.line.Value.ACTIVE)

    def _line(self, pin: int) -> Any:
        with self._lock:
            if pin not in self._lines:
                output = self._gpiod.LineSettings(direction=self._gpiod.line.Direction.OUTPUT)
                try:
                    self._lines[pin] = self._chip.request_lines(
                        consumer="paddock", config={pin: output}
                    )
                except (OSError, ValueError) as error:
                    raise Err(f"pin {pin} can't be used: {error}") from error
            return self._lines[pin]

    def __paddock_close__(self) -> None:
        for line in self._lines.values():
            line.release()
        self._chip.close()
