"""Carries out `paddock run`: one guest, in this terminal, on the main thread.

No event loop is started: a program starts sooner without one. Only where it
imports what Python answers, a host is made for it, as `paddock up` would make it.
The core lets signals through: the first Ctrl-C or SIGTERM ends the guest, a
second one the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from paddock import _core
from paddock.cli import console
from paddock.cli.files import naming, read
from paddock.errors import GuestError, UsageError

if TYPE_CHECKING:
    from paddock.cli.run import RunRequest
    from paddock.host.host import EngineSettings

#: What a process exits with whose guest trapped: as after SIGABRT, or as
#: `abort` does where there are no signals. Wasmtime's command line does the same.
TRAP_EXIT = 3 if sys.platform == "win32" else 128 + 6


#: Bytes and elements that no instance has.
UNLIMITED = 1 << 62


class _Signalled(BaseException):
    """Raised by the handler of a signal, so that it ends the guest."""


def execute(request: RunRequest) -> int:
    """Run it to its end; the exit code. Raises PaddockError before it starts."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if received:
            os._exit(128 + number)
        received.append(number)
        raise _Signalled

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    try:
        return _run(request, received)
    except GuestError as error:
        console.error(error)
        return TRAP_EXIT
    except _Signalled:
        return 128 + received[0]


def _run(request: RunRequest, received: list[int]) -> int:
    data = read(request.file)
    engine = _core.Engine(request.engine)
    artifact = _load(request, engine, data)
    options = _options(request)
    if artifact.kind == "component" and not all(map(_core.built_in, artifact.imports)):
        return _hosted(request, options, received)
    if request.invoke is None:
        return _core.run_command(engine, artifact, options, _report)
    return _told(
        *_core.invoke(engine, artifact, request.invoke, request.arguments, options, _report)
    )


def _told(code: int, result: str | None) -> int:
    if result is not None:
        console.line(result)
    return code


def _hosted(request: RunRequest, options: _core.RunOptions, received: list[int]) -> int:
    """The same with what the host's providers answer, as far as it is granted."""
    import asyncio
    from math import inf

    from paddock.cli.bare import application
    from paddock.host import sources
    from paddock.host.desired import Desired, DesiredApplication, Overrides
    from paddock.host.program import Program, run
    from paddock.manifest.model import Limits

    given = request.given
    limits = Limits(
        memory=given.memory or UNLIMITED,
        table=given.table or UNLIMITED,
        time=inf if given.time is None else given.time,
    )
    # A route would need an HTTP handler.
    served = replace(application(request.file, given, limits, None), http=())
    chosen = DesiredApplication(served, Overrides(key_values=given.key_values))
    configuration = sources.configuration(given.config)
    invoke = None if request.invoke is None else (request.invoke, request.arguments)
    program = Program(
        desired=Desired((chosen,), configuration),
        engine=_settings(request),
        options=options,
        state_dir=given.state_dir or configuration.state_dir,
        invoke=invoke,
    )
    try:
        return _told(*asyncio.run(run(program, received)))
    except asyncio.CancelledError:
        raise _Signalled from None


def _settings(request: RunRequest) -> EngineSettings:
    """The request's engine as a host makes it; what was compiled is found in the cache."""
    from paddock.host.host import EngineSettings

    code = request.engine.cache_dir
    return EngineSettings(
        compiler=request.engine.compiler,
        fuel=request.fuel,
        cache_dir=Path(code).parent if code else None,
        pooling=False,
        allow_precompiled=request.allow_precompiled,
        instances=1,
    )


def _load(request: RunRequest, engine: _core.Engine, data: bytes) -> _core.Artifact:
    if request.file.suffix.lower() == ".cwasm":
        if not request.allow_precompiled:
            raise UsageError(
                f"{request.file} is machine code, which can do anything",
                hint="if you made it yourself, add --allow-precompiled",
            )
        with naming(request.file):
            return engine.load_precompiled(data)
    with naming(request.file), console.progress(f"Compiling {request.file}", after=1.0):
        return engine.load(data)


def _options(request: RunRequest) -> _core.RunOptions:
    given = request.given
    return _core.RunOptions(
        arguments=(request.argv0, *request.arguments),
        environment=tuple(given.environment.items()),
        mounts=tuple((str(host), guest, True) for host, guest in given.directories),
        outbound=_outbound(request) if given.outbound else (),
        inherit_network=given.inherit_network,
        allow_ip_name_lookup=given.name_lookup,
        memory=given.memory,
        table=given.table,
        time=given.time,
        fuel=request.fuel,
    )


def _outbound(request: RunRequest) -> list[tuple[str | None, str, int, int]]:
    from paddock.host.grants import outbound
    from paddock.manifest.model import Component

    return outbound(
        Component("run", request.file, allowed_outbound_hosts=request.given.outbound), {}
    )


def _report(event: _core.Event) -> None:
    if event.kind == "denied":
        console.warning(f"refused to the guest: {event.fields.get('what')}")
