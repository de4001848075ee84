"""`paddock grants`: what each component may use and why, next to what it imports."""

from __future__ import annotations

import json
from pathlib import Path

from commandline import Paddock

GUESTS = Path(__file__).parents[1] / "guests"
RUST = GUESTS / "rust"

MANIFEST = f"""\
paddock_manifest_version = 1
[application]
name = "shop"
[variables]
place = {{ default = "here" }}
token = {{ required = true, secret = true }}

[component.api]
source = "{RUST}/kv-draft2/kv-draft2.wasm"
key_value_stores = ["default", "cache"]
files = [{{ source = "data", destination = "/data" }}]

[component.config]
source = "{RUST}/config/config.wasm"
key_value_stores = ["default"]
variables = {{ place = "in {{{{ place }}}}" }}

[component.bare]
source = "{RUST}/routes/routes.wasm"
secrets = {{ token = "{{{{ token }}}}" }}

[component.blink]
source = "{GUESTS.parents[1]}/examples/blink/blink.wasm"
interfaces = ["acme:gpio/pins@0.1.0"]

[component.away]
source = {{ url = "https://example.com/a.wasm", digest = "sha256:{"0" * 64}" }}
allowed_outbound_hosts = ["https://example.com"]
"""


def shown(paddock: Paddock, tmp_path: Path) -> dict[str, list[str]]:
    """The lines about each component; no value of a variable is needed."""
    (tmp_path / "paddock.toml").write_text(MANIFEST)
    done = paddock("grants")
    assert done.returncode == 0, done.stderr
    blocks = [block.splitlines() for block in done.stdout.strip().split("\n\n")]
    return {block[0].split()[0]: block for block in blocks}


def test_a_grant_stands_with_its_line_and_the_imports_that_use_it(
    paddock: Paddock, tmp_path: Path
) -> None:
    tables = shown(paddock, tmp_path)
    assert tables["api"][0] == "api  paddock.toml:8  kv-draft2.wasm"
    at = tables["api"].index("  key-value store 'cache'")
    assert tables["api"][at + 1] == (
        "    granted by paddock.toml:10: key_value_stores; imported as "
        "wasi:keyvalue/store@0.2.0-draft2, wasi:keyvalue/batch@0.2.0-draft2, "
        "wasi:keyvalue/atomics@0.2.0-draft2"
    )
    assert "  variable 'place' = \"in {{ place }}\"" in tables["config"]
    assert "  interface 'acme:gpio/pins@0.1.0'" in tables["blink"]
    assert "imported as acme:gpio/pins@0.1.0" in "\n".join(tables["blink"])


def test_what_nothing_imports_is_told(paddock: Paddock, tmp_path: Path) -> None:
    tables = shown(paddock, tmp_path)
    at = tables["config"].index("  key-value store 'default'")
    assert "nothing imports it" in tables["config"][at + 1]
    at = tables["bare"].index("  secret 'token' = \"{{ token }}\"")
    assert "nothing imports it" in tables["bare"][at + 1]


def test_what_is_imported_and_not_granted_is_told_with_the_line(
    paddock: Paddock, tmp_path: Path
) -> None:
    tables = shown(paddock, tmp_path)
    text = "\n".join(tables["bare"])
    assert "not granted: outgoing HTTP" in text
    assert 'to grant it: allowed_outbound_hosts = ["https://…"]' in text
    assert "not granted: files" not in "\n".join(tables["api"])


def test_a_component_that_is_not_here_shows_its_grants_alone(
    paddock: Paddock, tmp_path: Path
) -> None:
    text = "\n".join(shown(paddock, tmp_path)["away"])
    assert "its imports are not known: it comes from a registry or URL" in text
    assert "outbound address 'https://example.com'" in text
    assert "unknown whether it is used" in text


def test_scripts_get_the_same_as_json(paddock: Paddock, tmp_path: Path) -> None:
    (tmp_path / "paddock.toml").write_text(MANIFEST)
    done = paddock("grants", ".", "--json")
    tables = {each["component"]: each for each in json.loads(done.stdout)}
    assert tables["api"]["grants"][0] == {
        "what": "key-value store",
        "name": "default",
        "key": "key_value_stores",
        "location": "paddock.toml:10",
        "imports": [
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:keyvalue/atomics@0.2.0-draft2",
        ],
    }
    assert {each["what"] for each in tables["bare"]["missing"]} >= {"outgoing HTTP", "files"}
    assert tables["away"]["unread"] is not None


def test_a_bare_component_and_a_missing_file_are_told(paddock: Paddock, tmp_path: Path) -> None:
    done = paddock("grants", GUESTS / "wat" / "kv-get.wasm")
    assert "nothing is granted" in done.stdout
    assert 'to grant it: key_value_stores = ["default"]' in done.stdout
    (tmp_path / "paddock.toml").write_text(
        'paddock_manifest_version = 1\n[application]\nname = "a"\n[component.a]\nsource = "a.wasm"\n'
    )
    done = paddock("grants")
    assert done.returncode == 0
    assert "its imports are not known" in done.stdout and "does not exist" in done.stdout
