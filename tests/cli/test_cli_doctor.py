"""`paddock doctor`: what of an application works here, before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import Paddock

GUESTS = Path(__file__).parents[1] / "guests"

GOOD = f"""\
spin_manifest_version = 2
[application]
name = "good"
[variables]
place = {{ default = "here" }}
[[trigger.http]]
route = "/..."
component = "kv"
[component.kv]
source = "{GUESTS}/rust/kv-draft2/kv-draft2.wasm"
key_value_stores = ["default"]
variables = {{ place = "{{{{ place }}}}" }}
"""

BAD = f"""\
paddock_manifest_version = 1
[application]
name = "bad"
[variables]
token = {{ required = true }}
[[trigger.http]]
route = "/..."
component = "program"
[[trigger.sqs]]
component = "far"
[[trigger.cron]]
component = "program"
cron_expression = "never"
[component.program]
source = "{GUESTS}/rust/cli/cli.wasm"
key_value_stores = ["cache"]
[component.far]
source = {{ registry = "example.com", package = "acme:far", version = "1.0.0" }}
[component.open]
source = {{ url = "http://example.com/a.wasm", digest = "sha256:{"0" * 64}" }}
[component.missing]
source = "missing.wasm"
files = [{{ source = "nowhere", destination = "/x" }}]
ai_models = ["llama2-chat"]
build = {{ command = "no-such-tool --release" }}
"""


def findings(done: object) -> list[dict[str, str]]:
    told: dict[str, list[dict[str, str]]] = json.loads(done.stdout)  # type: ignore[attr-defined]
    return told["findings"]


def test_an_application_that_works_is_found_to(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "spin.toml").write_text(GOOD, encoding="utf-8")
    done = paddock("doctor", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "'good' would start" in done.stdout
    assert "key-value store 'default' is of type sqlite" in done.stdout
    # Nothing was made: no state, no database.
    assert [path.name for path in tmp_path.iterdir()] == ["spin.toml"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("application 'bad'", ["ai_models", "no language models"]),
        ("variables", ["'token' is required"]),
        ("component 'program'", ["key-value store", "'cache'"]),
        ("component 'program'", ["exports no HTTP handler"]),
        ("component 'far'", ["registry"]),
        ("component 'open'", ["https"]),
        ("component 'missing'", ["missing.wasm does not exist"]),
        ("component 'missing'", ["nowhere does not exist"]),
        ("component 'missing'", ["'no-such-tool'", "PATH"]),
        ("trigger 'far-sqs-trigger'", ["no trigger of type 'sqs'"]),
        ("trigger 'program-cron-trigger'", ["never"]),
    ],
)
def test_what_will_not_work_is_told_with_its_reason(
    paddock: Paddock, tmp_path: Path, what: str, words: list[str]
) -> None:
    (tmp_path / "paddock.toml").write_text(BAD, encoding="utf-8")
    done = paddock("doctor", tmp_path, "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout)["starts"] is False
    told = [one["text"] for one in findings(done) if one["what"] == what and one["level"] != "ok"]
    assert any(all(word in text for word in words) for text in told), told


def test_the_configuration_of_the_host_counts(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "spin.toml").write_text(GOOD.replace('"default"]', '"cache"]'), encoding="utf-8")
    config = tmp_path / "host.toml"
    assert paddock("doctor", tmp_path).returncode == 5
    config.write_text('[key_value_store.cache]\ntype = "memory"\n', encoding="utf-8")
    assert paddock("doctor", tmp_path, "--config", config).returncode == 0
    config.write_text('[key_value_store.cache]\ntype = "memory"\nx = 1\n', encoding="utf-8")
    assert paddock("doctor", tmp_path, "--config", config).returncode == 5


def test_mistakes_of_a_manifest_are_told_as_everywhere(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "modules.toml").write_text("[[module]]\nroute = 3\n", encoding="utf-8")
    done = paddock("doctor", tmp_path)
    assert done.returncode == 3
    assert "modules.toml:1: module[0].module: is required" in done.stderr


def test_wagi_modules_are_looked_into(paddock: Paddock, tmp_path: Path) -> None:
    module = GUESTS / "rust" / "cli" / "cli-p1.wasm"
    (tmp_path / "modules.toml").write_text(
        f'[[module]]\nroute = "/"\nmodule = "{module}"\n', encoding="utf-8"
    )
    done = paddock("doctor", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "all of its" in done.stdout


MACHINE = """\
paddock_manifest_version = 1
[application]
name = "fast"
[[trigger.http]]
route = "/..."
component = "fast"
[component.fast]
source = "fast.cwasm"
"""


@pytest.mark.parametrize(
    ("made_of", "options", "words"),
    [
        ("hello.wasm", [], ["can do anything", "--allow-precompiled"]),
        ("hello.wasm", ["--allow-precompiled"], None),
        ("hello.wasm", ["--allow-precompiled", "--fuel"], ["another version, compiler"]),
        ("hello.wasm", ["--allow-precompiled", "--compiler", "winch"], ["another version"]),
        ("add-component.wasm", ["--allow-precompiled"], ["exports no HTTP handler"]),
        ("add.wat", ["--allow-precompiled"], ["core module"]),
        (None, [], ["neither a WebAssembly binary"]),
        (None, ["--allow-precompiled"], ["another version"]),
    ],
)
def test_machine_code_is_taken_as_the_host_would_take_it(
    paddock: Paddock, tmp_path: Path, made_of: str | None, options: list[str], words: list[str]
) -> None:
    (tmp_path / "paddock.toml").write_text(MACHINE, encoding="utf-8")
    (tmp_path / "fast.cwasm").write_bytes(b"garbage")
    if made_of:
        done = paddock("compile", GUESTS / "wat" / made_of, "-o", "fast.cwasm")
        assert done.returncode == 0, done.stderr
    done = paddock("doctor", tmp_path, *options)
    assert done.returncode == (5 if words else 0), done.stdout
    assert all(word in done.stdout for word in words or ["would start"]), done.stdout


def test_a_file_that_may_not_be_read_is_a_reason(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "paddock.toml").write_text(MACHINE, encoding="utf-8")
    # A file of the kernel's whose reading fails for everybody.
    (tmp_path / "fast.cwasm").symlink_to("/proc/self/mem")
    done = paddock("doctor", tmp_path)
    assert done.returncode == 5, done.stderr
    assert "can't read" in done.stdout


def test_nothing_of_a_manifest_reaches_the_terminal_but_text(
    paddock: Paddock, tmp_path: Path
) -> None:
    text = MACHINE.replace("fast.cwasm", "\\u001b[2Jfast.wasm").replace(
        '"fast"\n[[', '"f\\u0007"\n[['
    )
    (tmp_path / "paddock.toml").write_text(text, encoding="utf-8")
    done = paddock("doctor", tmp_path)
    assert done.returncode == 5, done.stderr
    assert "\\x1b[2Jfast.wasm does not exist" in done.stdout
    assert set(done.stdout) <= {"\n", *filter(str.isprintable, done.stdout)}
