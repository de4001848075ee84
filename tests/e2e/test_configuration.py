"""Variables, configuration and logging through every interface that guests import."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import Running, paddock
from manifests import configuration, routed, write

VARIABLES = """\
[variables]
place = { default = "the manifest" }
colour = { default = "red" }
key = { required = true, secret = true }
"""
VALUES = """\
[component.{id}.variables]
place = "{{{{ place }}}}"
text = "a {{{{ colour }}}} house"
key = "{{{{ key }}}}"
"""


def manifest(directory: Path) -> Path:
    parts = [VARIABLES]
    for id in ("config", "kv-spin", "kv3"):
        parts.append(
            routed(id).replace('"/..."', f'"/..."\nhost = "{id}.test"') + VALUES.format(id=id)
        )
    return write(directory, *parts)


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("configuration")
    return module_up(manifest(directory), "--variable", "key=k3y", "--variable", "colour=blue")


def config(host: Running, name: str, draft: str = "") -> tuple[int, str]:
    answer = host.get(
        "/config", params={"key": name, "draft": draft}, headers={"host": "config.test"}
    )
    return answer.status_code, answer.text


def variable(host: Running, who: str, name: str) -> tuple[int, str]:
    answer = host.get("/variable", params={"name": name}, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


@pytest.mark.parametrize("draft", ["", "rc1"])
def test_wasi_config_gives_what_the_component_was_granted(host: Running, draft: str) -> None:
    assert config(host, "place", draft) == (200, "the manifest")
    assert config(host, "text", draft) == (200, "a blue house")
    assert config(host, "absent", draft)[0] == 404
    everything = host.get("/all", params={"draft": draft}, headers={"host": "config.test"}).text
    assert everything == "key=k3y\nplace=the manifest\ntext=a blue house\n"


@pytest.mark.parametrize("who", ["kv-spin", "kv3"])
def test_spin_variables_give_the_same_and_nothing_of_the_application_itself(
    host: Running, who: str
) -> None:
    assert variable(host, who, "key") == (200, "k3y")
    # The application has it; the component was not given it.
    status, text = variable(host, who, "colour")
    assert status == 404 and "undefined" in text.lower()


def test_sources_are_asked_in_order(up, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PADDOCK_VARIABLE_COLOUR=green\nPADDOCK_VARIABLE_PLACE=.env\n")
    config_file = configuration(
        tmp_path, '[[variables_provider]]\ntype = "static"\nvalues = { colour = "static" }\n'
    )
    host = up(
        manifest(tmp_path), "--config", config_file, "--variable", "key=from the line",
        env={"PADDOCK_VARIABLE_KEY": "no", "PADDOCK_VARIABLE_PLACE": "the environment"},
    )  # fmt: skip
    assert config(host, "key") == (200, "from the line")
    assert config(host, "text") == (200, "a static house")
    assert config(host, "place") == (200, "the environment")


def test_a_required_variable_without_a_value_refuses_the_plan(tmp_path: Path, cache: Path) -> None:
    done = paddock("up", manifest(tmp_path), "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert "variable 'key' is required and has no value" in done.stderr
    assert "--variable key=VALUE" in done.stderr and "paddock.toml:" in done.stderr


def test_a_variable_that_nobody_declared_refuses_the_plan(tmp_path: Path, cache: Path) -> None:
    done = paddock(
        "up", manifest(tmp_path), "--variable", "key=1", "--variable", "kee=1", cache=cache
    )
    assert done.returncode == 5
    assert "--variable kee" in done.stderr


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ('type = "file"\npath = "absent.toml"', "absent.toml can't be read"),
        ('type = "directory"\npth = "x"', "needs the option `path`"),
        ('type = "azure_key_vault"', "Azure Key Vault is not supported"),
        ('type = "vualt"', 'did you mean "vault"'),
        ('type = "env"\ndotenv_path = "absent.env"', "there is no such file"),
    ],
)
def test_a_source_that_cannot_be_used_refuses_the_plan_at_its_own_line(
    tmp_path: Path, cache: Path, table: str, reason: str
) -> None:
    text = f'state_dir = "state"\n\n[[variables_provider]]\n{table}\n'
    config = configuration(tmp_path, text)
    done = paddock("up", manifest(tmp_path), "--config", config, "--variable", "key=1", cache=cache)
    assert done.returncode == 5
    assert f"{config}:3: " in done.stderr and reason in done.stderr


def test_values_of_variables_are_shown_nowhere(host: Running) -> None:
    assert "k3y" not in host.log + host.stdout + str(host.status())


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "critical"])
def test_wasi_logging_goes_to_the_log_with_its_context(host: Running, level: str) -> None:
    query = {"level": level, "context": "kitchen", "msg": f"it is {level}"}
    host.get("/log", params=query, headers={"host": "config.test"})
    if level in ("info", "warn", "error", "critical"):
        host.logged(rf"\[config\].*kitchen.*it is {level}")


def test_a_logged_message_cannot_forge_a_line(host: Running) -> None:
    host.get(
        "/log",
        params={"context": "a\nb", "msg": "x\n2026-01-01 forged"},
        headers={"host": "config.test"},
    )
    line = host.logged(r"^.*forged.*$").group(0)
    assert "[config]" in line
