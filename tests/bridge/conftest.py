"""A runtime on each test's own event loop, one engine for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.bridge.guests import Bridge

from paddock import _core


@pytest.fixture(scope="session")
def engine() -> _core.Engine:
    return _core.Engine(_core.EngineOptions(pooling=False))


@pytest.fixture
async def bridge(engine: _core.Engine) -> AsyncIterator[Bridge]:
    events: list[_core.Event] = []
    exits: list[bool] = []
    runtime = _core.Runtime(
        asyncio.get_running_loop(),
        events.extend,
        on_exit=lambda: exits.append(True),
        workers=2,
        blocking_threads=2,
    )
    yield Bridge(engine, runtime, events, exits)
    await runtime.cancel_tasks()
    runtime.shutdown()
