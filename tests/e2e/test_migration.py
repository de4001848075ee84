"""A store is moved from provider to provider while it is used: nothing lost, nothing failed."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from hosts import Running, wait_for
from manifests import configuration, routed, write
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

STORE = 'key_value_stores = ["default"]\n'
SQLITE = 'type = "sqlite"\npath = "data.db"\n'
FILES = 'type = "filesystem"\npath = "data"\n'


class Writers:
    """Clients that write, count, delete and read; each knows what was acknowledged to it."""

    def __init__(self, host: Running, count: int) -> None:
        self.known: list[dict[str, str | None]] = [{} for _ in range(count)]
        self.counted = [0] * count
        self.requests = [0] * count
        self.failures: list[str] = []
        self._host = host
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(count)
        ]

    @contextmanager
    def running(self) -> Iterator[Writers]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def since(self) -> Callable[[], bool]:
        """Whether each of them has had answers since this was called."""
        before = list(self.requests)
        return lambda: (
            bool(self.failures)
            or all(now > then + 2 for now, then in zip(self.requests, before, strict=True))
        )

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        with self._host.new_client() as client:
            while not self._stop.is_set() and len(self.failures) < 10:
                try:
                    self._step(client, chance, number)
                except (httpx.HTTPError, AssertionError) as error:
                    self.failures.append(f"{number}: {error!r}")

    def _step(self, client: httpx.Client, chance: random.Random, number: int) -> None:
        mine = self.known[number]
        key = f"{number}-{chance.randrange(50)}"
        match chance.randrange(5):
            case 0:
                self._ask(client, number, "delete", key=key)
                mine[key] = None
            case 1:
                self._ask(client, number, "incr", key="shared", by="1")
                self.counted[number] += 1
            case 2:
                value = f"m{chance.randrange(10**6)}"
                self._ask(client, number, "set-many", pairs=f"{key}:{value},{key}x:{value}")
                mine[key] = mine[f"{key}x"] = value
            case _:
                value = f"{chance.randrange(10**6)}"
                self._ask(client, number, "set", key=key, value=value)
                mine[key] = value
        response = client.get(f"/get?{urlencode({'key': key})}")
        self.requests[number] += 1
        got = response.text if response.status_code == 200 else None
        assert got == mine.get(key), f"{key}: {response.status_code} {got!r}, not {mine.get(key)!r}"

    def _ask(self, client: httpx.Client, number: int, what: str, **query: str) -> None:
        response = client.get(f"/{what}?{urlencode(query)}")
        self.requests[number] += 1
        assert response.status_code == 200, f"{what}: {response.status_code} {response.text}"


def read_back(host: Running, writers: Writers) -> list[str]:
    """What is not as it was acknowledged."""
    wrong = []
    with host.new_client() as client:
        for key, value in itertools.chain(*(mine.items() for mine in writers.known)):
            response = client.get(f"/get?{urlencode({'key': key})}")
            got = response.text if response.status_code == 200 else None
            if got != value:
                wrong.append(f"{key}: {got!r}, not {value!r}")
        shared = client.get("/get?key=shared").text
    if int(shared) != sum(writers.counted):
        wrong.append(f"counted {sum(writers.counted)}, found {shared}")
    return wrong


def moving(new: str, old: str | None = None) -> str:
    text = f"[key_value_store.default]\n{new}"
    return f'{text}migrate_from = "old"\n[key_value_store.old]\n{old}' if old else text


@pytest.mark.timeout(600)
def test_a_store_goes_round_under_load_and_nothing_is_lost(
    up, tmp_path: Path, redis_server: RedisServer, postgres_server: PostgresServer
) -> None:
    prefix = f"e2e-{os.getpid()}"
    redis = f'type = "redis"\nurl = "{redis_server.url}"\nprefix = "{prefix}"\n'
    postgres = f'type = "postgres"\nurl = "{postgres_server.url}"\n'
    config = configuration(tmp_path, moving(SQLITE))
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    old = SQLITE
    writers = Writers(host, 24)
    with writers.running():
        for new in [redis, postgres, SQLITE] * 3:
            wait_for("all writers to go on", writers.since())
            configuration(tmp_path, moving(new, old))
            answer = host.apply()
            [line] = answer["migrated"]  # type: ignore[misc]
            assert "key-value store 'default'" in line and "copied in" in line
            old = new
            assert writers.failures == []
        wait_for("all writers to go on", writers.since())
    assert writers.failures == []
    assert sum(writers.requests) > 500
    assert read_back(host, writers) == []
    # And after a restart, with the last configuration as it stands.
    host.stop()
    again = up(host.manifest, "--config", config)
    assert read_back(again, writers) == []
    assert "migrating" not in again.log


def test_apply_says_what_was_copied_and_a_dry_run_what_would_be(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, moving(SQLITE))
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    for number in range(3):
        host.get(f"/set?key=k{number}&value={number}")
    configuration(tmp_path, moving(FILES, SQLITE))
    dry = host.command("apply", "--dry-run")
    line = "key-value store 'default' (sqlite -> filesystem): its data is copied while it is used"
    assert line in dry.stdout, dry.stdout + dry.stderr
    assert host.status()["generation"] == 1
    assert not any((tmp_path / "data").rglob("k*"))
    done = host.command("apply")
    assert "migrated: key-value store 'default' (sqlite -> filesystem): 3 copied" in done.stdout
    assert "migrating the key-value store 'default'" in done.stderr
    assert "stays behind" not in done.stdout
    host.logged(r"generation 2: migrated the key-value store 'default'.*3 copied")
    assert host.get("/get?key=k2").text == "2"
    assert (tmp_path / "data" / "test" / "default" / "k2").read_text() == "2"
    assert host.command("apply").stdout == "nothing changes\n"


def test_data_is_copied_before_an_application_starts_and_only_once(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, moving(SQLITE))
    manifest = write(tmp_path, routed("kv-draft2", extra=STORE))
    first = up(manifest, "--config", config)
    first.get("/set?key=k&value=old")
    first.stop()
    configuration(tmp_path, moving(FILES, SQLITE))
    second = up(manifest, "--config", config)
    second.logged(r"migrated the key-value store 'default' \(sqlite -> filesystem\): 1 copied")
    assert second.get("/get?key=k").text == "old"
    second.get("/set?key=k&value=new")
    second.stop()
    third = up(manifest, "--config", config)
    assert third.get("/get?key=k").text == "new"
    assert "migrating" not in third.log


def test_data_that_would_be_lost_refuses_the_plan_and_the_old_store_goes_on(
    up, tmp_path: Path
) -> None:
    config = configuration(tmp_path, moving(FILES))
    manifest = write(tmp_path, routed("kv-draft2", extra=STORE))
    host = up(manifest, "--config", config)
    host.get("/set?key=k&value=in+files")
    configuration(tmp_path, moving(SQLITE))
    host.apply()
    host.get("/set?key=k&value=in+sqlite")
    configuration(tmp_path, moving(FILES, SQLITE))
    for option in ([], ["--dry-run"]):
        done = host.command("apply", *option)
        assert done.returncode == 5, done.stdout
        assert "holds data already, which would be lost" in done.stderr
        assert "hint:" in done.stderr and "Traceback" not in done.stderr
    assert host.get("/get?key=k").text == "in sqlite"
    host.get("/set?key=k&value=goes+on")
    assert host.get("/get?key=k").text == "goes on"


def test_a_target_that_is_away_refuses_the_plan_within_its_timeout(
    up, tmp_path: Path, own_redis: RedisServer
) -> None:
    config = configuration(tmp_path, moving(SQLITE))
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    host.get("/set?key=k&value=v")
    own_redis.stop()
    redis = f'type = "redis"\nurl = "{own_redis.url}"\ntimeout = "1s"\n'
    configuration(tmp_path, moving(redis, SQLITE))
    done = host.command("apply")
    assert done.returncode != 0
    assert "the Redis server at" in done.stderr and own_redis.password not in done.stderr
    assert host.get("/set?key=k&value=w").status_code == 200
    assert host.get("/get?key=k").text == "w"
    own_redis.start()
    host.apply()
    assert host.get("/get?key=k").text == "w"


def test_an_upgrade_does_not_copy_what_the_old_process_still_writes(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, moving(SQLITE))
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    host.get("/set?key=k&value=v")
    configuration(tmp_path, moving(FILES, SQLITE))
    done = host.command("upgrade")
    assert done.returncode != 0
    assert "while another process serves from it" in done.stderr + host.log
    assert host.get("/get?key=k").text == "v"
