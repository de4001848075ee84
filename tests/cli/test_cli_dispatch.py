"""Which command runs, and what is said when none does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Paddock, environment

from paddock.cli import main
from paddock.cli.dispatch import COMMANDS, USE_TABLE

DOCS = Path(__file__).parents[2] / "docs"


def test_help_lists_every_command_and_when_to_use_which(paddock: Paddock) -> None:
    shown = paddock("--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown.stdout
        assert entry.about in shown.stdout
    assert USE_TABLE.rstrip() in shown.stdout


def test_the_documentation_has_the_same_table_and_every_command() -> None:
    page = (DOCS / "commands.md").read_text()
    assert USE_TABLE.partition("\n")[2].rstrip() in page
    for name in COMMANDS:
        assert f"## `paddock {name}" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert f"usage: paddock {name}" in capsys.readouterr().out


def test_no_command_shows_the_help_and_fails(paddock: Paddock) -> None:
    shown = paddock()
    assert shown.returncode == 2
    assert "Commands:" in shown.stdout


def test_an_unknown_command_is_answered_with_the_nearest(paddock: Paddock) -> None:
    shown = paddock("isnpect", "x.wasm")
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr == "error: there is no command 'isnpect'\nhint: did you mean 'inspect'?\n"


def test_a_file_in_place_of_a_command_is_answered_with_both_ways(paddock: Paddock) -> None:
    assert "hint: to run that file: paddock run x.wasm" in paddock("x.wasm").stderr


def test_an_unknown_option_is_answered_with_the_nearest(paddock: Paddock) -> None:
    shown = paddock("up", "--lisen", "127.0.0.1:0")
    assert shown.returncode == 2
    assert "unknown option --lisen\nhint: did you mean '--listen'?" in shown.stderr


def test_options_are_not_abbreviated(paddock: Paddock) -> None:
    assert paddock("up", "--list", "127.0.0.1:0").returncode == 2


def test_mistakes_of_a_manifest_end_with_their_own_exit_code(
    paddock: Paddock, tmp_path: Path
) -> None:
    (tmp_path / "paddock.toml").write_text("paddock_manifest_version = 1\nrouts = 1\n")
    shown = paddock("build")
    assert shown.returncode == 3
    assert shown.stderr.startswith("error: paddock.toml:")
    assert "Traceback" not in shown.stderr


def test_a_flaw_of_ours_is_one_line_and_a_traceback_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(argv: list[str]) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("paddock.cli.dispatch._command", fail)
    monkeypatch.delenv("PADDOCK_DEBUG", raising=False)
    assert main(["up"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: Paddock failed unexpectedly (RuntimeError: two lines)\nhint: ")
    assert "Traceback" not in said
    monkeypatch.setenv("PADDOCK_DEBUG", "1")
    assert main(["up"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m paddock schema | head -c 1"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (shown.stdout, shown.stderr) == ("{", "")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "paddock", "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "paddock.cli.dispatch" in imported
    heavy = {"pydantic", "asyncio", "importlib.metadata", "difflib", "tomllib", "paddock._core"}
    assert not imported & heavy
    assert not any(name.startswith("paddock.host") for name in imported)
