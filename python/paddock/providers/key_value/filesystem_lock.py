"""A lock that all who write to one directory take, in any thread of any process."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: one process at a time
    fcntl = None  # type: ignore[assignment]

FILE = ".lock"


class DirectoryLock:
    """`with lock:`; flock between processes and other stores, a lock between threads.

    The system gives the lock back when a process dies.
    """

    def __init__(self, directory: Path) -> None:
        self._threads = threading.Lock()
        self._path = directory / FILE
        self._file: int | None = None

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if fcntl is not None and self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._threads:
            if self._file is not None:
                os.close(self._file)
                self._file = None
