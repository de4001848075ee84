"""Hosts for end-to-end tests: started in a process, stopped by its id, logs looked through."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

import hosts

Start = Callable[..., hosts.Running]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of compiled code for all hosts: compiling is what takes time here."""
    return tmp_path_factory.mktemp("cache")


def starter(cache: Path) -> Iterator[Start]:
    """Starts hosts and, at the end, stops every one of them before it complains."""
    running: list[hosts.Running] = []

    def start(
        manifest: Path, *arguments: str | Path, wait: bool = True, **options: object
    ) -> hosts.Running:
        options.setdefault("cache", cache)
        host = hosts.launch(manifest, *arguments, **options)  # type: ignore[arg-type]
        running.append(host)
        return hosts.serving(host) if wait else host

    yield start
    problems: list[AssertionError] = []
    for host in running:
        try:
            host.stop()
        except AssertionError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


@pytest.fixture
def up(cache: Path) -> Iterator[Start]:
    """`up(manifest, *options)` starts a host for one test."""
    yield from starter(cache)


@pytest.fixture(scope="module")
def module_up(cache: Path) -> Iterator[Start]:
    """The same for a host that all tests of a module share."""
    yield from starter(cache)


@pytest.fixture(scope="session")
def build() -> Callable[[str], Path]:
    """`build(name)` gives a large guest, from the cache or built now, by other people's tools."""
    spec = importlib.util.spec_from_file_location("guests_large", hosts.GUESTS / "large.py")
    assert spec and spec.loader
    large = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = large
    spec.loader.exec_module(large)

    def one(name: str) -> Path:
        try:
            return large.build(name)
        except large.MissingTool as missing:
            pytest.skip(str(missing))

    return one
