"""The SQLite store: the shipped suite, several processes, sudden death, bad files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddock.capabilities.key_value import KeyValueStore
from paddock.errors import Unavailable
from paddock.providers.key_value import sqlite_file
from paddock.providers.key_value.sqlite import SqliteConfig, SqliteKeyValue, SqliteStore
from paddock.providers.options import OptionError
from paddock.testing.key_value import KeyValueSuite, Requirements
from paddock.types import Deferred


def opened(folder: Path, name: str = "default", application: str = "app") -> SqliteStore:
    return SqliteKeyValue.open(SqliteConfig(), application=application, name=name, state_dir=folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = opened(tmp_path)
    yield store
    store.close()


class TestSqlite(KeyValueSuite):
    requirements = Requirements(persistent=True)
    config = SqliteConfig()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_store(self, name: str) -> KeyValueStore:
        return SqliteKeyValue.open(self.config, application="app", name=name, state_dir=self.folder)


class TestSqliteWithFullSync(TestSqlite):
    config = SqliteConfig(durability="power")


COUNT = """
import sys
from pathlib import Path
from paddock.providers.key_value.sqlite import SqliteConfig, SqliteKeyValue
from paddock.types import Deferred

store = SqliteKeyValue.open(
    SqliteConfig(), application="app", name="default", state_dir=Path(sys.argv[1])
)
print("ready", flush=True)
for turn in range(int(sys.argv[2])):
    reply = store.increment("n", 1)
    total = reply() if isinstance(reply, Deferred) else reply
    if len(sys.argv) > 3:
        print(total, flush=True)
"""


def counting(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COUNT, str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_two_processes_count_in_one_file_and_lose_nothing(tmp_path: Path) -> None:
    processes = [counting(tmp_path, "500") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = opened(tmp_path)
    assert store.get("n") == b"1000"
    store.close()


def test_what_was_answered_survives_a_killed_process(tmp_path: Path) -> None:
    process = counting(tmp_path, "1000000", "tell")
    assert process.stdout is not None
    with process:
        lines = [process.stdout.readline() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    last = int(rest[-1] if rest else lines[-1])
    store = opened(tmp_path)
    value = store.get("n")
    assert isinstance(value, bytes)
    # One more may have been committed whose answer was not printed.
    assert int(value) in (last, last + 1)
    assert store.increment("n", 1) == int(value) + 1
    store.close()


def test_applications_with_stores_of_one_name_share_nothing(tmp_path: Path) -> None:
    one, other = opened(tmp_path, application="one"), opened(tmp_path, application="other")
    one.set("key", b"value")
    assert other.get("key") is None
    one.close()
    assert other.set("key", b"still open") is None
    other.close()


def test_a_write_met_by_a_lock_of_another_process_waits_on_the_pool(
    store: SqliteStore, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "key_value.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reply = store.set("key", b"value")
    assert isinstance(reply, Deferred)
    assert store.get("key") is None, "readers don't wait for writers"
    waiting = threading.Thread(target=reply.__call__)
    waiting.start()
    other.execute("COMMIT")
    waiting.join()
    assert store.get("key") == b"value"
    other.close()


def test_a_lock_that_is_never_released_is_an_error_that_may_be_tried_again(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.05)
    other = sqlite3.connect(tmp_path / "key_value.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reply = store.increment("n", 1)
    assert isinstance(reply, Deferred)
    with pytest.raises(Unavailable, match="stayed locked") as raised:
        reply()
    assert raised.value.retryable
    other.close()
    assert store.increment("n", 1) == 1


def test_a_read_that_finds_the_file_locked_waits_on_the_pool(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set("key", b"value")
    busy = [sqlite_file.Busy(), sqlite_file.Busy()]
    original = sqlite_file.SqliteFile.lend

    def lend(self: sqlite_file.SqliteFile) -> sqlite3.Cursor:
        if busy:
            raise busy.pop()
        return original(self)

    monkeypatch.setattr(sqlite_file.SqliteFile, "lend", lend)
    reply = store.get("key")
    assert isinstance(reply, Deferred)
    assert reply() == b"value"


def test_reading_leaves_no_transaction_behind(store: SqliteStore, tmp_path: Path) -> None:
    store.set("key", b"value")
    for _ in range(3):
        store.get("key")
        store.exists("key")
        store.get("absent")
    other = sqlite3.connect(tmp_path / "key_value.db", isolation_level=None)
    busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    assert busy == 0


def test_the_log_is_brought_back_into_the_file_while_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "WRITES_PER_CHECKPOINT", 50)
    done = threading.Event()
    original = sqlite_file.SqliteFile.read

    def read(self: sqlite_file.SqliteFile, work: sqlite_file.Work[object]) -> object:
        result = original(self, work)
        if threading.current_thread().name == "paddock-sqlite-checkpoint":
            done.set()
        return result

    monkeypatch.setattr(sqlite_file.SqliteFile, "read", read)
    store = opened(tmp_path)
    size = (tmp_path / "key_value.db").stat().st_size
    for number in range(200):
        store.set(f"key-{number}", b"x" * 1000)
    assert done.wait(10)
    assert (tmp_path / "key_value.db").stat().st_size > size
    store.close()
    assert "paddock-sqlite-checkpoint" not in {each.name for each in threading.enumerate()}


def test_the_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    store = opened(folder)
    assert (folder / "key_value.db").stat().st_mode & 0o777 == 0o600
    store.close()


def test_a_file_that_is_not_sqlites_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key_value.db").write_bytes(b"certainly not a database file" * 100)
    with pytest.raises(Unavailable, match="can't be used: file is not a database"):
        opened(tmp_path)


def test_a_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="can't be used"):
        opened(tmp_path / "file" / "below")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.close()
    with pytest.raises(Unavailable, match="is closed"):
        store.get("key")


def test_options_are_checked() -> None:
    assert SqliteConfig.from_table({"type": "spin", "path": "a.db"}) == SqliteConfig("a.db")
    assert SqliteConfig.from_table({}, Path("/etc")) == SqliteConfig()
    assert SqliteConfig.from_table({"path": "a.db"}, Path("/etc")) == SqliteConfig("/etc/a.db")
    assert SqliteConfig.from_table({"path": "/a.db"}, Path("/etc")) == SqliteConfig("/a.db")
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"path": 1}, "path", "must be a string, not an integer"),
        ({"path": ":memory:"}, "path", "can't have the path"),
        ({"pth": "x"}, "pth", "has no option `pth`"),
        ({"durability": "maybe"}, "durability", 'can\'t be "maybe"'),
    ]
    for table, key, text in cases:
        with pytest.raises(OptionError, match=text) as raised:
            SqliteConfig.from_table(table)
        assert raised.value.key == key
        assert raised.value.hint or key == "path"
