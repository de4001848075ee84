"""Commands from Python: they block, and a signal's handler ends them."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from paddock import _core
from paddock.errors import ArtifactError, GuestError, UsageError

GUESTS = Path(__file__).parent.parent / "guests"
FOREVER = b'(module (func (export "_start") (loop (br 0))))'


def test_an_export_is_invoked_with_json(engine: _core.Engine) -> None:
    add = engine.load((GUESTS / "wat" / "add.wat").read_bytes())
    assert _core.invoke(engine, add, "add", ["1", "2"], _core.RunOptions()) == (0, "3")
    with pytest.raises(UsageError):
        _core.invoke(engine, add, "add", ["1"], _core.RunOptions())


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_ends_a_command_that_never_would(
    engine: _core.Engine, request: pytest.FixtureRequest
) -> None:
    forever = engine.load(FOREVER)
    # A shell starts what runs in its background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        _core.run_command(engine, forever, _core.RunOptions())


def test_a_command_has_a_time_limit_if_asked(engine: _core.Engine) -> None:
    forever = engine.load(FOREVER)
    with pytest.raises(GuestError, match="time limit"):
        _core.run_command(engine, forever, _core.RunOptions(time=0.05))


def test_a_file_is_inspected_without_compiling_it() -> None:
    facts = json.loads(_core.inspect((GUESTS / "wat" / "hello.wasm").read_bytes()))
    assert facts["kind"] == "component"
    with pytest.raises(ArtifactError):
        _core.inspect(b"\0asm")
