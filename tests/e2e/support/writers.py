"""Load that writes, and knows what was acknowledged."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Self

import httpx
from hosts import Running


class Writers:
    """Threads that write new names as fast as they are answered, until left.

    `write` asks a guest to write one name; the threads take turns over the guests `who`.
    """

    def __init__(
        self,
        host: Running,
        write: Callable[[httpx.Client, str], httpx.Response],
        who: Sequence[str],
    ) -> None:
        self.acknowledged: list[str] = []
        self.failures: list[tuple[int, str]] = []
        self.host = host
        self._write = write
        self._who = who
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        who = self._who[number % len(self._who)]
        with self.host.new_client(headers={"host": f"{who}.test"}) as client:
            for turn in itertools.count():
                if self._stop.is_set():
                    return
                name = f"{number}-{turn}"
                try:
                    answer = self._write(client, name)
                except httpx.HTTPError as error:
                    self.failures.append((0, repr(error)))
                    continue
                if answer.status_code == 200:
                    self.acknowledged.append(name)
                else:
                    self.failures.append((answer.status_code, answer.text))
