"""Carries out `paddock run`: one guest, in this terminal, on the event loop.

The loop owns the signals: the first Ctrl-C or SIGTERM cancels the guest, a
second one ends the process at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paddock import _core
from paddock.cli import console
from paddock.cli.files import naming, read
from paddock.errors import GuestError, PlanError, UsageError

if TYPE_CHECKING:
    from paddock.cli.run import RunRequest

#: What a process exits with whose guest trapped: as after SIGABRT, or as
#: `abort` does where there are no signals. Wasmtime's command line does the same.
TRAP_EXIT = 3 if sys.platform == "win32" else 128 + 6


def execute(request: RunRequest) -> int:
    """Run it to its end; the exit code. Raises PaddockError before it starts."""
    try:
        return asyncio.run(_Command(request).run())
    except GuestError as error:
        console.error(error)
        return TRAP_EXIT


class _Command:
    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._signal: int | None = None

    async def run(self) -> int:
        artifact, engine = self._load()
        bound = self._bound(artifact)
        runtime = _core.Runtime(asyncio.get_running_loop(), _report, workers=1)
        self._signals(asyncio.current_task())
        try:
            return await self._call(engine, artifact, bound, runtime)
        except asyncio.CancelledError:
            if self._signal is None:
                raise
            return 128 + self._signal
        finally:
            runtime.shutdown(0.5)

    async def _call(
        self,
        engine: _core.Engine,
        artifact: _core.Artifact,
        bound: dict[str, object],
        runtime: _core.Runtime,
    ) -> int:
        options = self._options()
        name, arguments = self._request.invoke, self._request.arguments
        if name is None:
            return await _core.run_command(engine, artifact, options, bound, runtime)
        code, result = await _core.invoke(
            engine, artifact, name, arguments, options, bound, runtime
        )
        if result is not None:
            print(result, flush=True)
        return code

    def _load(self) -> tuple[_core.Artifact, _core.Engine]:
        from dataclasses import replace

        request = self._request
        data = read(request.file)
        # One instance needs no pool, and starts sooner without.
        engine = _core.Engine(replace(request.engine, pooling=False, instances=1).options())
        if request.file.suffix.lower() == ".cwasm":
            if not request.engine.allow_precompiled:
                raise UsageError(
                    f"{request.file} is machine code, which can do anything",
                    hint="if you made it yourself, add --allow-precompiled",
                )
            with naming(request.file):
                return engine.load_precompiled(data), engine
        with naming(request.file), console.progress(f"Compiling {request.file}", after=1.0):
            return engine.load(data), engine

    def _options(self) -> _core.RunOptions:
        from paddock.host.grants import outbound
        from paddock.manifest.model import Component

        request, given = self._request, self._request.given
        component = Component("run", request.file, allowed_outbound_hosts=given.outbound)
        return _core.RunOptions(
            arguments=(request.argv0, *request.arguments),
            environment=tuple(given.environment.items()),
            mounts=tuple((str(host), guest, True) for host, guest in given.directories),
            outbound=outbound(component, {}),
            inherit_network=given.inherit_network,
            allow_ip_name_lookup=given.name_lookup,
            memory=given.memory,
            table=given.table,
            time=given.time,
            fuel=request.engine.fuel,
        )

    def _bound(self, artifact: _core.Artifact) -> dict[str, object]:
        """Objects for imports that Python answers; refuses those which nobody does."""
        if artifact.kind == "module":
            return {}
        others = [name for name in artifact.imports if not _core.built_in(name)]
        if not others:
            return {}
        from paddock.cli.serve import application
        from paddock.host.grants import bound_interfaces
        from paddock.host.imports import check
        from paddock.providers.configuration.static import StaticValues

        alone = application(self._request.file, self._request.given, None)
        (component,) = alone.components.values()
        checked = check(component, others, _core.built_in)
        if checked.problems:
            raise PlanError("\n".join(checked.problems))
        for warning in checked.warnings:
            console.warning(warning)
        return bound_interfaces(checked.bound, alone, component, {}, StaticValues({}))

    def _signals(self, task: asyncio.Task[object] | None) -> None:
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            if self._signal is not None or task is None:
                os._exit(128 + number)
            self._signal = number
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, stop, number)
            except NotImplementedError:  # Windows has no loop signals
                signal.signal(number, lambda number, _: loop.call_soon_threadsafe(stop, number))


def _report(events: Sequence[_core.Event]) -> None:
    for event in events:
        if event.kind == "denied":
            console.warning(f"refused to the guest: {event.fields.get('what')}")
