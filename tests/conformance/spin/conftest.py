"""Hosts for the cases: those of the end-to-end tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e" / "support"))

from tests.e2e.conftest import starter


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of compiled code for all cases."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def up(cache: Path) -> Iterator[object]:
    """`up(manifest, *options)` starts a host for one case."""
    yield from starter(cache)
