"""Manifests of other hosts are read as they are, and `convert` writes what means the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.manifest.formats import ALL, WADM, WASH, read, written

from paddock.cli.dispatch import dispatch
from paddock.host.sources import with_own
from paddock.manifest.hostconfig import HostConfig, load_host_config
from paddock.manifest.model import Application, FileMount, FilePattern, RegistrySource, UrlSource
from paddock.manifest.reader import find, load


def test_spins_first_version_is_read_with_its_own_conversions_names(tmp_path: Path) -> None:
    app = read(tmp_path, "spin1")
    assert (app.name, app.trigger_settings["http"]["base"]) == ("old", "/b")
    hello = app.components["hello-world"]
    assert hello.variables == {"where": "{{ place }}"}
    assert hello.allowed_outbound_hosts == ("http://example.com", "https://example.com")
    assert [type(entry) for entry in hello.files] == [FilePattern, FileMount]
    assert hello.build and hello.build.command == ("make",)
    assert isinstance(app.components["two"].source, UrlSource)
    first, second = app.http
    assert (first.id, first.route, first.executor.type) == ("trigger-hello-world", "/...", "wagi")
    assert first.executor.options == {"argv": "a b"}
    assert second.component == "two"


def test_spins_first_version_of_another_trigger(tmp_path: Path) -> None:
    app = read(tmp_path, "redis1")
    assert app.trigger_settings["redis"] == {"address": "redis://localhost:6379"}
    assert [(one.type, one.component) for one in app.triggers] == [("redis", "echo")]
    assert app.triggers[0].options == {"channel": "messages"}


def test_wagi_modules_are_programs_with_writable_volumes(tmp_path: Path) -> None:
    app = read(tmp_path, "wagi")
    assert [(one.route, one.component) for one in app.http] == [
        ("/", "a"), ("/x/...", "a-n2"), ("/far", "far"), ("/healthz", None),
    ]  # fmt: skip
    module = app.components["a-n2"]
    assert module.source == Path("/opt/a.wasm")
    assert module.environment == {"LANG": "de"}
    assert module.allowed_outbound_hosts == ("https://example.com",)
    mount = module.files[0]
    assert isinstance(mount, FileMount)
    assert (mount.source, mount.destination, mount.writable) == (tmp_path, "/in", True)
    options = app.http[1].executor.options
    assert (options["entrypoint"], options["argv"], options["routes"]) == ("hello", "one two", True)
    assert app.components["far"].source == RegistrySource("acme/far", "1.2", "ghcr.io")
    assert [note.key for note in app.unsupported] == ["module[1].http_max_concurrency"]


def test_a_wadm_application_keeps_its_links_and_their_configuration(tmp_path: Path) -> None:
    app = read(tmp_path, "wadm")
    assert (app.name, app.version, app.description) == ("counter", "v0.0.1", "counts")
    counter = app.components["counter-one"]
    assert counter.source == tmp_path / "build" / "counter.wasm"
    assert counter.variables == {"lang": "de", "LOG-LEVEL": "debug"}
    assert counter.secrets == {"token": "{{ token }}"}
    assert app.variables["token"].secret
    assert counter.key_value_stores == ("cache",)
    assert counter.message_brokers == ("default",)
    assert counter.allowed_outbound_hosts == ("http://*:*", "https://*:*")
    assert [one.route for one in app.http] == ["/..."]
    assert app.triggers[0].options == {"broker": "default", "subjects": ("orders.*", "audit")}
    behind = {
        (table, name): (one.type, one.options["url"])
        for table, named in app.providers.items()
        for name, one in named.items()
    }
    assert behind == {
        ("key_value_store", "cache"): ("redis", "redis://127.0.0.1:6379"),
        ("message_broker", "default"): ("nats", "nats://127.0.0.1:4222"),
    }
    assert any("spread" in note.reason for note in app.unsupported)


def test_a_workload_is_found_among_other_resources(tmp_path: Path) -> None:
    app = read(tmp_path, "workload")
    hello, service = app.components["hello"], app.components["service"]
    assert hello.source == RegistrySource("acme/hello", "1.0", "ghcr.io")
    assert hello.reuse and (hello.reuse.requests, hello.reuse.concurrency) == (100, 1)
    assert hello.allowed_outbound_hosts == (
        "https://api.example.com:*", "http://*.example.org:8443", "https://*.example.org:8443",
    )  # fmt: skip
    assert (hello.variables, hello.environment) == ({"lang": "de"}, {"LOG": "debug"})
    mount = hello.files[0]
    assert isinstance(mount, FileMount) and not mount.writable
    assert app.http[0].host == "hello.example.com"
    assert service.source == Path("/opt/worker.wasm")
    assert app.triggers[0].options == {"restart": "on-failure", "attempts": 4}
    assert app.providers["key_value_store"]["default"].type == "nats"


def test_a_wash_project_runs_what_its_development_host_would(tmp_path: Path) -> None:
    app = read(tmp_path, "wash")
    main = app.components[app.http[0].component or ""]
    assert main.source == tmp_path / "target" / "x.wasm"
    assert main.build and main.build.command == ("MODE='a b' cargo build",)
    assert main.build.workdir == tmp_path
    assert main.environment == {"LANG": "de", "X": "1", "Y": "2"}
    assert main.variables == {"some-key": "value"}
    assert main.allowed_outbound_hosts == ("http://localhost:*", "https://localhost:*")
    assert app.components["other"].allowed_outbound_hosts == ()
    assert {one.type: one.component for one in app.triggers} == {
        "message": main.id,
        "command": "service",
    }
    assert app.providers["key_value_store"]["default"].type == "redis"
    blobs = app.providers["blob_store"]["default"]
    assert blobs.options == {"path": str(tmp_path / "tmp" / "blobs")}


def test_what_stands_behind_a_package_is_said_once_for_all_components(tmp_path: Path) -> None:
    text = WASH.replace("  wasi_blobstore", "  wasi_keyvalue_path: kv\n  wasi_blobstore")
    keys = [note.key for note in read(tmp_path, "wash", text).unsupported]
    assert len(keys) == len(set(keys)) and "dev.wasi_keyvalue_path" in keys
    empty = WASH.replace("redis_url: redis://127.0.0.1:6379", 'redis_url: ""')
    app = read(tmp_path, "wash", empty)
    assert app.providers["key_value_store"]["default"].type == "redis"
    assert [note.key for note in app.unsupported] == ["dev.address"]


def test_the_hosts_configuration_wins_over_what_an_application_says(tmp_path: Path) -> None:
    app = read(tmp_path, "wadm")
    config = tmp_path / "host.toml"
    config.write_text('[key_value_store.cache]\ntype = "memory"\n', encoding="utf-8")
    merged = with_own(load_host_config(config), app)
    assert merged.providers("key_value_store")["cache"].type == "memory"
    assert merged.providers("message_broker")["default"].type == "nats"
    assert with_own(HostConfig(), app).providers("key_value_store")["cache"].type == "redis"


def test_what_a_provider_is_told_is_not_shown(tmp_path: Path) -> None:
    app = read(tmp_path, "wadm", WADM.replace("redis://127", "redis://:hunter2@127"))
    assert "hunter2" not in repr(app)


def test_our_own_manifest_wins_in_a_directory(tmp_path: Path) -> None:
    for name in ALL:
        written(tmp_path, name)
    assert find(tmp_path).name == "spin.toml"
    (tmp_path / "paddock.toml").touch()
    assert find(tmp_path).name == "paddock.toml"


#: Patterns of files can't be moved, so what has some is converted in its own directory only.
CONVERTED = [(name, False) for name in ALL] + [(name, True) for name in ALL if name != "spin1"]


@pytest.mark.parametrize(("name", "elsewhere"), CONVERTED)
def test_what_was_converted_means_the_same(tmp_path: Path, name: str, elsewhere: bool) -> None:
    source = tmp_path / "app"
    source.mkdir()
    original = read(source, name)
    target = tmp_path / "other" if elsewhere else source
    target.mkdir(exist_ok=True)
    output, host = target / "paddock.toml", target / "host.toml"
    arguments = [str(source), "-o", str(output), "--config-output", str(host)]
    assert dispatch(["convert", *arguments]) == 0
    made = load(output)
    assert comparable(made) == comparable(original)
    if original.providers:
        assert load_host_config(host).named == original.providers
        assert host.stat().st_mode & 0o77 == 0
    for note in original.unsupported:
        assert note.key in output.read_text(encoding="utf-8")


def comparable(app: Application) -> Application:
    """What of an application is the same wherever it was read from."""
    return replace(app, unsupported=(), providers={}, base=Path(), source=None)


def test_convert_overwrites_nothing_unless_told(tmp_path: Path) -> None:
    written(tmp_path, "wagi")
    output = tmp_path / "paddock.toml"
    output.write_text("kept", encoding="utf-8")
    assert dispatch(["convert", str(tmp_path / "modules.toml"), "-o", str(output)]) == 2
    assert output.read_text(encoding="utf-8") == "kept"


def test_convert_says_when_patterns_can_not_be_moved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "spin1")
    output = tmp_path / "deep" / "paddock.toml"
    output.parent.mkdir()
    assert dispatch(["convert", str(tmp_path), "-o", str(output)]) == 2
    assert "patterns of files" in capsys.readouterr().err


def test_a_bare_component_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hello.wasm"
    file.touch()
    output = tmp_path / "paddock.toml"
    assert dispatch(["convert", str(file), "-o", str(output)]) == 0
    app = load(output)
    assert app.components["hello"].source == file
    assert app.http[0].route == "/..."
    capsys.readouterr()
