"""The command line as a fixture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from commandline import Paddock, environment


@pytest.fixture
def paddock(tmp_path: Path) -> Paddock:
    """Runs `paddock ARGUMENTS` in `tmp_path` to its end."""

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "paddock", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(env),
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
