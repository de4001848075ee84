"""Secrets through wasmcloud:secrets, from every source, and shown nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running, paddock, serving, wait_for
from manifests import configuration, routed, write
from tests.services.openbao import OpenBaoServer

SECRETS = GUESTS / "rust" / "secrets" / "secrets.wasm"
VARIABLES = """\
[variables]
db_password = { required = true, secret = true }
user = { default = "ada" }
"""
GRANTS = """\
secrets = { password = "{{ db_password }}", login = "{{ user }}:{{ db_password }}" }
variables = { user = "{{ user }}" }
"""

Put = Callable[[str], object]


def manifest(directory: Path, grants: str = GRANTS) -> Path:
    return write(directory, VARIABLES, routed("secrets", SECRETS, grants))


def revealed(host: Running, key: str) -> tuple[int, str]:
    answer = host.get("/reveal", params={"key": key})
    return answer.status_code, answer.text.strip()


def test_a_secret_is_revealed_by_its_name_and_no_other(up, tmp_path: Path) -> None:
    host = up(manifest(tmp_path), "--variable", "db_password=s3cr3t")
    assert revealed(host, "password") == (200, "string:s3cr3t")
    assert revealed(host, "login") == (200, "string:ada:s3cr3t")
    assert host.get("/twice?key=password").status_code == 200
    for name in ("user", "db_password", "absent"):
        assert revealed(host, name) == (404, "error: not-found")
    host.logged(r"secret 'absent' is not granted; .*secrets.absent = ")


def test_a_secret_is_no_variable_and_stands_in_no_output_of_the_host(up, tmp_path: Path) -> None:
    host = up(manifest(tmp_path), "--variable", "db_password=s3cr3t", "--audit")
    assert revealed(host, "password") == (200, "string:s3cr3t")
    assert host.get("/all").text == "user=ada\n"
    assert host.get("/config?key=password").status_code == 404
    shown = host.command("status", "--audit", "--json").stdout
    (component,) = json.loads(shown)["components"]
    assert {"what": "secret", "name": "password"} in component["used"]
    outputs = [shown, str(host.status()), host.log, host.stdout]
    outputs.append(host.command("apply", "--dry-run").stdout)
    host.stop()
    assert "s3cr3t" not in "".join([*outputs, host.stdout, host.log])


@pytest.fixture(params=["toml", "json", "env", "directory", "vault"])
def source(
    request: pytest.FixtureRequest, tmp_path: Path, openbao_server: OpenBaoServer
) -> tuple[str, Put]:
    """A table of the host's configuration, and what changes the value behind it."""
    kind: str = request.param
    if kind == "vault":
        table = (
            f'type = "vault"\nurl = "{openbao_server.url}"\npath = "e2e"\nrefresh = 0\n'
            f'token = "{openbao_server.password}"\n'
        )
        return table, lambda value: openbao_server.put("e2e", {"db_password": value})
    if kind == "directory":
        folder = tmp_path / "mounted"
        folder.mkdir()
        return f'type = "directory"\npath = "{folder}"\n', lambda value: mounted(folder, value)
    file = tmp_path / f"values.{kind}"
    text = {
        "toml": 'db_password = "{}"\n',
        "json": '{{"db_password": "{}"}}',
        "env": "DB_PASSWORD={}\n",
    }[kind]
    return f'type = "file"\npath = "{file.name}"\n', lambda value: file.write_text(
        text.format(value)
    )


def mounted(folder: Path, value: str) -> None:
    """As Kubernetes puts a new version of a Secret in place."""
    version = folder / f"..{value}"
    version.mkdir()
    (version / "db_password").write_text(value)
    (folder / "..data_tmp").symlink_to(version.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    if not (folder / "db_password").is_symlink():
        (folder / "db_password").symlink_to("..data/db_password")


def test_a_secret_that_changes_at_its_source_shows_without_a_restart(
    up, tmp_path: Path, source: tuple[str, Put]
) -> None:
    table, put = source
    put("first-value")
    config = configuration(tmp_path, f"[[variables_provider]]\n{table}")
    host = up(manifest(tmp_path), "--config", config)
    assert revealed(host, "password") == (200, "string:first-value")
    put("second-value")
    wait_for("the new value", lambda: revealed(host, "password") == (200, "string:second-value"))
    assert "value" not in host.log.replace("variable", "")


def test_while_the_vault_is_away_what_was_read_serves_and_the_rest_is_an_error(
    up, tmp_path: Path, own_openbao: OpenBaoServer
) -> None:
    own_openbao.put("e2e/db_password", {"value": "s3cr3t"})
    text = (
        f'[[variables_provider]]\ntype = "vault"\nurl = "{own_openbao.url}"\nprefix = "e2e"\n'
        f'token = "{own_openbao.password}"\nrefresh = 0\ntimeout = "300ms"\n'
    )
    host = up(manifest(tmp_path), "--config", configuration(tmp_path, text))
    assert revealed(host, "password") == (200, "string:s3cr3t")
    own_openbao.pause()
    assert revealed(host, "password") == (200, "string:s3cr3t")
    own_openbao.resume()
    own_openbao.put("e2e/db_password", {"value": "another"})
    wait_for("the new value", lambda: revealed(host, "password") == (200, "string:another"))
    assert own_openbao.password not in host.log


def test_a_host_waits_at_its_start_for_a_vault_that_is_away(
    up, tmp_path: Path, own_openbao: OpenBaoServer
) -> None:
    own_openbao.put("e2e", {"db_password": "s3cr3t"})
    own_openbao.pause()
    text = (
        f'[[variables_provider]]\ntype = "vault"\nurl = "{own_openbao.url}"\npath = "e2e"\n'
        f'token = "{own_openbao.password}"\ntimeout = "300ms"\nwait = "10m"\n'
    )
    arguments = (manifest(tmp_path), "--config", configuration(tmp_path, text))
    # Who waits can be told to stop, which `up` does with what has not stopped by itself.
    stopped = up(*arguments, wait=False)
    stopped.logged("it is waited for")
    stopped.stop()
    host = up(*arguments, wait=False)
    host.logged("it is waited for")
    own_openbao.resume()
    assert revealed(serving(host), "password") == (200, "string:s3cr3t")


def test_a_vault_that_refuses_the_token_refuses_the_plan(
    tmp_path: Path, cache: Path, openbao_server: OpenBaoServer
) -> None:
    text = (
        f'[[variables_provider]]\ntype = "vault"\nurl = "{openbao_server.url}"\npath = "e2e"\n'
        'token = "wr0ng-token"\n'
    )
    config = configuration(tmp_path, text)
    done = paddock("up", manifest(tmp_path), "--config", config, cache=cache)
    assert done.returncode == 5
    assert "access was refused" in done.stderr and "wr0ng-token" not in done.stderr


def test_a_secret_without_a_value_refuses_the_plan(tmp_path: Path, cache: Path) -> None:
    done = paddock("up", manifest(tmp_path), cache=cache)
    assert done.returncode == 5
    assert "variable 'db_password' is required and has no value" in done.stderr


def test_an_import_of_secrets_without_any_is_a_warning(up, tmp_path: Path) -> None:
    host = up(manifest(tmp_path, grants=""), "--variable", "db_password=1")
    assert "imports secrets" in host.log and 'secrets.NAME = "{{ variable }}"' in host.log
    assert revealed(host, "password") == (404, "error: not-found")
