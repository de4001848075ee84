"""`Host(observer=...)` hears of what components ask of the host."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from paddock import _core
from paddock.host.desired import Desired, DesiredApplication
from paddock.host.host import EngineSettings, Host
from paddock.manifest.model import Application, Component
from paddock.types import Err

GUEST = Path(__file__).parents[1] / "guests/rust/tables-bytes/tables-bytes.wasm"


class Recorder:
    def __init__(self) -> None:
        self.calls: list[_core.Call] = []
        self.heard = asyncio.Event()

    def called(self, calls: Sequence[_core.Call], lost: int, /) -> None:
        assert lost == 0
        self.calls += calls
        self.heard.set()


async def test_an_observer_hears_what_was_asked_and_how_it_ended(tmp_path: Path) -> None:
    recorder = Recorder()
    engine = EngineSettings(pooling=False)
    host = Host(tmp_path, engine, on_events=lambda events: None, observer=recorder)
    component = Component("guest", GUEST, blob_containers=("box",))
    application = Application("app", components={"guest": component})
    try:
        await host.apply(Desired((DesiredApplication(application),)))
        with pytest.raises(Err):
            await _core.call(host.only_component(), "run", ["info", 1])
        await asyncio.wait_for(recorder.heard.wait(), 20)
        (call,) = recorder.calls
        assert (call.application, call.component) == ("app", "guest")
        asked = (call.interface, call.function)
        assert asked == ("wasi:blobstore/blobstore@0.2.0-draft", "get-container")
        assert call.outcome == "failed"
    finally:
        await host.stop(5.0)
