"""`paddock new` and `paddock build`, up to the point where an engine is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Paddock

from paddock.cli import tools
from paddock.manifest.reader import load

FAILING = """\
paddock_manifest_version = 1
application = { name = "app" }
[[trigger.http]]
route = "/..."
component = "one"
[component.one]
source = "one.wasm"
[component.one.build]
command = ["echo built > one.wasm", "{command}"]
workdir = "sub"
"""


def project(folder: Path, command: str) -> None:
    (folder / "sub").mkdir()
    (folder / "paddock.toml").write_text(FAILING.replace("{command}", command))


@pytest.mark.parametrize("template", ["http-python", "http-wat"])
def test_a_new_project_is_read_and_says_what_comes_next(
    paddock: Paddock, tmp_path: Path, template: str
) -> None:
    made = paddock("new", "my-app", "-t", template)
    assert made.returncode == 0, made.stderr
    assert made.stdout == ""
    assert "  cd my-app\n" in made.stderr
    assert "  paddock up\n" in made.stderr
    assert load(tmp_path / "my-app").name == "my-app"
    assert (tmp_path / "my-app" / ".gitignore").is_file()
    left = [file for file in (tmp_path / "my-app").rglob("*") if file.is_file()]
    assert not any("__NAME__" in file.read_text() for file in left)


def test_a_python_project_brings_the_interfaces_that_it_uses(
    paddock: Paddock, tmp_path: Path
) -> None:
    paddock("new", "py", "-t", "http-python")
    packages = [file.read_text() for file in (tmp_path / "py" / "wit" / "deps").iterdir()]
    for name in ("wasi:http@0.2.0", "wasi:io@0.2.0", "wasi:clocks@0.2.0"):
        assert any(text.startswith(f"package {name};") for text in packages)


def test_nothing_is_overwritten(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mine.txt").write_text("keep")
    made = paddock("new", "app", "-t", "http-wat")
    assert made.returncode == 2
    assert "exists already" in made.stderr
    assert [file.name for file in (tmp_path / "app").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["MyApp", "-t", "http-wat"], "such as 'my-app'"),
        (["app", "-t", "http-pyton"], "did you mean 'http-python'?"),
        (["app"], "http-python, http-wat"),
        ([], "the name is missing"),
    ],
)
def test_a_mistake_is_answered_with_what_is_right(
    paddock: Paddock, arguments: list[str], said: str
) -> None:
    made = paddock("new", *arguments)
    assert made.returncode == 2
    assert said in made.stderr


def test_templates_are_listed(paddock: Paddock) -> None:
    lines = paddock("new", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["http-python", "http-wat"]


def test_commands_run_in_their_directory_and_their_output_is_shown(
    paddock: Paddock, tmp_path: Path
) -> None:
    project(tmp_path, "echo from the compiler; pwd")
    built = paddock("build")
    assert built.returncode == 0, built.stderr
    assert built.stdout == ""
    assert (tmp_path / "sub" / "one.wasm").read_text() == "built\n"
    assert "from the compiler\n" in built.stderr
    assert f"{tmp_path}/sub\n" in built.stderr
    assert "Built one in " in built.stderr


def test_a_command_that_fails_names_component_and_exit_code(
    paddock: Paddock, tmp_path: Path
) -> None:
    project(tmp_path, "exit 9")
    built = paddock("build")
    assert built.returncode == 7
    assert "component 'one': the build command ended with exit code 9: exit 9" in built.stderr


def test_a_program_that_is_missing_is_said_to_be(paddock: Paddock, tmp_path: Path) -> None:
    project(tmp_path, "no-such-compiler-here")
    built = paddock("build")
    assert built.returncode == 7
    assert "hint: its program was not found" in built.stderr


def test_a_workdir_that_is_missing_is_said_to_be(paddock: Paddock, tmp_path: Path) -> None:
    project(tmp_path, "true")
    (tmp_path / "sub").rmdir()
    built = paddock("build")
    assert built.returncode == 7
    assert "check 'workdir'" in built.stderr


def test_a_component_that_is_not_there_is_answered_with_the_nearest(
    paddock: Paddock, tmp_path: Path
) -> None:
    project(tmp_path, "true")
    built = paddock("build", "-c", "onne")
    assert built.returncode == 2
    assert "did you mean 'one'?" in built.stderr


def test_an_application_without_builds_has_nothing_to_build(
    paddock: Paddock, tmp_path: Path
) -> None:
    paddock("new", "wat", "-t", "http-wat")
    built = paddock("build", "wat")
    assert built.returncode == 0
    assert "Nothing to build" in built.stderr


def test_a_tool_on_the_path_is_taken_before_one_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "componentize-py"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.folders_for(["componentize-py -d wit componentize app"]) == []


def test_a_missing_tool_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("PADDOCK_CACHE_DIR", str(tmp_path / "cache"))
    calls: list[list[str]] = []

    def install(command: list[str], what: str) -> None:
        calls.append(command)
        if "venv" in command:
            folder = Path(command[-1]) / "bin"
            folder.mkdir(parents=True)
            (folder / "componentize-py").write_text("#!/bin/sh\n")
            (folder / "componentize-py").chmod(0o755)

    monkeypatch.setattr(tools, "_call", install)
    command = "LANG=C componentize-py --help"
    (first,) = tools.folders_for([command])
    (second,) = tools.folders_for([command, command])
    assert first == second
    assert [call[1:3] for call in calls] == [["-m", "venv"], ["-m", "pip"]]
    assert calls[1][-1] == "componentize-py==0.25.1"


def test_an_installation_that_fails_says_what_the_installer_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    with pytest.raises(tools.BuildError, match="could not make"):
        tools._install(tmp_path / "home", tmp_path / "bin", tools.KNOWN["componentize-py"])


def test_schemas_are_json(paddock: Paddock) -> None:
    import json

    for kind, key in (("manifest", "component"), ("host", "key_value_store")):
        shown: subprocess.CompletedProcess[str] = paddock("schema", kind)
        assert key in json.loads(shown.stdout)["properties"]
