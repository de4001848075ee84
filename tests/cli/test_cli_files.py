"""`compile`, `inspect` and `run` on files: what they print, and how they end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Paddock, environment, wait_for

from paddock.cli.needs import needs

GUESTS = Path(__file__).parents[1] / "guests"
WAT = GUESTS / "wat"
COMMAND = WAT / "p1-command.wat"

#: A command that writes "in" to stdout, waits for input, and exits with 7.
WAITS = """\
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00")
  (data (i32.const 16) "in\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.const 7))))
"""
LOOPS = '(module (func (export "_start") (loop (br 0))))'
TRAPS = '(module (func (export "_start") unreachable))'


def test_an_export_of_a_module_is_called_with_numbers(paddock: Paddock) -> None:
    ran = paddock("run", "--invoke", "add", WAT / "add.wat", "1", "2")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "3\n", "")


def test_an_argument_that_does_not_fit_names_its_parameter(paddock: Paddock) -> None:
    ran = paddock("run", "--invoke", "add", WAT / "add.wat", "1", "two")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert '"two"' in ran.stderr


def test_an_export_that_is_not_there_is_answered_with_the_nearest(paddock: Paddock) -> None:
    ran = paddock("run", "--invoke", "ad", WAT / "add.wat", "1", "2")
    assert ran.returncode == 2
    assert "add" in ran.stderr


def test_the_exit_code_of_the_guest_is_ours(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "waits.wat").write_text(WAITS)
    ran = paddock("run", "waits.wat", given="go\n")
    assert (ran.returncode, ran.stdout) == (7, "in\n"), ran.stderr


def test_a_trap_is_told_without_a_traceback(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "traps.wat").write_text(TRAPS)
    ran = paddock("run", "traps.wat")
    assert ran.returncode == 134
    assert ran.stderr.startswith("error: ")
    assert "unreachable" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "limit", [["--timeout", "100ms"], ["-W", "timeout=0.1s"], ["--fuel", "9999"]]
)
def test_an_endless_loop_is_stopped_by_a_limit(
    paddock: Paddock, tmp_path: Path, limit: list[str]
) -> None:
    (tmp_path / "loops.wat").write_text(LOOPS)
    ran = paddock("run", *limit, "loops.wat")
    assert ran.returncode == 134
    assert "limit" in ran.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("text", [LOOPS, WAITS])
def test_a_signal_ends_a_guest_that_does_not(
    tmp_path: Path, number: signal.Signals, code: int, text: str
) -> None:
    file = tmp_path / "guest.wat"
    file.write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "paddock", "run", str(file)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        if text is WAITS:
            assert process.stdout.readline() == b"in\n"
        else:
            wait_for("the signals to be ours", lambda: catches(process.pid, number))
        process.send_signal(number)
        assert process.wait(20) == code
    finally:
        process.kill()
        process.communicate()


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the event loop has SIGTERM, so a guest is about to start (Linux, proc(5))."""
    del number
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def test_a_file_that_is_missing_or_no_webassembly_is_named(
    paddock: Paddock, tmp_path: Path
) -> None:
    (tmp_path / "text.wasm").write_text("hello")
    for command in (["run"], ["inspect"], ["compile"], ["serve", "--addr", "127.0.0.1:0"]):
        missing = paddock(*command, "nothing.wasm")
        assert missing.returncode in (3, 4), missing.stderr
        assert "nothing.wasm does not exist" in missing.stderr
        damaged = paddock(*command, "text.wasm")
        assert damaged.returncode in (4, 5), damaged.stderr
        assert "text.wasm" in damaged.stderr
        assert "Traceback" not in damaged.stderr


def test_machine_code_runs_only_when_allowed(paddock: Paddock, tmp_path: Path) -> None:
    made = paddock("compile", WAT / "add.wat", "-o", "add.cwasm")
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert "Wrote add.cwasm" in made.stderr
    refused = paddock("run", "--invoke", "add", "add.cwasm", "1", "2")
    assert refused.returncode == 2
    assert "--allow-precompiled" in refused.stderr
    ran = paddock("run", "--allow-precompiled", "--invoke", "add", "add.cwasm", "1", "2")
    assert (ran.returncode, ran.stdout) == (0, "3\n"), ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["add.cwasm"]


def test_code_is_compiled_for_another_machine(paddock: Paddock, tmp_path: Path) -> None:
    made = paddock(
        "compile", WAT / "add.wat", "-o", "a.cwasm", "--target", "aarch64-unknown-linux-gnu"
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "a.cwasm").read_bytes()[:4] == b"\x7fELF"
    unknown = paddock("compile", WAT / "add.wat", "-o", "b.cwasm", "--target", "commodore64")
    assert unknown.returncode != 0
    assert "commodore64" in unknown.stderr
    assert not (tmp_path / "b.cwasm").exists()


def test_a_file_is_not_replaced_by_its_machine_code(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_text(TRAPS)
    assert paddock("compile", "a.wat", "-o", "a.wat").returncode == 2
    assert (tmp_path / "a.wat").read_text() == TRAPS


def test_inspect_tells_what_a_component_is_and_needs(paddock: Paddock) -> None:
    shown = paddock("inspect", WAT / "kv-get.wasm")
    assert shown.returncode == 0, shown.stderr
    assert "component, " in shown.stdout
    assert "this is an HTTP component" in shown.stdout
    assert "import wasi:keyvalue/store@0.2.0-draft2;" in shown.stdout
    assert 'key_value_stores = ["default"]' in shown.stdout


def test_inspect_as_json_has_the_same(paddock: Paddock) -> None:
    facts = json.loads(paddock("inspect", "--json", WAT / "kv-get.wasm").stdout)
    assert facts["kind"] == "component"
    assert [each["what"] for each in facts["grants"]] == ["a key-value store"]


def test_inspect_tells_the_types_of_a_module(paddock: Paddock) -> None:
    shown = paddock("inspect", WAT / "add.wat")
    assert "add: func(i32, i32) -> i32" in shown.stdout


def test_needs_are_grouped_by_what_grants_them() -> None:
    builtin = ("wasi:cli/", "wasi:http/", "wasi:filesystem/", "wasi:sockets/")
    found = needs(
        [
            "wasi:cli/stdout@0.2.0",
            "wasi:filesystem/types@0.2.0",
            "wasi:filesystem/preopens@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:logging/logging",
            "acme:thing/it@1.0.0",
        ],
        lambda name: name.startswith(builtin),
    )
    assert [each.what for each in found] == [
        "files",
        "outgoing HTTP",
        "a key-value store",
        "acme:thing/it@1.0.0",
    ]
    assert [len(each.imports) for each in found] == [2, 1, 2, 1]
    assert [each.offered for each in found] == [True, True, True, False]


def test_a_command_sees_its_arguments_and_only_the_environment_that_it_is_given(
    paddock: Paddock,
) -> None:
    ran = paddock("run", "--env", "SEEN=yes", COMMAND, "--flag", "x", env={"HIDDEN": "no"})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-3:] == ["--flag", "x", "SEEN=yes"]
    assert "HIDDEN" not in ran.stdout
    failed = paddock("run", "--argv0", "me", COMMAND, "fail")
    assert (failed.returncode, failed.stdout.splitlines()[-1]) == (3, "fail")
