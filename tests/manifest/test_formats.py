"""Manifests of other hosts are read as they are, and `convert` writes what means the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from paddock.cli.dispatch import dispatch
from paddock.errors import ManifestError
from paddock.host.sources import with_own
from paddock.manifest.hostconfig import HostConfig, load_host_config
from paddock.manifest.model import Application, FileMount, FilePattern, RegistrySource, UrlSource
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.reader import find, load

SPIN1 = """\
spin_manifest_version = "1"
name = "old"
version = "0.1.0"
trigger = { type = "http", base = "/b" }
[variables]
place = { default = "here" }
[[component]]
id = "Hello_World"
source = "a.wasm"
allowed_http_hosts = ["example.com"]
files = ["x/*", { source = "static", destination = "/" }]
key_value_stores = ["default"]
environment = { LANG = "de" }
[component.config]
where = "{{ place }}"
[component.trigger]
route = "/..."
executor = { type = "wagi", argv = "a b" }
[component.build]
command = "make"
[[component]]
id = "two"
source = { url = "https://example.com/a.wasm", digest = "sha256:%s" }
[component.trigger]
route = "/two"
""" % ("0" * 64)

REDIS1 = """\
spin_version = "1"
name = "listens"
version = "1.0.0"
trigger = { type = "redis", address = "redis://localhost:6379" }
[[component]]
id = "echo"
source = "echo.wasm"
[component.trigger]
channel = "messages"
"""

WAGI = """\
[[module]]
route = "/"
module = "a.wat"
[[module]]
route = "/x/..."
module = "file:///opt/a.wasm"
entrypoint = "hello"
argv = "one two"
volumes = { "/in" = "." }
allowed_hosts = ["https://example.com"]
http_max_concurrency = 3
environment = { LANG = "de" }
[[module]]
route = "/far"
module = "oci:ghcr.io/acme/far:1.2"
"""

WADM = """\
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata:
  name: counter
  annotations: {version: v0.0.1, description: counts}
