"""Changing what runs: planned, applied whole or refused whole."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import threading
from pathlib import Path

import pytest
from hosts import Running, paddock, wait_for
from manifests import component, configuration, guest, routed, write

MEMORY = '[key_value_store.default]\ntype = "memory"\n'
SQLITE = '[key_value_store.default]\ntype = "sqlite"\npath = "data.db"\n'
STORE = 'key_value_stores = ["default"]\n'


def test_a_changed_manifest_is_applied(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("hello", route="/old")))
    write(tmp_path, routed("hello", route="/new"), component("added", "hello-wat"))
    answer = host.apply()
    assert answer["generation"] == 2
    assert answer["changes"] == [
        "application 'test': component 'added' added",
        "application 'test': routes changed",
    ]
    assert (host.get("/old").status_code, host.get("/new").status_code) == (404, 200)
    host.logged(r"generation 2: application 'test': routes changed")


def test_an_exchanged_component_answers_at_once(up, tmp_path: Path) -> None:
    file = Path(shutil.copy(guest("hello"), tmp_path / "guest.wasm"))
    host = up(write(tmp_path, routed("guest", file)))
    assert host.get("/").text.strip() == "hello"
    shutil.copy(guest("c"), file)
    [change] = host.apply()["changes"]  # type: ignore[misc]
    assert "component 'guest' exchanged (" in str(change)
    assert host.get("/").text == "hello from C"


def test_nothing_changes_when_nothing_changed(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)))
    done = host.command("apply", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "nothing changes\n")
    write(tmp_path, "# a comment\n", routed("kv-draft2", extra=STORE))
    assert host.command("apply").stdout == "nothing changes\n"


def test_a_dry_run_prints_the_plan_and_changes_nothing(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("hello", route="/old")))
    write(tmp_path, routed("hello", route="/new"))
    done = host.command("apply", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "application 'test': routes changed\n")
    assert (host.get("/old").status_code, host.get("/new").status_code) == (200, 404)
    assert host.status()["generation"] == 1


def test_configuration_of_a_component_is_a_change(up, tmp_path: Path) -> None:
    host = up(
        write(tmp_path, routed("routes", extra='environment = { A = "1" }\n')), "--env", "KEPT=yes"
    )
    assert host.get("/env").text == "A=1\nKEPT=yes\n"
    write(tmp_path, routed("routes", extra='environment = { A = "2" }\n'))
    assert host.apply()["changes"] == ["application 'test': component 'routes' configured anew"]
    assert host.get("/env").text == "A=2\nKEPT=yes\n"


def test_a_changed_file_of_a_component_is_seen_after_the_apply_and_not_before(
    up, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("one")
    host = up(write(tmp_path, routed("routes", extra='files = ["a.txt"]\n')))
    (tmp_path / "a.txt").write_text("two")
    assert host.get("/file?path=a.txt").text == "one"
    host.apply()
    assert host.get("/file?path=a.txt").text == "two"


def test_an_exchanged_store_leaves_the_data_behind_and_says_so(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, MEMORY)
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    host.get("/set?key=k&value=in+memory")
    configuration(tmp_path, SQLITE)
    changes = str(host.apply()["changes"])
    assert "key-value store 'default' exchanged (memory -> sqlite)" in changes
    assert "stays behind" in changes
    host.logged(r"stays behind")
    assert host.get("/get?key=k").status_code == 404
    host.get("/set?key=k&value=in+sqlite")
    assert (tmp_path / "data.db").exists()
    assert host.get("/get?key=k").text == "in sqlite"


def test_a_store_that_is_not_exchanged_keeps_its_data(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, MEMORY)
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)), "--config", config)
    host.get("/set?key=k&value=kept")
    write(tmp_path, routed("kv-draft2", extra=STORE + 'limits = { memory = "32MiB" }\n'))
    configuration(tmp_path, MEMORY + '[limits]\nbody = "1MiB"\n')
    host.apply()
    assert host.get("/get?key=k").text == "kept"


def test_limits_of_the_host_are_changed_by_an_apply(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\ntime = "20s"\n')
    host = up(write(tmp_path, routed("routes")), "--config", config)
    configuration(tmp_path, '[limits]\ntime = "200ms"\n')
    host.apply()
    assert host.get("/sleep?ms=3000").status_code == 504


def test_another_configuration_can_be_named(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("kv-draft2", extra=STORE)))
    other = tmp_path / "other.toml"
    other.write_text(MEMORY)
    assert "exchanged (sqlite -> memory)" in str(host.apply("--config", other)["changes"])
    # From now on that one is the host's.
    assert host.command("apply").stdout == "nothing changes\n"


REFUSED = {
    "a mistake": ("routse = 1\n", 3, "routse"),
    "an absent file": (routed("x", "absent.wasm"), 5, "absent.wasm"),
    "an unknown store": (routed("hello", extra='key_value_stores = ["cellar"]'), 5, "cellar"),
    "no HTTP": (routed("add", extra=STORE), 5, "exports no HTTP handler"),
    "two routes that collide": (
        routed("hello") + '[[trigger.http]]\nroute = "/..."\ncomponent = "hello"\n',
        3,
        "the same requests",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_plan_leaves_everything_as_it_was(up, tmp_path: Path, what: str) -> None:
    text, code, part = REFUSED[what]
    host = up(write(tmp_path, routed("hello", route="/only")))
    before = host.status()
    write(tmp_path, text)
    for option in ([], ["--dry-run"]):
        done = host.command("apply", *option)
        assert done.returncode == code or (code == 5 and done.returncode == 3), done.stderr
        assert part in done.stderr and "Traceback" not in done.stderr
        assert done.stdout == ""
    assert host.get("/only").status_code == 200
    after = host.status()
    assert (after["generation"], after["applications"]) == (
        before["generation"],
        before["applications"],
    )


def test_every_reason_against_a_plan_is_given_at_once(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("hello")))
    write(
        tmp_path,
        routed("hello", extra='key_value_stores = ["cellar"]'),
        component("absent", tmp_path / "absent.wasm"),
        routed("add", route="/add"),
    )
    text = host.command("apply").stderr
    assert "cellar" in text and "absent.wasm" in text and "exports no HTTP handler" in text


def test_a_request_finishes_on_the_generation_where_it_began(up, tmp_path: Path) -> None:
    file = Path(shutil.copy(guest("routes"), tmp_path / "guest.wasm"))
    host = up(write(tmp_path, routed("guest", file)))
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(host.get("/stream?n=30&ms=50").text))
    thread.start()
    wait_for("the request to be under way", lambda: not found)
    shutil.copy(guest("hello-wat"), file)
    host.apply()
    with host.new_client() as client:
        assert client.get("/stream?n=30").text.strip() == "hello"
    thread.join()
    assert len(found[0].splitlines()) in (30, 1)


def test_reused_instances_get_no_work_after_an_apply(up, tmp_path: Path) -> None:
    reuse = 'reuse = { requests = 1000, concurrency = 1, idle = "30s" }\n'
    host = up(write(tmp_path, routed("routes", extra=reuse)))
    assert [host.get("/count").text for _ in range(3)] == ["1", "2", "3"]
    write(tmp_path, routed("routes", extra=reuse + 'environment = { A = "1" }\n'))
    host.apply()
    assert host.get("/count").text == "1"
    assert host.get("/env").text == "A=1\n"


def test_status_says_what_runs_and_no_values(up, tmp_path: Path) -> None:
    variables = '[variables]\nkey = { default = "s3cret", secret = true }\n'
    host: Running = up(write(tmp_path, variables, routed("kv-draft2", extra=STORE)))
    status = host.status()
    assert status["pid"] == host.process.pid
    assert status["url"] == host.url
    assert status["generation"] == 1
    [application] = status["applications"]  # type: ignore[misc]
    assert application["name"] == "test"
    assert application["components"][0]["digest"].startswith("sha256:")
    assert application["stores"] == {"default": "sqlite"}
    assert "s3cret" not in str(status)
    plain = host.command("status")
    assert plain.returncode == 0 and host.url in plain.stdout and "kv-draft2" in plain.stdout


def test_the_control_socket_is_for_its_user_alone(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("hello")))
    path = host.state_dir / "control.sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert path.stat().st_uid == os.getuid()


def test_a_long_path_of_a_state_directory_still_has_a_control_socket(up, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100) / ("y" * 100)
    host = up(write(tmp_path, routed("hello")), "--state-dir", long)
    assert host.status()["pid"] == host.process.pid


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b'{"operation": "explode"}\n',
        b'{"operation": []}\n',
        b"x" * (2 << 20) + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_nonsense_on_the_control_socket_does_no_harm(up, tmp_path: Path, line: bytes) -> None:
    host: Running = up(write(tmp_path, routed("hello")))
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(str(host.state_dir / "control.sock"))
        try:
            control.sendall(line)
            answer = control.recv(65536)
        except ConnectionError:
            answer = b""
        assert not answer or b'"error"' in answer
    assert host.status()["generation"] == 1
    assert host.get("/").status_code == 200


def test_two_hosts_on_one_state_directory_are_refused(up, tmp_path: Path, cache: Path) -> None:
    host = up(write(tmp_path, routed("hello")))
    done = paddock(
        "up", host.manifest, "--state-dir", host.state_dir, "--listen", "127.0.0.1:0", cache=cache
    )
    assert done.returncode == 6
    assert "already running" in done.stderr and "paddock apply" in done.stderr
    assert done.stdout == ""
    assert host.get("/").status_code == 200
    assert host.status()["pid"] == host.process.pid


def test_a_socket_that_a_killed_host_left_is_no_obstacle(up, tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("hello"))
    first = up(manifest)
    first.process.kill()
    first.ended()
    assert (first.state_dir / "control.sock").exists()
    second = up(manifest)
    assert second.get("/").status_code == 200
