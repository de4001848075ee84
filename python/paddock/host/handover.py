"""Handing the listening sockets to a new process of the host.

The old process starts the new one with the sockets inherited, waits until it
says that it serves, stops accepting, and drains. Until then the old one goes
on: if the new one fails, nothing has changed. Both accept from the same socket
in between, so no connection finds nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paddock.errors import HostError

if TYPE_CHECKING:
    from paddock import _core

#: The variable by which a new process learns what it inherits.
VARIABLE = "PADDOCK_HANDOVER"
#: Seconds that a new process may take until it serves.
PATIENCE = 120.0
#: Seconds that clients of a replaced process have to come back on a new connection.
LEAVE = 5.0


@dataclass(frozen=True, slots=True)
class Inherited:
    """Descriptors of listening sockets, and of the pipe to say "ready" on.

    `manifest`, `config` and `state_dir` are those of the old process, which may
    have been told others by an apply than its command line names.
    """

    listeners: tuple[int, ...]
    ready: int
    manifest: Path | None = None
    config: Path | None = None
    state_dir: Path | None = None

    def serving(self) -> None:
        """Tell the old process that this one serves."""
        os.write(self.ready, b"ready\n")
        os.close(self.ready)


def inherited() -> Inherited | None:
    """What an old process handed over; None for an ordinary start."""
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return None
    data: dict[str, object] = json.loads(text)
    listeners, ready = data["listeners"], data["ready"]
    if not isinstance(listeners, list) or not isinstance(ready, int):
        raise HostError(f"{VARIABLE} is not what a Paddock host hands over")
    return Inherited(
        tuple(int(fd) for fd in listeners),
        ready,
        *(_path(data.get(name)) for name in ("manifest", "config", "state_dir")),
    )


def _path(text: object) -> Path | None:
    return Path(text) if isinstance(text, str) else None


async def start_successor(
    listeners: Sequence[int],
    arguments: Sequence[str],
    python: str | None,
    serving: Mapping[str, Path | None],
) -> int:
    """Start a new host on the same sockets; its process id once it serves.

    `serving` has the paths of `Inherited`. `python` is the interpreter of the
    newer installation, by default this one.
    Raises HostError, with the new process ended, when it does not get ready.
    """
    ready, write = os.pipe()
    environment = dict(os.environ)
    paths = {name: str(path) for name, path in serving.items() if path is not None}
    environment[VARIABLE] = json.dumps({"listeners": list(listeners), "ready": write, **paths})
    try:
        process = await asyncio.create_subprocess_exec(
            python or sys.executable,
            "-m",
            "paddock",
            *arguments,
            pass_fds=(*listeners, write),
            env=environment,
        )
    except OSError as error:
        os.close(ready)
        raise HostError(f"can't start {python or sys.executable}: {error.strerror}") from error
    finally:
        os.close(write)
    try:
        async with asyncio.timeout(PATIENCE):
            said = await _read_all(ready)
    except TimeoutError:
        process.kill()
        raise HostError(
            f"the new process did not serve within {PATIENCE:g} seconds; the old one goes on"
        ) from None
    if said != b"ready\n":
        code = await process.wait()
        raise HostError(
            f"the new process ended with exit code {code} before it served; the old one goes on",
            hint="its reason stands in the host's log, above",
        )
    return process.pid


async def _read_all(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        return await reader.readline()
    finally:
        transport.close()


async def clients_leave(server: _core.Server | None) -> None:
    """Wait a while for kept-alive connections, each ended by its next request.

    Closing one that is idle could cross with a request on it, which would fail.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVE):
            while server is not None and server.stats()["connections"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
