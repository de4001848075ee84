"""The memory store passes the shipped suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.capabilities.key_value import KeyValueStore
from paddock.providers.key_value.memory import MemoryConfig, MemoryKeyValue
from paddock.providers.options import OptionError
from paddock.testing.key_value import suite


def opened(name: str) -> KeyValueStore:
    return MemoryKeyValue.open(MemoryConfig(), application="app", name=name, state_dir=Path())


TestMemory = suite(opened)


def test_every_call_answers_in_place() -> None:
    store = opened("default")
    assert store.set("key", b"value") is None
    assert store.get("key") == b"value"
    assert store.increment("n", 1) == 1


def test_it_takes_no_options() -> None:
    assert MemoryConfig.from_table({"type": "memory"}) == MemoryConfig()
    with pytest.raises(OptionError, match="has no option `path`") as raised:
        MemoryConfig.from_table({"type": "memory", "path": "x"})
    assert raised.value.key == "path"
