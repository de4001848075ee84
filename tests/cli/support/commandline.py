"""How tests start `paddock`: as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

PYTHON = Path(__file__).parents[3] / "python"

Paddock = Callable[..., subprocess.CompletedProcess[str]]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with this source tree in front of what is installed."""
    path = os.pathsep.join(filter(None, [str(PYTHON), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **(extra or {})}