spec:
  components:
    - name: counter_one
      type: component
      properties:
        image: file://./build/counter.wasm
        config:
          - name: own
            properties: {lang: de, LOG-LEVEL: debug}
        secrets:
          - name: token
            properties: {policy: vault, key: api/token}
      traits:
        - type: spreadscaler
          properties: {instances: 5}
        - type: link
          properties:
            target:
              name: redis
              config:
                - name: connect
                  properties: {url: redis://127.0.0.1:6379}
            namespace: wasi
            package: keyvalue
            interfaces: [store]
            name: cache
        - type: link
          properties:
            target: nats
            namespace: wasmcloud
            package: messaging
            interfaces: [consumer]
        - type: link
          properties:
            target: {name: http-out}
            namespace: wasi
            package: http
            interfaces: [outgoing-handler]
    - name: http
      type: capability
      properties: {image: "ghcr.io/wasmcloud/http-server:0.23.0"}
      traits:
        - type: link
          properties:
            target: {name: counter_one}
            namespace: wasi
            package: http
            interfaces: [incoming-handler]
            source:
              config:
                - name: listen
                  properties: {address: 127.0.0.1:8080}
    - name: http-out
      type: capability
      properties: {image: "ghcr.io/wasmcloud/http-client:0.12.0"}
    - name: redis
      type: capability
      properties: {image: "ghcr.io/wasmcloud/keyvalue-redis:0.28.1"}
    - name: nats
      type: capability
      properties:
        image: ghcr.io/wasmcloud/messaging-nats:0.23.1
        config:
          - name: simple
            properties: {cluster_uris: nats://127.0.0.1:4222}
      traits:
        - type: link
          properties:
            target: {name: counter_one}
            namespace: wasmcloud
            package: messaging
            interfaces: [handler]
            source:
              config:
                - name: subscriptions
                  properties: {subscriptions: "orders.*,audit"}
"""

WORKLOAD = """\
apiVersion: v1
kind: Service
metadata: {name: other}
---
apiVersion: runtime.wasmcloud.dev/v1alpha1
kind: WorkloadDeployment
metadata: {name: hello}
spec:
  replicas: 3
  template:
    spec:
      hostSelector: {hostgroup: default}
      hostInterfaces:
        - namespace: wasi
          package: http
          interfaces: [incoming-handler]
          config: {host: hello.example.com}
        - namespace: wasi
          package: keyvalue
          version: 0.2.0-draft
          interfaces: [store]
          config: {backend: nats, url: nats://127.0.0.1:4222}
      volumes:
        - {name: data, hostPath: {path: /srv/data}}
      components:
        - name: hello
          image: ghcr.io/acme/hello:1.0
          poolSize: 4
          maxInvocations: 100
          localResources:
            allowedHosts: ["https://api.example.com", "*.example.org:8443"]
            config: {lang: de}
            environment:
              config: {LOG: debug}
            volumeMounts: [{name: data, mountPath: /data, readOnly: true}]
      service:
        image: file:///opt/worker.wasm
        maxRestarts: 3
"""

WASH = """\
version: 2.0.0
build:
  command: cargo build
  env: {MODE: "a b"}
  component_path: target/x.wasm
workload:
  environment:
    config: {LANG: de}
    configFrom: [extra]
  config: {some-key: value}
  allowedHosts: [localhost]
configs:
  extra:
    inline: {X: "1"}
    file: extra.env
dev:
  address: 0.0.0.0:8000
  wasi_keyvalue_redis_url: redis://127.0.0.1:6379
  wasi_blobstore_path: tmp/blobs
  service_file: worker.wasm
  volumes:
    - {host_path: tmp, guest_path: /tmp}
  components:
    - {name: other, file: other.wasm, poolSize: 2, allowedHosts: []}
  host_interfaces:
    - namespace: wasmcloud
      package: messaging
      interfaces: [handler]
      config: {subscriptions: "a, b"}
"""

ALL = {
    "spin1": ("spin.toml", SPIN1),
    "redis1": ("spin.toml", REDIS1),
    "wagi": ("modules.toml", WAGI),
    "wadm": ("wadm.yaml", WADM),
    "workload": ("workload.yaml", WORKLOAD),
    "wash": (".wash/config.yaml", WASH),
}


def written(directory: Path, name: str, text: str | None = None) -> Path:
    file, usual = ALL[name]
    path = directory / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text or usual, encoding="utf-8")
    if name == "wash":
        (directory / "extra.env").write_text("# more\nexport Y='2'\n", encoding="utf-8")
    return path


def read(directory: Path, name: str, text: str | None = None) -> Application:
    written(directory, name, text)
    return load(directory)


def mistakes(directory: Path, name: str, text: str) -> str:
    with pytest.raises(ManifestMistakes) as caught:
        read(directory, name, text)
    return str(caught.value)


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


MISTAKES = {
    "an unknown key": ("spin1", 'id = "two"', 'id = "two"\nenviroment = {}', "enviroment",
                       "component[1].enviroment: unknown key", "'environment'?"),
    "no trigger": ("redis1", '[component.trigger]\nchannel = "messages"\n', "", "[[component]]",
                   "component[0].trigger", "required"),
    "a wrong route": ("spin1", 'route = "/two"', 'route = "two"', 'route = "two"',
                      "component[1].trigger.route", "'/'"),
    "an undeclared variable": ("spin1", "{{ place }}", "{{ plac }}", "plac }",
                               "component[0].config.where", "'place'?"),
    "a key of no module": ("wagi", "environment =", "enviroment =", "enviroment",
                           "module[1].enviroment: unknown key", "'environment'?"),
    "two modules on a route": ("wagi", 'route = "/far"', 'route = "/x/*"', "/x/*",
                               "module[2].route", "module[1] in line 5"),
    "volumes of a wrong type": ("wagi", 'volumes = { "/in" = "." }', "volumes = 3", "volumes",
                                "module[1].volumes", "must be a table"),
    "a link to nobody": ("wadm", "target: nats", "target: nat", "target: nat",
                         "traits[2].properties.target", "'nats'?"),
    "a made-up key of a trait": ("wadm", "{instances: 5}", "{instances: 5}\n          x: 1", "x: 1",
                                 "spec.components[0].traits[0].x: unknown key", "properties"),
    "a component without a name": ("wadm", "    - name: http-out\n      type: cap", "    - type: cap",
                                   "    - type: cap", "spec.components[2].name", "required"),
    "a volume that is none": ("workload", "name: data, mountPath", "name: dat, mountPath", "dat,",
                              "volumeMounts[0].name", "'data'?"),
    "an unknown key of a workload": ("workload", "poolSize: 4", "poolsize: 4", "poolsize",
                                     "components[0].poolsize: unknown key", "'poolSize'?"),
    "a source of configuration that is none": ("wash", "[extra]", "[extras]", "extras",
                                               "workload.environment.configFrom[0]", "'extra'?"),
    "a file's URL that is none": ("wagi", "file:///opt/a.wasm", "file://[::1", "file://[",
                                  "module[1].module: is not a URL", "file:///directory"),
    "a target that is neither": ("wadm", "target: nats", "target: 3", "target: 3",
                                 "traits[2].properties.target: must be the name of a component", ""),
    "a wrong value in a target": ("wadm", "{url: redis://127.0.0.1:6379}", "{url: 3}", "{url: 3}",
                                  "target.config[0].properties.url: must be a string", ""),
    "a name that no shell sets": ("wash", "MODE:", '"MO DE":', "MO DE",
                                  "build.env.'MO DE': is not a name", ""),
    "a source outside the project": ("wash", "file: extra.env", "file: ../extra.env", "../extra",
                                     "configs.extra.file", "leaves"),
    "an unknown key of a project": ("wash", "wasi_blobstore_path", "wasi_blobstor_path", "blobstor_",
                                    "dev.wasi_blobstor_path: unknown key", "'wasi_blobstore_path'?"),
    "text that is no YAML": ("wadm", "metadata:", "metadata: [", "  annotations", "not valid YAML", ""),
    "a key that stands twice": ("workload", "  replicas: 3", "  replicas: 3\n  replicas: 4",
                                "replicas: 4", "stands twice", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_the_line_and_key_of_the_file_that_was_read(
    tmp_path: Path, case: tuple[str, str, str, str, str, str]
) -> None:
    name, old, new, mark, key, hint = case
    assert old in ALL[name][1]
    text = ALL[name][1].replace(old, new)
    line = text[: text.index(mark)].count("\n") + 1
    told = mistakes(tmp_path, name, text)
    assert f"{ALL[name][0]}:{line}:" in told, told
    assert key in told and hint in told, told


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    broken = WAGI.replace("entrypoint", "entripoint").replace('route = "/"\n', "")
    told = mistakes(tmp_path, "wagi", broken)
    assert "entripoint" in told and "module[0].route: is required" in told


def test_yaml_that_is_no_manifest_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(ManifestError, match="can't tell what"):
        load(path)


def test_a_yaml_of_aliases_upon_aliases_is_refused(tmp_path: Path) -> None:
    layers = ["apiVersion: core.oam.dev/v1beta1", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "nested too deeply" in mistakes(tmp_path, "wadm", "\n".join(layers))


@pytest.mark.parametrize("key", ["[a, b]", "{a: 1}", "&a [*a]", "&b [&a [x, x], [*a, *a]]"])
def test_a_key_that_is_a_table_is_refused(tmp_path: Path, key: str) -> None:
    text = f"apiVersion: core.oam.dev/v1beta1\n? {key}\n: 1\n"
    assert "a key has to be a word" in mistakes(tmp_path, "wadm", text)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (r'"\U00110000"', "no character has this number"),
        (r'"\UFFFFFFFF"', "no character has this number"),
        (r'"\uD800"', "metadata.x: is not valid Unicode"),
        (r'"\uDC00\uD800"', "metadata.x: is not valid Unicode"),
        (r'{"\uD800": 1}', "the key is not valid Unicode"),
        (r'"a\uDFFFb"', "metadata.x: is not valid Unicode"),
        ("0x" + "f" * 5000, "64 bits"),
        ("-0x8000000000000001", "64 bits"),
        ("[1, 9223372036854775808]", "metadata.x[1]: is larger than any number"),
    ],
)
def test_a_value_that_no_text_or_number_can_be_is_told_with_its_line(
    tmp_path: Path, entry: str, words: str
) -> None:
    told = mistakes(tmp_path, "wadm", WADM.replace("metadata:\n", f"metadata:\n  x: {entry}\n"))
    assert "wadm.yaml:4:" in told and words in told, told


def test_the_escapes_of_json_for_one_character_are_one(tmp_path: Path) -> None:
    text = WADM.replace("description: counts", r'description: "\ud83d\ude00 é"')
    assert read(tmp_path, "wadm", text).description == "\U0001f600 é"


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808"])
def test_the_largest_numbers_of_toml_are_taken_and_written(tmp_path: Path, number: str) -> None:
    text = REDIS1.replace('channel = "messages"', f'channel = "messages"\nmost = {number}')
    app = read(tmp_path, "redis1", text)
    assert app.triggers[0].options["most"] == int(number)
    output = tmp_path / "paddock.toml"
    assert dispatch(["convert", str(tmp_path / "spin.toml"), "-o", str(output)]) == 0
    assert load(output).triggers == app.triggers


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            'place = { default = "here" }',
            'place = { default = "here" }\nPlace = { default = "there" }',
            7,
            "variables.Place: is the variable 'place' here, as 'place' is already",
        ),
        (
            'where = "{{ place }}"',
            'where = "a"\nWHERE = "b"',
            16,
            "component[0].config.WHERE: is the variable 'where' here",
        ),
    ],
)
def test_two_names_of_spins_first_version_do_not_become_one(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    told = mistakes(tmp_path, "spin1", SPIN1.replace(old, new))
    assert f"spin.toml:{line}: {words}" in told, told


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


def test_yaml_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ManifestError, match="PyYAML is not installed") as caught:
        read(tmp_path, "wadm")
    assert caught.value.hint == "pip install 'paddock[yaml]'"
