"""Messages through `wasi:logging`."""

from __future__ import annotations

from typing import Any

import pytest

from paddock.capabilities.logging import Level
from paddock.interfaces import Grants, bind

INTERFACES = ("wasi:logging/logging", "wasi:logging/logging@0.1.0-draft")


class Sink:
    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []

    def log(self, level: Level, context: str, message: str, /) -> None:
        self.taken.append((level, context, message))


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_message_reaches_the_sink(interface: str) -> None:
    sink = Sink()
    facade: Any = bind(interface, Grants("app", "api", logging=sink))
    assert facade.log("warn", "context", "text") is None
    assert sink.taken == [("warn", "context", "text")]


@pytest.mark.parametrize("interface", INTERFACES)
def test_without_a_sink_messages_go_nowhere(interface: str) -> None:
    facade: Any = bind(interface, Grants("app", "api"))
    assert facade.log("info", "", "text") is None
