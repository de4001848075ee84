"""Key-value stores through every interface that guests import, behind each provider."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hosts import Running
from manifests import configuration, routed, write

INTERFACES = ["kv-draft", "kv-draft2", "kv-spin", "kv-spin-unversioned", "kv3"]
WASI = ["kv-draft", "kv-draft2"]
STORES = 'key_value_stores = ["default", "second"]'
PROVIDERS = {
    "memory": '[key_value_store.default]\ntype = "memory"\n[key_value_store.second]\ntype = "memory"\n',
    "sqlite": '[key_value_store.second]\ntype = "sqlite"\n',
}


@pytest.fixture(scope="module", params=PROVIDERS)
def host(
    request: pytest.FixtureRequest, module_up, tmp_path_factory: pytest.TempPathFactory
) -> Running:
    directory = tmp_path_factory.mktemp(request.param)
    parts = [routed(id, extra=STORES, route=f"/{id}/...") for id in INTERFACES]
    # Guests look at the whole path, so each has a host name of its own.
    parts = [
        part.replace(f'"/{id}/..."', f'"/..."\nhost = "{id}.test"')
        for id, part in zip(INTERFACES, parts, strict=True)
    ]
    parts += [
        routed("denied", "kv-draft2", route="/...").replace(
            '"/..."', '"/..."\nhost = "denied.test"'
        )
    ]
    parts += [
        routed("denied3", "kv3", route="/...").replace('"/..."', '"/..."\nhost = "denied3.test"')
    ]
    return module_up(
        write(directory, *parts), "--config", configuration(directory, PROVIDERS[request.param])
    )


def ask(host: Running, who: str, route: str, **query: str) -> tuple[int, str]:
    answer = host.get(f"/{route}", params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


@pytest.mark.parametrize("who", INTERFACES)
def test_what_was_set_can_be_got_until_it_is_deleted(host: Running, who: str) -> None:
    assert ask(host, who, "get", key=f"absent-{who}") == (404, "none\n")
    assert ask(host, who, "set", key=f"k-{who}", value="grün")[0] == 200
    assert ask(host, who, "get", key=f"k-{who}") == (200, "grün")
    assert ask(host, who, "exists", key=f"k-{who}") == (200, "true")
    assert ask(host, who, "delete", key=f"k-{who}")[0] == 200
    assert ask(host, who, "exists", key=f"k-{who}") == (200, "false")
    assert ask(host, who, "get", key=f"k-{who}") == (404, "none\n")


@pytest.mark.parametrize("who", INTERFACES)
def test_keys_are_listed(host: Running, who: str) -> None:
    for number in range(3):
        ask(host, who, "set", key=f"list-{who}-{number}", value="", store="second")
    status, text = ask(host, who, "keys", store="second")
    assert status == 200
    assert [k for k in text.splitlines() if k.startswith(f"list-{who}-")] == [
        f"list-{who}-{n}" for n in range(3)
    ]


def test_all_interfaces_see_one_store(host: Running) -> None:
    ask(host, "kv-spin", "set", key="shared", value="1")
    assert [ask(host, who, "get", key="shared") for who in INTERFACES] == [(200, "1")] * 5


def test_two_stores_are_apart(host: Running) -> None:
    ask(host, "kv-draft2", "set", key="apart", value="1")
    assert ask(host, "kv-draft2", "get", key="apart", store="second")[0] == 404


@pytest.mark.parametrize("who", WASI)
def test_counting_swapping_and_batches(host: Running, who: str) -> None:
    assert [ask(host, who, "incr", key=f"n-{who}", by=by)[1] for by in ("2", "3", "1")] == [
        "2",
        "5",
        "6",
    ]
    assert ask(host, who, "set-many", pairs=f"{who}a:1,{who}b:2")[0] == 200
    assert ask(host, who, "get-many", keys=f"{who}a,{who}b,{who}c")[1].split() == [
        f"{who}a=1",
        f"{who}b=2",
        f"{who}c",
        "none",
    ]
    assert ask(host, who, "delete-many", keys=f"{who}a,{who}b")[0] == 200
    assert ask(host, who, "exists", key=f"{who}a")[1] == "false"


def test_a_swap_fails_when_somebody_wrote_meanwhile(host: Running) -> None:
    ask(host, "kv-draft2", "set", key="swap", value="old")
    assert ask(host, "kv-draft2", "cas", key="swap", value="new")[1] == "swapped, before: old"
    status, text = ask(host, "kv-draft2", "cas", key="swap", value="late", meanwhile="other")
    assert (status, text) == (200, "failed, now: other")


def test_a_guest_in_c_counts(host: Running, up, tmp_path: Path) -> None:
    c = up(write(tmp_path, routed("c-kv", extra='key_value_stores = ["default"]')))
    assert [c.client.post("/visits").text for _ in range(3)] == ["1", "2", "3"]
    assert c.get("/visits").text == "3"
    assert c.get("/none").status_code == 404


@pytest.mark.parametrize("who", ["denied", "denied3"])
def test_a_store_that_is_not_granted_is_denied_and_the_log_says_how_to_grant_it(
    host: Running, who: str
) -> None:
    assert ask(host, who, "get") == (403, "error: access-denied\n")
    host.logged(
        rf"\[{who}\].*not granted.*\[component\.{who}\]: key_value_stores = \[\"default\"\]"
    )


def test_a_warning_at_the_start_names_what_is_imported_without_a_grant(host: Running) -> None:
    dry = host.command("apply", "--dry-run")
    assert "component 'denied' imports a" in dry.stderr and "key_value_stores" in dry.stderr


def test_what_a_guest_wrote_to_sqlite_is_there_after_a_restart(up, tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("kv-draft2", extra='key_value_stores = ["default"]'))
    first = up(manifest)
    first.get("/set", params={"key": "k", "value": "kept"})
    first.stop()
    second = up(manifest)
    assert second.get("/get?key=k").text == "kept"


def test_key_value_on_the_command_line_fills_the_default_store_once(up, tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("kv-draft2", extra='key_value_stores = ["default"]'))
    host = up(manifest, "--key-value", "greeting=hello=you", "--key-value", "n=1")
    assert host.get("/get?key=greeting").text == "hello=you"
    host.get("/set?key=n&value=2")
    manifest.write_text(manifest.read_text() + 'description = "changed"\n')
    host.apply()
    assert host.get("/get?key=n").text == "2"


def test_a_big_value_goes_through(host: Running) -> None:
    body = b"v" * (2 << 20)
    for who in ("kv-draft2", "kv-spin"):
        headers = {"host": f"{who}.test"}
        assert host.client.post("/set?key=big", content=body, headers=headers).status_code == 200
        assert host.get("/get?key=big", headers=headers).content == body


def test_the_database_of_a_store_is_private(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("kv-draft2", extra='key_value_stores = ["default"]')))
    host.get("/set?key=k&value=v")
    databases = [
        p for p in host.state_dir.rglob("*") if p.is_file() and p.read_bytes()[:6] == b"SQLite"
    ]
    assert databases
    for path in databases:
        assert not path.stat().st_mode & 0o077, path
        sqlite3.connect(path).close()
    assert not host.state_dir.stat().st_mode & 0o077
