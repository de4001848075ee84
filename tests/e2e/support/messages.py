"""Guests that publish and handle messages, asked one after the other and under load."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import httpx
from hosts import GUESTS, Running, wait_for
from manifests import routed, write

MESSAGING = {
    "second": GUESTS / "rust/messaging/messaging.wasm",
    "third": GUESTS / "rust/messaging3/messaging3.wasm",
}
GRANTED = 'message_brokers = ["default"]\nkey_value_stores = ["default"]\n'
TRIGGER = """
[[trigger.message]]
component = "second"
subject = "load.>"
group = "second"
durable = true
concurrency = 8
"""


def application(directory: Path, id: str) -> Path:
    """`id` publishes, and `second` handles; each answers under a host name of its own."""
    parts = [
        routed(each, MESSAGING[each], GRANTED).replace('"/..."', f'"/..."\nhost = "{each}.test"')
        for each in {id: None, "second": None}
    ]
    return write(directory, *parts, TRIGGER)


def told(host: Running, path: str, who: str = "any") -> tuple[int, str]:
    """Status and text of an answer of one of the guests."""
    answer = host.get(path, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


def received(host: Running) -> list[str]:
    """The bodies that the handler wrote down."""
    return [line.split(" ", 3)[3] for line in told(host, "/received", "second")[1].splitlines()]


class Publishers:
    """Clients that publish numbered messages one after the other, and note what came of each."""

    def __init__(self, host: Running, count: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.failures: list[str] = []
        #: Begins what is published from now on.
        self.label = "m"
        self._host = host
        self._numbers = itertools.count()
        self._end = threading.Event()
        self._go = threading.Event()
        self._idle = [threading.Event() for _ in range(count)]
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in self._idle]

    def __enter__(self) -> Publishers:
        self._go.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._go.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more were acknowledged."""
        goal = len(self.acknowledged) + count
        wait_for("more messages", lambda: len(self.acknowledged) >= goal)

    def fail(self, count: int = 20) -> None:
        """Wait until so many more failed."""
        goal = len(self.failures) + count
        wait_for("failures", lambda: len(self.failures) >= goal)

    def pause(self) -> None:
        """Returns when none is under way; `go_on` ends it."""
        for each in self._idle:
            each.clear()
        self._go.clear()
        for each in self._idle:
            assert each.wait(60)

    def go_on(self) -> None:
        self._go.set()

    def _run(self, idle: threading.Event) -> None:
        with self._host.new_client(headers={"host": "second.test"}) as client:
            while not self._end.is_set():
                if not self._go.is_set():
                    idle.set()
                    self._go.wait()
                    continue
                body = f"{self.label}{next(self._numbers)}"
                try:
                    answer = client.get(f"/publish?subject=load.a&body={body}")
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                if answer.status_code == 200:
                    self.acknowledged.append(body)
                else:
                    self.failures.append(answer.text)
