"""What a start from a cached plan imports stays small."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pydantic", "pydantic_core", "asyncio", "difflib", "importlib.metadata")


@pytest.mark.parametrize(
    "module", ["model", "codec", "reader", "hostconfig", "templates", "outbound"]
)
def test_importing_it_imports_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, paddock.manifest.{module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
