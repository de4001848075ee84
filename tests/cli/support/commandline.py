"""How tests start `paddock`: as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PYTHON = Path(__file__).parents[3] / "python"

Paddock = Callable[..., subprocess.CompletedProcess[str]]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with this source tree in front of what is installed."""
    path = os.pathsep.join(filter(None, [str(PYTHON), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **(extra or {})}


def wait_for(what: str, condition: Callable[[], T | None], timeout: float = 30.0) -> T:
    """The first true value of `condition`, asked again and again."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout:g} s in vain for {what}"
        time.sleep(0.01)
