"""`run` and `serve` with what the host's providers answer, granted on the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from commandline import Paddock, environment, wait_for

GUESTS = Path(__file__).parents[1] / "guests" / "rust"
PROGRAM = GUESTS / "cli-services" / "cli-services.wasm"


def test_nothing_is_granted_unless_told(paddock: Paddock) -> None:
    done = paddock("run", PROGRAM, "get", "default", "k")
    assert (done.returncode, done.stdout) == (1, "")
    # The log may come between the parts of the guest's line.
    assert "access-denied\n" in done.stderr
    assert "imports a key-value store (wasi:keyvalue/store 0.2.0-draft2) but none" in done.stderr
    other = paddock("run", "--key-value-store", "default", PROGRAM, "get", "cache", "k")
    assert "access-denied\n" in other.stderr
    assert paddock("run", PROGRAM, "config", "greeting").stdout == "none\n"


def test_a_store_is_there_for_one_run_or_in_a_directory(paddock: Paddock) -> None:
    grant = ("run", "--key-value-store", "default")
    assert paddock(*grant, PROGRAM, "set", "default", "k", "v").stdout == "ok\n"
    assert paddock(*grant, PROGRAM, "get", "default", "k").stdout == "none\n"
    kept = (*grant, "--state-dir", "kept", PROGRAM)
    assert paddock(*kept, "set", "default", "k", "v").stdout == "ok\n"
    assert paddock(*kept, "get", "default", "k").stdout == "v\n"


def test_keys_and_variables_are_given_on_the_command_line(paddock: Paddock, tmp_path: Path) -> None:
    assert paddock("run", "--key-value", "k=v", PROGRAM, "get", "default", "k").stdout == "v\n"
    (tmp_path / "text").write_text("from a file")
    for option, value in (
        (("--variable", "greeting=hello"), "hello"),
        (("-S", "config-var=greeting=hello"), "hello"),
        (("--variable", "greeting=@text"), "from a file"),
    ):
        assert paddock("run", *option, PROGRAM, "config", "greeting").stdout == f"{value}\n"
    wrong = paddock("run", "--secret", "token=@nowhere", PROGRAM, "echo")
    assert wrong.returncode == 2
    assert "--secret token=@nowhere: can't read nowhere" in wrong.stderr


def test_the_operators_configuration_stands_behind_the_names(
    paddock: Paddock, tmp_path: Path
) -> None:
    grant = ("run", "--key-value-store", "cache")
    refused = paddock(*grant, PROGRAM, "get", "cache", "k")
    assert refused.returncode == 5
    assert "asks for the key-value store 'cache'" in refused.stderr
    config = tmp_path / "host.toml"
    config.write_text('[key_value_store.cache]\ntype = "filesystem"\npath = "files"\n')
    with_config = (*grant, "--config", config, PROGRAM)
    assert paddock(*with_config, "set", "cache", "k", "v").stdout == "ok\n"
    assert paddock(*with_config, "get", "cache", "k").stdout == "v\n"
    assert (tmp_path / "files").is_dir()


def test_an_import_that_is_not_offered_is_refused_by_name(paddock: Paddock, tmp_path: Path) -> None:
    strange = tmp_path / "strange.wat"
    strange.write_text(
        '(component (import "wasi:keyvalue/store@0.9.0" (instance (export "f" (func)))))'
    )
    done = paddock("run", strange)
    assert done.returncode == 5
    assert "imports the interface wasi:keyvalue/store in version 0.9.0" in done.stderr
    assert "the nearest that is offered is wasi:keyvalue/store@0.2.0-draft" in done.stderr


def test_the_terminal_is_the_programs_and_so_are_exit_codes(paddock: Paddock) -> None:
    assert paddock("run", PROGRAM, "echo", given="grün").stdout == "grün\n"
    assert paddock("run", PROGRAM, "nothing").returncode == 1
    late = paddock("run", "--timeout", "300ms", PROGRAM, "loop")
    assert late.returncode == 128 + 6
    assert "the time limit of 300ms is over" in late.stderr
    logged = paddock("run", PROGRAM, "log", "hello")
    assert "[guest] hello" in logged.stderr


def test_an_export_is_invoked_with_its_imports_answered(paddock: Paddock) -> None:
    call = ("--invoke", "run", GUESTS / "tables-bytes" / "tables-bytes.wasm", '"info"', "1")
    denied = paddock("run", *call)
    assert (denied.returncode, denied.stdout) == (
        1,
        '{"err":"blob container \'box\' is not granted"}\n',
    )
    granted = paddock("run", "--blob-container", "box", *call)
    assert granted.stdout == '{"err":"there is no container \'box\'"}\n'


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_signal_ends_the_program(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "paddock", "run", str(PROGRAM), "loop"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    # It is told before the program starts, with the handlers in place.
    assert "none is granted" in process.stderr.readline()
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    process.stderr.close()


def test_serve_grants_the_same(tmp_path: Path) -> None:
    guest = GUESTS / "kv-draft2" / "kv-draft2.wasm"
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "paddock", "serve", str(guest), "--addr", "127.0.0.1:0",
             "--key-value", "k=v", "--key-value-store", "other", "--config", "host.toml"],
            cwd=_with_config(tmp_path), env=environment(), stdout=file, stderr=file,
        )  # fmt: skip
    try:
        url = wait_for("the host", lambda: [
            line.split()[-1] for line in out.read_text().splitlines() if line.startswith("Serving ")
        ])[0]  # fmt: skip
        with urllib.request.urlopen(f"{url.rstrip('/')}/get?key=k", timeout=30) as answer:
            assert answer.read() == b"v"
        with urllib.request.urlopen(f"{url.rstrip('/')}/keys?store=other", timeout=30) as answer:
            assert answer.status == 200
    finally:
        process.terminate()
        assert process.wait(30) == 0


def _with_config(folder: Path) -> Path:
    (folder / "host.toml").write_text('[key_value_store.other]\ntype = "memory"\n')
    return folder
