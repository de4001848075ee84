"""`paddock up --audit`: the smallest grants that would have served what ran."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hosts import Running
from manifests import configuration, routed, write

GRANTS = """\
key_value_stores = ["default", "attic"]
variables = { place = "here", colour = "red" }
"""


def hosted(id: str, extra: str, source: str | None = None) -> str:
    return routed(id, source, extra).replace('"/..."', f'"/..."\nhost = "{id}.test"')


@pytest.fixture
def host(up, tmp_path: Path) -> Running:
    manifest = write(
        tmp_path,
        hosted("kv-spin", GRANTS),
        hosted("kv-draft2", 'key_value_stores = ["default"]\n'),
        hosted("routes", 'allowed_outbound_hosts = ["http://127.0.0.1:1"]\n'),
    )
    stores = "".join(
        f'[key_value_store.{name}]\ntype = "memory"\n' for name in ("default", "attic")
    )
    return up(manifest, "--audit", "--config", configuration(tmp_path, stores))


def ask(host: Running, who: str, path: str) -> int:
    return host.get(path, headers={"host": f"{who}.test"}).status_code


def audited(host: Running) -> dict[str, dict[str, object]]:
    done = host.command("status", "--audit", "--json")
    assert done.returncode == 0, done.stderr
    return {each["component"]: each for each in json.loads(done.stdout)["components"]}


def lines(host: Running, component: str) -> dict[str, object]:
    """What would be pasted, as the manifest's reader sees it."""
    found = audited(host)[component]["lines"]
    assert isinstance(found, list)
    return tomllib.loads("\n".join(found))


def test_before_anything_ran_nothing_is_needed(host: Running) -> None:
    assert lines(host, "kv-spin") == lines(host, "kv-draft2") == {}
    unused = audited(host)["kv-spin"]["unused"]
    assert [(each["what"], each["name"]) for each in unused] == [  # type: ignore[union-attr]
        ("key-value store", "default"),
        ("key-value store", "attic"),
        ("variable", "place"),
        ("variable", "colour"),
    ]


def test_what_was_used_and_what_was_denied_is_what_is_needed(host: Running) -> None:
    assert ask(host, "kv-spin", "/set?key=a&value=1") == 200
    assert ask(host, "kv-spin", "/get?key=a&store=cellar") == 403
    assert ask(host, "kv-spin", "/variable?name=place") == 200
    ask(host, "kv-spin", "/variable?name=size")
    assert lines(host, "kv-spin") == {
        "key_value_stores": ["default", "cellar"],
        "variables": {"place": "here", "size": "{{ size }}"},
    }
    found = audited(host)["kv-spin"]
    assert {"what": "key-value store", "name": "cellar"} in found["denied"]  # type: ignore[operator]
    assert [each["name"] for each in found["unused"]] == ["attic", "colour"]  # type: ignore[union-attr]
    text = "\n".join(found["lines"])  # type: ignore[arg-type]
    assert 'denied so far: "cellar"; not used: "attic"' in text
    assert lines(host, "kv-draft2") == {}


def test_a_denied_host_is_among_those_needed(host: Running) -> None:
    ask(host, "routes", "/outbound?url=http://127.0.0.1:2/")
    host.logged("127.0.0.1:2 is not granted")
    hosts = lines(host, "routes")["allowed_outbound_hosts"]
    assert "http://127.0.0.1:2" in hosts  # type: ignore[operator]


def test_it_says_the_same_at_the_end_and_an_apply_clears_nothing(host: Running) -> None:
    assert ask(host, "kv-draft2", "/set?key=a&value=1") == 200
    host.manifest.write_text(host.manifest.read_text() + "\n# changed\n")
    host.apply()
    shown = host.command("status", "--audit").stdout
    assert '[component.kv-draft2]\nkey_value_stores = ["default"]\n' in shown
    host.stop()
    assert shown.strip() in host.stdout


def test_a_host_without_an_audit_says_how_to_start_one(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("hello-wat")))
    done = host.command("status", "--audit")
    assert done.returncode == 6
    assert "paddock up --audit" in done.stderr
    host.stop()
    assert "[component." not in host.stdout
