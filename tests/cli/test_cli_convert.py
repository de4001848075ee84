"""`paddock convert`: where its files go, whose paths move, and what it refuses to write."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from commandline import Paddock, environment

from paddock.manifest.model import Application
from paddock.manifest.reader import load

GUESTS = Path(__file__).parents[1] / "guests"

#: Every kind of holder of paths, at each place where a component may stand.
PATHS = """\
paddock_manifest_version = 1
[application]
name = "paths"
[[trigger.http]]
route = "/..."
[trigger.http.component]
source = "inline.wasm"
files = [{ source = "static", destination = "/" }]
build = { command = "make", workdir = "src" }
[[trigger.cron]]
cron_expression = "0 0 * * * *"
component = { source = "tick.wasm", build = { command = "make tick" } }
[[trigger.http]]
route = "/named"
component = "named"
[component.named]
source = "named.wasm"
files = [{ source = "/srv", destination = "/srv" }]
build = { command = "make named" }
[component.named.profile.debug]
source = "debug.wasm"
build = { command = "make debug" }
"""
#: Named by its version, so that what composition makes of it does not matter here.
DEPENDENCIES = """\
[component.named.dependencies]
"acme:near/it" = { path = "near.wasm" }
"acme:far/it" = "1.0.0"
[component.named.profile.debug.dependencies]
"acme:near/it" = { path = "near-debug.wasm" }
[[trigger.command]]
[trigger.command.component]
source = "program.wasm"
dependencies = { "acme:near/it" = { path = "/opt/near.wasm" } }
"""
WADM = """\
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {name: counter}
spec:
  components:
    - name: counter
      type: component
      properties: {image: file://./counter.wasm}
      traits:
        - type: link
          properties:
            target: {name: redis, config: [{name: c, properties: {url: "redis://:word@127.0.0.1"}}]}
            namespace: wasi
            package: keyvalue
            interfaces: [store]
    - name: redis
      type: capability
      properties: {image: "ghcr.io/wasmcloud/keyvalue-redis:0.28.1"}
"""
WAGI = '[[module]]\nroute = "/"\nmodule = "a.wasm"\nhttp_max_concurrency = 3\n'


def comparable(app: Application) -> Application:
    return replace(app, unsupported=(), providers={}, base=Path(), source=None)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "wadm.yaml").write_text(WADM, encoding="utf-8")
    return folder


@pytest.mark.parametrize("profile", [None, "debug"])
def test_every_path_is_the_same_from_another_directory(
    paddock: Paddock, tmp_path: Path, profile: str | None
) -> None:
    (tmp_path / "paddock.toml").write_text(PATHS, encoding="utf-8")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    done = paddock("convert", "paddock.toml", "-o", "deep/er/paddock.toml")
    assert done.returncode == 0, done.stderr
    made = load(tmp_path / "deep" / "er", profile)
    assert comparable(made) == comparable(load(tmp_path, profile))


def test_paths_of_dependencies_move_too(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "paddock.toml").write_text(PATHS + DEPENDENCIES, encoding="utf-8")
    (tmp_path / "deep").mkdir()
    done = paddock("convert", "paddock.toml", "-o", "deep/paddock.toml")
    assert done.returncode == 0, done.stderr
    made = tomllib.loads((tmp_path / "deep" / "paddock.toml").read_text(encoding="utf-8"))
    named = made["component"]["named"]
    inline = made["trigger"]["command"][0]["component"]
    assert named["dependencies"] == {
        "acme:near/it": {"path": "../near.wasm"},
        "acme:far/it": "1.0.0",
    }
    near = "acme:near/it"
    assert named["profile"]["debug"]["dependencies"][near]["path"] == "../near-debug.wasm"
    path = Path(inline["dependencies"][near]["path"])
    assert (tmp_path / "deep" / path).resolve() == Path("/opt/near.wasm").resolve()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'build = { command = "make named" }\n',
            "",
            "component 'named' is built in a profile only",
        ),
        (
            'files = [{ source = "static", destination = "/" }]',
            'files = ["static/*"]',
            "the component of trigger.http[0] has patterns of files",
        ),
    ],
)
def test_what_can_be_said_in_its_own_directory_only_is_refused(
    paddock: Paddock, tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "paddock.toml").write_text(PATHS.replace(old, new), encoding="utf-8")
    (tmp_path / "deep").mkdir()
    done = paddock("convert", "paddock.toml", "-o", "deep/paddock.toml")
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "deep" / "paddock.toml").exists()
    assert paddock("convert", "paddock.toml", "-o", "here.toml").returncode == 0


def test_a_directory_behind_a_link_gets_paths_that_hold_by_both_of_its_names(
    paddock: Paddock, tmp_path: Path
) -> None:
    (tmp_path / "far" / "away" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away" / "deep")
    (tmp_path / "modules.toml").write_text(WAGI, encoding="utf-8")
    done = paddock("convert", "modules.toml", "-o", "link/paddock.toml")
    assert done.returncode == 0, done.stderr
    for name in ("link", "far/away/deep"):
        assert load(tmp_path / name).components["a"].source == tmp_path / "a.wasm"


def test_nothing_but_comments_stands_above_the_tables(paddock: Paddock, tmp_path: Path) -> None:
    folder = tmp_path / 'a\n[component.evil]\nsource = "x"\x1b[2J\x07'
    folder.mkdir()
    (folder / "modules.toml").write_text(WAGI, encoding="utf-8")
    done = paddock("convert", folder)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout) <= {"\n", *filter(str.isprintable, done.stdout)}
    assert set(tomllib.loads(done.stdout)["component"]) == {"a"}


def test_a_name_that_is_no_text_is_refused(paddock: Paddock, tmp_path: Path) -> None:
    try:
        (tmp_path / "a\udcff.wasm").touch()
    except OSError:
        pytest.skip("names of files are Unicode here")
    (tmp_path / "deep").mkdir()
    done = paddock("convert", tmp_path / "a\udcff.wasm", "-o", "deep/paddock.toml")
    assert done.returncode == 3
    assert "not valid UTF-8" in done.stderr


def test_a_control_character_of_a_value_is_escaped(paddock: Paddock, tmp_path: Path) -> None:
    text = WAGI + 'environment = { A = "\x9b2J\u202e", B = "é" }\n'
    (tmp_path / "modules.toml").write_text(text, encoding="utf-8")
    done = paddock("convert", tmp_path)
    values = tomllib.loads(done.stdout)["component"]["a"]["environment"]
    assert values == {"A": "\x9b2J\u202e", "B": "é"}
    assert set(done.stdout) <= {"\n", *filter(str.isprintable, done.stdout)}


def test_minus_is_stdout_which_is_utf_8(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "modules.toml").write_text(WAGI + 'environment = { A = "é" }\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "paddock", "convert", "-o", "-"],
        cwd=tmp_path,
        env=environment({"PYTHONIOENCODING": "ascii"}),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b'"\xc3\xa9"' in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["modules.toml"]


def test_an_output_that_is_there_is_told_before_any_is_written(paddock: Paddock, app: Path) -> None:
    (app / "host.toml").write_text("kept", encoding="utf-8")
    done = paddock("convert", app, "-o", app / "p.toml", "--config-output", app / "host.toml")
    assert done.returncode == 2
    assert "host.toml exists" in done.stderr
    assert not (app / "p.toml").exists()
    assert (app / "host.toml").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("second", ["p.toml", "../app/p.toml", "link.toml", "wadm.yaml"])
def test_no_output_is_written_over_another_or_the_input(
    paddock: Paddock, app: Path, second: str
) -> None:
    (app / "link.toml").symlink_to("p.toml")
    arguments = ["-o", app / "p.toml", "--config-output", app / second, "--force"]
    done = paddock("convert", app / "wadm.yaml", *arguments)
    assert done.returncode == 2
    assert not (app / "p.toml").exists()
    assert (app / "wadm.yaml").read_text(encoding="utf-8") == WADM


def test_passwords_are_the_owners_whoever_could_read_the_file_before(
    paddock: Paddock, app: Path
) -> None:
    host, manifest = app / "host.toml", app / "p.toml"
    for file, mode in ((host, 0o644), (manifest, 0o640)):
        file.write_text("old", encoding="utf-8")
        file.chmod(mode)
    done = paddock("convert", app, "-o", manifest, "--config-output", host, "--force")
    assert done.returncode == 0, done.stderr
    assert "word" in host.read_text(encoding="utf-8")
    assert host.stat().st_mode & 0o777 == 0o600
    assert manifest.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in app.iterdir()) == ["host.toml", "p.toml", "wadm.yaml"]


def test_a_link_stays_one_and_what_it_leads_to_is_written(paddock: Paddock, app: Path) -> None:
    (app / "real.toml").write_text("old", encoding="utf-8")
    (app / "p.toml").symlink_to("real.toml")
    assert paddock("convert", app, "-o", app / "p.toml", "--force").returncode == 0
    assert (app / "p.toml").is_symlink()
    assert "counter" in (app / "real.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["missing/p.toml", "wadm.yaml/p.toml", "/proc/p.toml"])
def test_a_file_that_can_not_be_written_is_told_with_its_reason(
    paddock: Paddock, app: Path, place: str
) -> None:
    done = paddock("convert", app, "-o", app / place)
    assert done.returncode == 6, done.stderr
    assert f"can't write {app / place}: " in done.stderr
    assert "hint: " in done.stderr


def test_a_directory_is_no_output(paddock: Paddock, app: Path) -> None:
    done = paddock("convert", app, "-o", app, "--force")
    assert done.returncode == 2
    assert "is a directory" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["convert", "doctor", "grants", "schema", "version", "--help"])
def test_a_stdout_that_is_full_is_told(app: Path, command: str, unbuffered: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "paddock", command],
            cwd=app,
            env=environment({"PYTHONUNBUFFERED": unbuffered}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 6, done.stderr
    assert "can't write to stdout: No space left" in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
def test_a_device_is_written_to_as_it_is(paddock: Paddock, app: Path) -> None:
    done = paddock("convert", app, "-o", "/dev/full")
    assert done.returncode == 6
    assert "can't write /dev/full: No space left" in done.stderr
    assert "name: counter" not in paddock("convert", app, "-o", "/dev/null").stderr
