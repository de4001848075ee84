"""The control socket: how `status`, `apply`, `stop` and `upgrade` reach a running host.

A Unix socket of mode 0600 in the state directory. A request and its answer are
one line of JSON each: `{"operation": …, …}` and `{"ok": …}` or `{"error":
{"message", "hint", "exit_code"}}`. While the work takes its time, lines
`{"progress": "…"}` may come before the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from io import BufferedReader
from pathlib import Path

from paddock.errors import HostError, PaddockError

LOG = logging.getLogger("paddock.host")

#: A longest line in bytes.
LINE = 1 << 20
#: `sun_path` holds 108 bytes on Linux and 104 on macOS, with the final zero.
LONGEST_PATH = 100

#: Writes a line to whoever asked for what this task does.
_TELL: ContextVar[Callable[[str], None] | None] = ContextVar("tell", default=None)

Handler = Callable[[Mapping[str, object]], Awaitable[object]]


def tell(line: str) -> None:
    """Tell whoever asked, if anybody did, how far the work is."""
    if (write := _TELL.get()) is not None:
        write(line)


def socket_path(state_dir: Path) -> Path:
    """Where the socket of a state directory is.

    A path too long for a socket is replaced by one in the user's runtime
    directory, named after it.
    """
    path = Path(os.path.abspath(state_dir)) / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:24]
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"paddock-{os.getuid()}-{name}.sock"


class ControlServer:
    """Answers requests until closed."""

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = socket_path(state_dir)
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def start(self, *, replace: bool = False) -> None:
        """Listen. HostError if another host answers there, unless it is to be replaced."""
        if not replace and _answers(self.path):
            raise HostError(
                f"a host is already running with the state directory {self.path.parent}",
                hint="change it with 'paddock apply', end it with 'paddock stop', "
                "or choose another --state-dir",
            )
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        part.unlink(missing_ok=True)
        # The mode has to be right from the first moment that others can connect.
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, part, limit=LINE)
        except OSError as error:
            raise HostError(
                f"can't create the control socket {self.path}: {error.strerror}",
                hint="choose another directory with --state-dir",
            ) from error
        finally:
            os.umask(mask)
        os.replace(part, self.path)
        self._inode = self.path.stat().st_ino

    async def close(self) -> None:
        """Stop listening; a socket that a newer host put in place stays."""
        if self._server is None:
            return
        self._server.close()
        try:
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            pass

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            # A connection has a task of its own, and so a context.
            _TELL.set(lambda text: writer.write(json.dumps({"progress": text}).encode() + b"\n"))
            if line:
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            try:
                request: object = json.loads(line)
            except (ValueError, RecursionError):
                request = None
            if not isinstance(request, dict):
                raise HostError("a request on the control socket is a JSON object")
            operation = str(request.get("operation"))  # pyright: ignore[reportUnknownMemberType]
            handler = self._handlers.get(operation)
            if handler is None:
                known = ", ".join(sorted(self._handlers))
                raise HostError(f"there is no operation '{operation}' (there are: {known})")
            return {"ok": await handler(request)}  # pyright: ignore[reportUnknownArgumentType]
        except PaddockError as error:
            return {
                "error": {
                    "message": error.message,
                    "hint": error.hint,
                    "exit_code": error.exit_code,
                }
            }
        except Exception:
            LOG.exception("a request on the control socket failed")
            return {"error": {"message": "internal error; see the host's log", "exit_code": 1}}


def _answer(file: BufferedReader, progress: Callable[[str], None] | None) -> bytes:
    while (line := file.readline()).startswith(b'{"progress"'):
        if progress is not None:
            progress(str(json.loads(line)["progress"]))
    return line


def _answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


class Refused(PaddockError):
    """What a running host answered instead of doing what it was asked."""

    def __init__(self, message: str, hint: str | None, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def request(
    state_dir: Path,
    operation: str,
    *,
    timeout: float = 600.0,
    progress: Callable[[str], None] | None = None,
    **arguments: object,
) -> dict[str, object]:
    """Ask the host of `state_dir` for something; blocks up to `timeout` seconds.

    `progress` is given what the host tells meanwhile; each line gives it that time again.

    Raises HostError when no host answers, and what the host raised otherwise.
    """
    path = socket_path(state_dir)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise HostError(
                f"no host is running with the state directory {state_dir}",
                hint="start one with 'paddock up', or name its directory with --state-dir",
            ) from error
        message = {"operation": operation, **arguments}
        connection.sendall(json.dumps(message).encode() + b"\n")
        try:
            with connection.makefile("rb") as file:
                line = _answer(file, progress)
        except TimeoutError as error:
            raise HostError(f"the host did not answer within {timeout:g} seconds") from error
    if not line:
        raise HostError("the host ended before it answered", hint="look at its log")
    answer: dict[str, dict[str, object]] = json.loads(line)
    failure = answer.get("error")
    if failure is not None:
        hint, code = failure.get("hint"), failure.get("exit_code", 1)
        raise Refused(
            str(failure.get("message")),
            str(hint) if hint else None,
            code if isinstance(code, int) else 1,
        )
    return answer["ok"]
