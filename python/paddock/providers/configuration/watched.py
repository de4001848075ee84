"""Values out of files, read again when the files change."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from paddock.errors import PaddockError, Unavailable
from paddock.types import Deferred, Reply

LOG = logging.getLogger("paddock.host")

#: Seconds between two looks at the files; a change shows at most so much later.
INTERVAL = 1.0


class Files(Protocol):
    """Where values come from. Messages of its errors never contain a value."""

    def signature(self) -> object:
        """Another one for every change; cheap, and never the content. May raise OSError."""
        ...

    def read(self) -> Mapping[str, str]:
        """All values. Raises PaddockError where they can't be read."""
        ...


class WatchedValues:
    """The contract is `paddock.capabilities.configuration.Configuration`.

    A call answers in place, but for one each `INTERVAL`, which looks at the files
    first and so runs on the thread pool. What can't be read any more is logged,
    once, and the last good values stay. Making one raises PaddockError when
    the files can't be read.
    """

    def __init__(
        self, what: str, files: Files, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._complained = ""
        self._signature, self._values = self._load()
        self._due = clock() + INTERVAL

    def get(self, name: str, /) -> Reply[str | None]:
        """The value of `name`, at most `INTERVAL` seconds old."""
        if self._clock() < self._due:
            return self._values.get(name)
        return Deferred(lambda: self._fresh().get(name))

    def get_all(self) -> Reply[Mapping[str, str]]:
        """All values, at most `INTERVAL` seconds old."""
        return self._values if self._clock() < self._due else Deferred(self._fresh)

    def close(self) -> None:
        """Nothing to let go."""

    def _fresh(self) -> Mapping[str, str]:
        # One looks; whoever comes meanwhile gets what is known.
        if self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._due = self._clock() + INTERVAL
                self._lock.release()
        return self._values

    def _look(self) -> None:
        try:
            if self._files.signature() != self._signature:
                self._signature, self._values = self._load()
            self._complained = ""
        except (OSError, PaddockError) as error:
            text = error.message if isinstance(error, PaddockError) else str(error.strerror)
            if text != self._complained:
                self._complained = text
                LOG.warning("%s can't be read now; the last values stay: %s", self._what, text)

    def _load(self) -> tuple[object, Mapping[str, str]]:
        try:
            # The signature first: a change while reading then shows at the next look.
            signature = self._files.signature()
        except OSError as error:
            raise Unavailable(
                f"{self._what} can't be read: {error.strerror}",
                hint="correct `path` in the host configuration",
            ) from error
        return signature, self._files.read()
