"""The store in files passes the shipped suite."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import TooLarge, Unavailable
from paddock.providers.key_value.filesystem import (
    FilesystemConfig,
    FilesystemKeyValue,
    FilesystemStore,
)
from paddock.providers.key_value.filesystem_names import (
    directory_name,
    escaped,
    key_names,
    parts_of,
    unescaped,
)
from paddock.providers.options import OptionError
from paddock.testing.key_value import KeyValueSuite, Requirements
from paddock.types import Deferred


def opened(
    state_dir: Path, name: str = "default", application: str = "app", **options: object
) -> FilesystemStore:
    config = FilesystemConfig.from_table(options)
    return FilesystemKeyValue.open(config, application=application, name=name, state_dir=state_dir)


def done(reply: object) -> object:
    return reply() if isinstance(reply, Deferred) else reply


class TestFilesystem(KeyValueSuite):
    requirements = Requirements(persistent=True, longest_key=1500)

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def make_store(self, name: str) -> KeyValueStore:
        return opened(self.directory, name)


class TestFilesystemWithSyncs(TestFilesystem):
    requirements = Requirements(persistent=True, many=60)

    def make_store(self, name: str) -> KeyValueStore:
        return opened(self.directory, name, durability="power")


@given(st.text(max_size=60))
def test_a_name_of_a_file_says_the_key_and_is_taken_by_every_system(key: str) -> None:
    name = escaped(key)
    assert unescaped(name) == key
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.%")
    assert name and not name.startswith(".") and not name.endswith(".")


@given(st.text(min_size=80, max_size=400))
def test_parts_of_a_long_key_are_names_too(key: str) -> None:
    parts = parts_of(key)
    assert all(0 < len(part) <= 202 and not part.startswith(".") for part in parts)
    assert all(part.endswith("+") for part in parts[:-1])


def test_no_key_or_name_leaves_the_directory(tmp_path: Path) -> None:
    store = opened(tmp_path, "../..", "..")
    for key in ("..", ".", "../../x", "/etc/passwd", "a/../../b", ".lock", ".part-1"):
        done(store.set(key, key.encode()))
        assert done(store.get(key)) == key.encode()
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert all("%2e%2e" in str(path) for path in files)
    assert len(files) == 7 + 1


def test_long_names_of_stores_do_not_meet() -> None:
    one, other = "x" * 300 + "1", "x" * 300 + "2"
    assert directory_name(one) != directory_name(other)
    assert len(directory_name(one)) < 200


def test_a_long_key_leaves_no_directory_behind(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keys = ["k" * 700, "k" * 450, "k" * 200]
    for key in keys:
        done(store.set(key, b"v"))
    root = tmp_path / "key_value" / "app" / "default"
    assert sorted(key_names(root)) == sorted(keys)
    for key in keys:
        done(store.delete(key))
    assert [path.name for path in root.iterdir()] == [".lock"]


def test_a_key_that_no_path_can_hold_is_told(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(TooLarge, match="a key of this length"):
        done(store.set("k" * 5000, b""))
    with pytest.raises(TooLarge):
        store.get("k" * 5000)
    assert [path.name for path in store._root.iterdir()] == [".lock"]


def test_files_are_their_owners(tmp_path: Path) -> None:
    store = opened(tmp_path)
    done(store.set("key", b"value"))
    for path in (tmp_path / "key_value").rglob("*"):
        assert not path.stat().st_mode & 0o077, path


def test_a_small_value_is_read_in_place_and_a_large_one_is_not(tmp_path: Path) -> None:
    store = opened(tmp_path)
    done(store.set("small", b"s" * 1000))
    done(store.set("large", b"l" * 1_000_000))
    assert store.get("small") == b"s" * 1000
    large = store.get("large")
    assert isinstance(large, Deferred)
    assert large() == b"l" * 1_000_000


def test_what_a_dead_process_left_is_removed_in_time(tmp_path: Path) -> None:
    root = opened(tmp_path)._root
    old, new = root / ".part-old", root / ".part-new"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    opened(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_opening_bears_that_another_host_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = opened(tmp_path)._root
    gone = root / ".part-gone"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([gone]))
    opened(tmp_path)


def test_files_that_are_nobodys_are_not_listed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name in ("Capital", "%zz", "%FF", ".hidden"):
        (store._root / name).write_bytes(b"")
    assert done(store.keys()).keys == []  # type: ignore[attr-defined]


def test_a_directory_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "key_value").write_text("a file")
    with pytest.raises(Unavailable, match="can't be used"):
        opened(tmp_path)


def count(state_dir: Path) -> None:
    store = opened(state_dir)
    for _ in range(100):
        done(store.increment("n", 1))


def test_processes_that_count_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert opened(tmp_path).get("n") == b"200"


WRONG: list[tuple[dict[str, object], str]] = [
    ({"path": ""}, "path"),
    ({"path": "a\0b"}, "path"),
    ({"durability": "none"}, "durability"),
    ({"paht": "x"}, "paht"),
]


@pytest.mark.parametrize(("options", "key"), WRONG)
def test_a_wrong_table_is_refused_by_its_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(OptionError) as raised:
        FilesystemConfig.from_table(options)
    assert raised.value.key == key


def test_a_path_starts_from_the_directory_of_the_configuration() -> None:
    assert FilesystemConfig.from_table({"path": "x"}, Path("/etc")).place == "/etc/x"
