"""Blob stores through both interfaces that guests import, behind each provider."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import configuration, routed, write
from tests.services.nats import NatsServer
from tests.services.s3 import S3Server

WASI, WASMCLOUD = "blob", "blob-wasmcloud"
BOTH = [WASI, WASMCLOUD]
CONTAINERS = 'blob_containers = ["default", "box", "other"]'
SIZE = 20_000_000
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def s3(request: pytest.FixtureRequest) -> str:
    server: S3Server = request.getfixturevalue("s3_server")
    return (
        f'type = "s3"\nbucket = "{server.bucket}"\nendpoint = "{server.url}"\n'
        f'access_key = "{server.user}"\nsecret_key = "{server.password}"\n'
        f'prefix = "e2e-{time.time_ns()}"\n'
    )


def nats(request: pytest.FixtureRequest) -> str:
    server: NatsServer = request.getfixturevalue("nats_server")
    return f'type = "nats"\nurl = "{server.url}"\nprefix = "e2e-{time.time_ns()}"\n'


PROVIDERS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "memory": lambda _: 'type = "memory"\n',
    "filesystem": lambda _: 'type = "filesystem"\n',
    "s3": s3,
    "nats": nats,
}


def manifest(directory: Path, grants: str = CONTAINERS) -> Path:
    parts = [
        routed(name, GUESTS / "rust" / name / f"{name}.wasm", extra=grants, route="/...").replace(
            '"/..."', f'"/..."\nhost = "{name}.test"', 1
        )
        for name in BOTH
    ]
    return write(directory, *parts)


@pytest.fixture(scope="module", params=PROVIDERS)
def host(
    request: pytest.FixtureRequest, module_up, tmp_path_factory: pytest.TempPathFactory
) -> Running:
    directory = tmp_path_factory.mktemp(request.param)
    table = f"[blob_store.default]\n{PROVIDERS[request.param](request)}"
    host = module_up(manifest(directory), "--config", configuration(directory, table))
    for container in ("default", "box", "other"):
        assert ask(host, WASI, "create", container=container) == (200, f"{container}\n")
    return host


def ask(host: Running, who: str, route: str, **query: object) -> tuple[int, str]:
    answer = host.get(f"/{route}", params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


@pytest.mark.parametrize("who", BOTH)
def test_an_object_is_written_and_read(host: Running, who: str) -> None:
    name = f"thing {who}/ö"
    assert ask(host, who, "has", name=name) == (200, "false\n")
    assert ask(host, who, "write", name=name, value="0123456789") == (200, "10 bytes\n")
    # What WASI 0.3 makes of a stream that is passed on is a test of its own.
    for route in ("read", "stream") if who == WASI else ("read",):
        assert ask(host, who, route, name=name) == (200, "0123456789")
        assert ask(host, who, route, name=name, start=2, end=4) == (200, "234")
        assert ask(host, who, route, name=name, start=8, end=100) == (200, "89")
    status, text = ask(host, who, "object-info", name=name)
    assert (status, text.split()[0], text.split()[-1]) == (200, "default/thing", "10")
    assert ask(host, who, "delete", name=name) == (200, "ok\n")
    assert ask(host, who, "has", name=name) == (200, "false\n")
    assert ask(host, who, "read", name=name)[0] != 200


@pytest.mark.parametrize("who", BOTH)
def test_a_large_object_is_streamed_both_ways(host: Running, who: str) -> None:
    name = f"large-{who}"
    assert ask(host, who, "make", name=name, size=SIZE) == (200, f"{SIZE} bytes\n")
    first = ask(host, who, "sum", name=name)
    assert first[0] == 200
    assert first[1].startswith(f"{SIZE} bytes")
    body = host.client.post(
        "/write",
        params={"name": f"{name}-2"},
        headers={"host": f"{who}.test"},
        content=(ALPHABET * (SIZE // 26 + 1))[:SIZE],
    )
    assert body.text == f"{SIZE} bytes\n"
    assert ask(host, who, "sum", name=f"{name}-2") == first
    assert ask(host, who, "peek", name=name, n=5) == (200, "abcde")
    assert ask(host, who, "delete-many", names=f"{name},{name}-2") == (200, "ok\n")


@pytest.mark.parametrize("who", [WASI, WASMCLOUD])
def test_an_objects_stream_is_passed_on_as_an_answer(host: Running, who: str) -> None:
    name = f"passed-{who}"
    assert ask(host, who, "make", name=name, size=SIZE)[0] == 200
    answer = host.get("/stream", params={"name": name}, headers={"host": f"{who}.test"})
    assert answer.content == (ALPHABET * (SIZE // 26 + 1))[:SIZE]
    assert ask(host, who, "delete", name=name) == (200, "ok\n")


def test_bytes_may_come_before_their_place(host: Running) -> None:
    assert ask(host, WASI, "make", name="late", size=1_000_000, order="late")[0] == 200
    assert ask(host, WASI, "sum", name="late")[1].startswith("1000000 bytes")
    status, text = ask(host, WASI, "make", name="too-late", size=SIZE, order="late")
    assert status == 500
    assert "write-data has to be called before" in text
    assert ask(host, WASI, "has", name="too-late") == (200, "false\n")


@pytest.mark.parametrize("who", BOTH)
def test_what_is_not_finished_leaves_nothing_behind(host: Running, who: str) -> None:
    ask(host, who, "write", name="kept", value="old")
    for name in ("abandoned", "kept"):
        ask(host, who, "abandon", name=name)
    assert ask(host, who, "has", name="abandoned") == (200, "false\n")
    assert ask(host, who, "read", name="kept") == (200, "old")
    assert "abandoned" not in ask(host, who, "list")[1]


@pytest.mark.parametrize("who", BOTH)
def test_objects_are_listed_copied_and_moved(host: Running, who: str) -> None:
    for number in range(5):
        ask(host, who, "write", container="box", name=f"{number}", value=f"{number}")
    assert ask(host, who, "list", container="box") == (200, "0\n1\n2\n3\n4\n")
    assert ask(host, who, "copy", container="box", name="0", to="copy")[0] == 200
    moved = ask(host, who, "move", **{"container": "box", "name": "1", "to-container": "other"})
    assert moved == (200, "ok\n")
    assert ask(host, who, "list", container="box") == (200, "0\n2\n3\n4\ncopy\n")
    assert ask(host, who, "read", container="other", name="1") == (200, "1")
    for container in ("box", "other"):
        assert ask(host, who, "clear", container=container) == (200, "ok\n")
        assert ask(host, who, "list", container=container) == (200, "")


def test_pages_are_read_and_skipped(host: Running) -> None:
    for number in range(7):
        ask(host, WASI, "write", container="box", name=f"{number}", value="")
    assert ask(host, WASI, "list", container="box", page=3)[1].split() == [*"0123456"]
    assert len(ask(host, WASI, "list", container="box", page=3, skip=5)[1].split()) == 2
    assert ask(host, WASI, "clear", container="box") == (200, "ok\n")


@pytest.mark.parametrize("who", BOTH)
def test_containers_are_made_and_removed(host: Running, who: str) -> None:
    assert ask(host, who, "exists", container="box") == (200, "true\n")
    assert ask(host, who, "create", container="box")[0] != 200
    assert ask(host, who, "info", container="box")[1].startswith("name box\n")
    assert ask(host, who, "drop", container="box") == (200, "ok\n")
    assert ask(host, who, "exists", container="box") == (200, "false\n")
    assert ask(host, who, "list", container="box")[0] != 200
    assert ask(host, who, "create", container="box") == (200, "box\n")


@pytest.mark.parametrize("who", BOTH)
def test_a_container_that_is_not_granted_is_denied(host: Running, who: str) -> None:
    status, text = ask(host, who, "create", container="secret")
    assert status != 200
    assert "granted" in text or "denied" in text.lower()
    line = r'to grant it, add to \[component.%s\]: blob_containers = \["default", "box", "other", "secret"\]'
    host.logged(line % who)


@pytest.mark.parametrize("who", BOTH)
def test_requests_at_once_do_not_mix_their_bytes(host: Running, who: str) -> None:
    def one(number: int) -> bool:
        with host.new_client(headers={"host": f"{who}.test"}) as client:
            name, size = f"many-{number}", 100_000 + number
            assert client.get("/make", params={"name": name, "size": size}).status_code == 200
            found = client.get("/sum", params={"name": name}).text
            client.get("/delete", params={"name": name})
            return found.startswith(f"{size} bytes")

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(48)))


def test_a_client_that_goes_away_half_way_leaves_nothing_behind(host: Running) -> None:
    def half():
        yield b"x" * 200_000
        raise ConnectionError

    for who in BOTH:
        with pytest.raises(ConnectionError):
            host.client.post(
                "/write",
                params={"name": "half"},
                headers={"host": f"{who}.test", "content-length": "1000000"},
                content=half(),
            )
    assert ask(host, WASI, "has", name="half") == (200, "false\n")


def test_a_store_of_its_own_for_a_container_and_one_for_any_other(up, tmp_path: Path) -> None:
    table = (
        '[blob_store.box]\ntype = "filesystem"\npath = "files"\n'
        '[blob_store.default]\ntype = "memory"\n'
    )
    grants = 'blob_containers = ["*", "box"]'
    host = up(manifest(tmp_path, grants), "--config", configuration(tmp_path, table))
    for container in ("box", "other"):
        ask(host, WASI, "create", container=container)
        ask(host, WASI, "write", container=container, name="a", value=container)
    assert (tmp_path / "files/test/box/a").read_text() == "box"
    moved = ask(
        host, WASI, "move", **{"container": "other", "name": "a", "to-container": "box", "to": "b"}
    )
    assert moved == (200, "ok\n")
    assert (tmp_path / "files/test/box/b").read_text() == "other"


def test_a_store_is_exchanged_with_its_data_under_load(
    up, tmp_path: Path, s3_server: S3Server, request: pytest.FixtureRequest
) -> None:
    """Memory can't be left and found again; files, S3 and files elsewhere can."""
    tables = {
        "files": 'type = "filesystem"\npath = "files"\n',
        "s3": s3(request),
        "nats": nats(request),
        "back": 'type = "filesystem"\npath = "back"\n',
    }
    config = configuration(tmp_path, f"[blob_store.default]\n{tables['files']}")
    host = up(manifest(tmp_path), "--config", config)
    ask(host, WASI, "create")
    written: list[str] = []
    failed: list[tuple[int, str]] = []
    done = False

    def work(number: int) -> None:
        who = BOTH[number % 2]
        turn = 0
        with host.new_client(headers={"host": f"{who}.test"}) as client:
            while not done:
                name, turn = f"{number}-{turn}", turn + 1
                params = {"name": name, "size": 1000 + turn}
                for route in ("make", "sum"):
                    answer = client.get(f"/{route}", params=params)
                    if answer.status_code != 200:
                        failed.append((answer.status_code, answer.text))
                written.append(f"{name} {1000 + turn}")

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(work, number) for number in range(4)]
        try:
            before = "files"
            for after in ("s3", "nats", "back"):
                seen = len(written)
                wait_for("some writes", lambda seen=seen: len(written) > seen + 20)
                configuration(
                    tmp_path,
                    f'[blob_store.default]\n{tables[after]}migrate_from = "old"\n'
                    f"[blob_store.old]\n{tables[before]}",
                )
                host.apply("--config", config)
                before = after
            seen = len(written)
            wait_for("some writes", lambda: len(written) > seen + 20)
        finally:
            done = True
        for task in tasks:
            task.result()
    assert failed == []
    for each in written:
        name, size = each.split()
        assert (tmp_path / "back/test/default" / name).stat().st_size == int(size)
