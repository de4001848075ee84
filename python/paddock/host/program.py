"""One program of this terminal with a host behind it, for imports that Python answers."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from paddock import _core
from paddock.host import logs
from paddock.host.desired import Desired
from paddock.host.host import EngineSettings, Host
from paddock.host.state import private_directory

#: Seconds that providers have to end.
END = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """What runs: the one component of `desired`, or with `invoke` one of its exports.

    Without a `state_dir` what it stores is gone with it. `invoke` is a name and
    arguments in JSON.
    """

    desired: Desired
    engine: EngineSettings
    options: _core.RunOptions
    state_dir: Path | None = None
    invoke: tuple[str, Sequence[str]] | None = None


async def run(program: Program, received: list[int]) -> tuple[int, str | None]:
    """Run it to its end: the exit code, and the result of `invoke` as JSON.

    Raises PlanError before it starts, GuestError for a trap or a limit, and
    CancelledError after the first SIGINT or SIGTERM, which is put into `received`;
    a second one ends the process.
    """
    _signals(received)
    logs.set_up(logs.LogOptions())
    with ExitStack() as scratch:
        chosen = program.state_dir or Path(
            scratch.enter_context(tempfile.TemporaryDirectory(prefix="paddock-"))
        )
        host = Host(private_directory(chosen), program.engine, on_events=logs.report)
        try:
            await host.apply(program.desired)
            component = host.only_component()
            if program.invoke is not None:
                return await _core.invoke_component(component, *program.invoke, program.options)
            return await _core.run_component(component, program.options), None
        finally:
            await host.stop(END)


def _signals(received: list[int]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def ended(number: int) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        assert task is not None
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no loop signals; there the caller's handlers stay.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, ended, number)
