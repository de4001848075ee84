"""`up` and `serve`, and the commands that talk to a running host."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from commandline import Paddock, environment, wait_for

HELLO = "Hello from WebAssembly text!\n"


class Served:
    """A host in a process of its own; what it wrote is in files."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.out, self.err = folder / "host.out", folder / "host.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "paddock", *arguments],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.url = wait_for("the host to serve", self._url)

    def _url(self) -> str | None:
        said = self.out.read_text() + self.err.read_text()
        assert self.process.poll() is None, said
        found = re.search(r"^Serving (?:HTTP on )?(http://\S+?)/?$", said, re.MULTILINE)
        return found[1] if found else None

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            body: bytes = answer.read()
            return body.decode()


class Serve(Protocol):
    def __call__(self, *arguments: str) -> Served: ...


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Serve]:
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(tmp_path, list(arguments)))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


@pytest.fixture
def app(paddock: Paddock, tmp_path: Path) -> Path:
    assert paddock("new", "app", "-t", "http-wat").returncode == 0
    return tmp_path / "app"


def change(app: Path, text: str) -> None:
    file = app / "app.wat"
    escaped = text.replace("\n", "\\n")
    source = file.read_text().replace(HELLO.replace("\n", "\\n"), escaped)
    file.write_text(source.replace(f"i32.const {len(HELLO)}))", f"i32.const {len(text)}))"))


def test_a_new_text_project_is_served_as_it_is(host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    assert served.get("/any/path") == HELLO
    assert f"app: {served.url}/ (wildcard)" in served.out.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_host_in_good_order(host: Serve, app: Path, number: signal.Signals) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    served.process.send_signal(number)
    assert served.process.wait(30) == 0


def test_status_tells_what_runs(paddock: Paddock, host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    shown = paddock("status", "app")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"{served.url}  process {served.process.pid}, ")
    assert "\n  /... -> app\n" in shown.stdout
    answer = json.loads(paddock("status", "--json", "app").stdout)
    assert answer["generation"] == 1
    assert answer["applications"][0]["name"] == "app"


def test_a_change_is_planned_and_applied(paddock: Paddock, host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    assert paddock("apply", "app", "--dry-run").stdout == "nothing changes\n"
    change(app, "changed\n")
    planned = paddock("apply", "app", "--dry-run")
    assert "component 'app' exchanged" in planned.stdout, planned.stderr
    assert served.get() == HELLO
    applied = paddock("apply", "app", "--json")
    assert json.loads(applied.stdout)["generation"] == 2
    assert served.get() == "changed\n"


def test_a_broken_change_is_refused_and_the_old_one_serves(
    paddock: Paddock, host: Serve, app: Path
) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    (app / "app.wat").write_text("(component")
    refused = paddock("apply", "app")
    assert refused.returncode == 5
    assert refused.stderr.startswith("error: ")
    assert "app.wat" in refused.stderr or "component 'app'" in refused.stderr
    assert served.get() == HELLO


def test_a_mistake_in_the_manifest_is_refused_by_line(
    paddock: Paddock, host: Serve, app: Path
) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    manifest = app / "paddock.toml"
    manifest.write_text(manifest.read_text().replace("route =", "rout ="))
    refused = paddock("apply", "app")
    assert refused.returncode == 3
    assert "did you mean 'route'" in refused.stderr
    assert served.get() == HELLO


def test_stop_waits_for_the_end(paddock: Paddock, host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    stopped = paddock("stop", "app", "--wait")
    assert (stopped.returncode, stopped.stdout) == (0, ""), stopped.stderr
    assert served.process.wait(30) == 0
    assert paddock("status", "app").returncode == 6


def test_the_control_socket_is_the_users_alone(host: Serve, app: Path) -> None:
    host("up", "app", "--listen", "127.0.0.1:0")
    socket = app / ".paddock" / "control.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600


def test_upgrade_hands_over_to_a_new_process(paddock: Paddock, host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    upgraded = paddock("upgrade", "app")
    assert upgraded.returncode == 0, upgraded.stderr + served.err.read_text()
    assert served.process.wait(30) == 0
    try:
        assert served.get() == HELLO
        answer = json.loads(paddock("status", "--json", "app").stdout)
        assert answer["pid"] != served.process.pid
        assert answer["url"] == served.url
    finally:
        stopped = paddock("stop", "app", "--wait")
    assert stopped.returncode == 0, stopped.stderr


def test_a_second_host_on_the_same_state_is_refused(
    paddock: Paddock, host: Serve, app: Path
) -> None:
    host("up", "app", "--listen", "127.0.0.1:0")
    second = paddock("up", "app", "--listen", "127.0.0.1:0")
    assert second.returncode == 6
    assert "already running" in second.stderr


def test_a_port_in_use_is_said_to_be(paddock: Paddock, host: Serve, app: Path) -> None:
    served = host("up", "app", "--listen", "127.0.0.1:0")
    address = served.url.removeprefix("http://")
    second = paddock("up", "app", "--listen", address, "--state-dir", "other")
    assert second.returncode == 6
    assert f"can't listen on {address}" in second.stderr


def test_a_bare_component_is_served_without_a_manifest(host: Serve, app: Path) -> None:
    served = host("serve", "app/app.wat", "--addr", "127.0.0.1:0")
    assert served.get("/any") == HELLO
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(30) == 0


def test_without_a_host_the_commands_say_how_to_start_one(paddock: Paddock, app: Path) -> None:
    for command in ("status", "apply", "stop", "upgrade"):
        shown = paddock(command, "app")
        assert shown.returncode == 6
        assert "no host is running" in shown.stderr
        assert "hint: start one with 'paddock up'" in shown.stderr


def test_up_builds_before_it_serves(paddock: Paddock, host: Serve, app: Path) -> None:
    (app / "app.wat").rename(app / "source.wat")
    with (app / "paddock.toml").open("a") as manifest:
        manifest.write('[component.app.build]\ncommand = "cp source.wat app.wat"\n')
    unbuilt = paddock("up", "app", "--listen", "127.0.0.1:0")
    assert unbuilt.returncode == 5
    assert "paddock build" in unbuilt.stderr
    assert host("up", "app", "--build", "--listen", "127.0.0.1:0").get() == HELLO
