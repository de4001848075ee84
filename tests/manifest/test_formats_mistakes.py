"""What is wrong in a manifest of another host is told with its place in that file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.manifest.formats import ALL, REDIS1, SPIN1, WADM, WAGI, mistakes, read

from paddock.cli.dispatch import dispatch
from paddock.errors import ManifestError
from paddock.manifest.reader import load

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


def test_yaml_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ManifestError, match="PyYAML is not installed") as caught:
        read(tmp_path, "wadm")
    assert caught.value.hint == "pip install 'paddock[yaml]'"
