"""Commands from Python: awaited, and ended when nobody waits any more."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from paddock import _core
from paddock.errors import ArtifactError, GuestError, UsageError
from tests.bridge.guests import Bridge

GUESTS = Path(__file__).parent.parent / "guests"
FOREVER = b'(module (func (export "_start") (loop (br 0))))'


async def test_an_export_is_invoked_with_json(bridge: Bridge) -> None:
    add = bridge.engine.load((GUESTS / "wat" / "add.wat").read_bytes())
    invoke = (bridge.engine, add, "add")
    rest = (_core.RunOptions(), dict[str, object](), bridge.runtime)
    assert await _core.invoke(*invoke, ["1", "2"], *rest) == (0, "3")
    with pytest.raises(UsageError):
        await _core.invoke(*invoke, ["1"], *rest)


async def test_a_cancelled_command_ends_at_once(bridge: Bridge) -> None:
    forever = bridge.engine.load(FOREVER)
    running = asyncio.ensure_future(
        _core.run_command(bridge.engine, forever, _core.RunOptions(), {}, bridge.runtime)
    )
    await asyncio.wait([running], timeout=0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    bridge.runtime.shutdown(5)


async def test_a_command_has_a_time_limit_if_asked(bridge: Bridge) -> None:
    forever = bridge.engine.load(FOREVER)
    options = _core.RunOptions(time=0.05)
    with pytest.raises(GuestError, match="time limit"):
        await _core.run_command(bridge.engine, forever, options, {}, bridge.runtime)


def test_a_file_is_inspected_without_compiling_it() -> None:
    facts = json.loads(_core.inspect((GUESTS / "wat" / "hello.wasm").read_bytes()))
    assert facts["kind"] == "component"
    with pytest.raises(ArtifactError):
        _core.inspect(b"\0asm")
