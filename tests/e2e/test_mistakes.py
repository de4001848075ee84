"""Mistakes of users through the real command: a clear error, an exit code, never a traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hosts import paddock
from manifests import HEAD, component, configuration, routed, write

MANIFESTS = {
    "not TOML": ("= = =", 3, "paddock.toml:"),
    "a key that is unknown": (HEAD + "verison = '1'\n", 3, "did you mean 'version'"),
    "a route to nobody": (
        HEAD + '[[trigger.http]]\nroute = "/"\ncomponent = "nobody"\n',
        3,
        "nobody",
    ),
    "no source": (HEAD + "[component.x]\n", 3, "source"),
    "two mistakes at once": (HEAD + "verison = '1'\n[component.x]\nsuorce = 'x'\n", 3, "suorce"),
    "a wrong type": (HEAD + routed("hello", extra="environment = 3"), 3, "environment"),
    "a wrong size": (
        HEAD + routed("hello", extra='limits = { memory = "64 elephants" }'),
        3,
        "elephants",
    ),
    "a wrong route": (HEAD + routed("hello", route="no-slash"), 3, "no-slash"),
    "a wrong host": (
        HEAD + routed("hello", extra='allowed_outbound_hosts = ["nowhere"]'),
        3,
        "nowhere",
    ),
    "an unknown trigger": (
        HEAD + component("hello") + '[[trigger.telegraph]]\ncomponent = "hello"\n',
        5,
        "telegraph",
    ),
    "a file that is absent": (HEAD + routed("x", "absent.wasm"), 5, "absent.wasm"),
    "an asset that is absent": (
        HEAD + routed("hello", extra='files = ["absent.txt"]'),
        5,
        "absent.txt",
    ),
    "a source from a registry": (
        HEAD
        + '[[trigger.http]]\nroute = "/"\ncomponent = "x"\n[component.x]\nsource = { package = "a:b", version = "1.0.0" }\n',
        5,
        "not supported yet",
    ),
    "an unknown store": (
        HEAD + routed("hello", extra='key_value_stores = ["cellar"]'),
        5,
        "cellar",
    ),
    "bytes that are no UTF-8": (b"paddock_manifest_version = 1\n# \xff\n", 3, "UTF-8"),
    "an empty file": ("", 3, "paddock.toml"),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_mistake_in_the_manifest_is_told_with_its_place(
    tmp_path: Path, cache: Path, what: str
) -> None:
    content, code, part = MANIFESTS[what]
    manifest = tmp_path / "paddock.toml"
    manifest.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = paddock("up", tmp_path, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == code, done.stderr
    assert part in done.stderr
    assert "paddock.toml" in done.stderr
    assert "error:" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.rglob("control.sock"))


CONFIGURATIONS = {
    "not TOML": ("[limits", "host.toml"),
    "an unknown key": ("[limit]\n", "did you mean 'limits'"),
    "an unknown provider": ('[key_value_store.default]\ntype = "drawer"\n', "drawer"),
    "a provider without a type": ("[key_value_store.default]\n", "type"),
    "an option that the provider does not know": (
        '[key_value_store.default]\ntype = "memory"\ncolour = 1\n',
        "colour",
    ),
    "a wrong duration": ('[limits]\ntime = "soon"\n', "soon"),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_mistake_in_the_hosts_configuration_is_told_with_its_place(
    tmp_path: Path, cache: Path, what: str
) -> None:
    content, part = CONFIGURATIONS[what]
    manifest = write(tmp_path, routed("kv-draft2", extra='key_value_stores = ["default"]'))
    done = paddock(
        "up",
        manifest,
        "--config",
        configuration(tmp_path, content),
        "--listen",
        "127.0.0.1:0",
        cache=cache,
    )
    assert done.returncode in (3, 5), done.stderr
    assert part in done.stderr and "host.toml" in done.stderr
    assert "error:" in done.stderr and "Traceback" not in done.stderr


LINES = {
    "no such directory": (["up", "absent"], 3, "absent"),
    "an unknown option": (["up", "--lisen", "x"], 2, "--lisen"),
    "a wrong address": (["up", "--listen", "nowhere"], 2, "nowhere"),
    "a wrong port": (["up", "--listen", "127.0.0.1:99999"], 2, "99999"),
    "a variable without a value": (["up", "--variable", "x"], 2, "x"),
    "half of TLS": (["up", "--tls-cert", "x.pem"], 2, "--tls-key"),
    "an unknown compiler": (["up", "--compiler", "gcc"], 2, "gcc"),
    "no host to apply to": (["apply"], 6, "no host is running"),
    "no host to stop": (["stop"], 6, "no host is running"),
    "no host to ask": (["status"], 6, "no host is running"),
    "an unknown command": (["pu"], 2, "up"),
}


@pytest.mark.parametrize("what", LINES)
def test_a_mistake_on_the_command_line_is_told(tmp_path: Path, cache: Path, what: str) -> None:
    write(tmp_path, routed("hello"))
    arguments, code, part = LINES[what]
    done = paddock(*arguments, cache=cache, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert part in done.stderr
    assert "error:" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, routed("hello"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = paddock("up", manifest, "--listen", address, cache=cache)
    assert done.returncode == 6
    assert address in done.stderr and "--listen" in done.stderr


def test_a_state_directory_that_can_not_be_made_is_told(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, routed("hello"))
    (tmp_path / "file").write_text("")
    done = paddock(
        "up",
        manifest,
        "--state-dir",
        tmp_path / "file" / "state",
        "--listen",
        "127.0.0.1:0",
        cache=cache,
    )
    assert done.returncode == 6
    assert "state" in done.stderr and "Traceback" not in done.stderr
