"""Applications made with other projects' SDKs and tools run as they are.

Each stands in the manifest of the host that it was made for, and nothing of it was
changed for this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import GUESTS, Running, paddock, serving

#: Seconds for the first compile of a guest of tens of megabytes on two busy cores.
COMPILE = 240.0

SPIN = """\
spin_manifest_version = 2

[application]
name = "{name}"
version = "1.0.0"

[variables]
name = {{ default = "Ada" }}

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "{source}"
key_value_stores = ["default"]
sqlite_databases = ["default"]
variables = {{ name = "{{{{ name }}}}" }}
"""

WADM = """\
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {{name: {name}, annotations: {{version: v1.0.0}}}}
spec:
  components:
    - name: app
      type: component
      properties: {{image: "file://{source}"}}
      traits:
        - type: spreadscaler
          properties: {{instances: 1}}
        - type: link
          properties:
            target: {{name: kv}}
            namespace: wasi
            package: keyvalue
            interfaces: [store, atomics, batch]
        - type: link
          properties:
            target: {{name: blobs}}
            namespace: wasi
            package: blobstore
            interfaces: [blobstore]
        - type: link
          properties:
            target: {{name: messages}}
            namespace: wasmcloud
            package: messaging
            interfaces: [consumer]
    - name: kv
      type: capability
      properties: {{image: "ghcr.io/wasmcloud/keyvalue-in-memory:0.1.0"}}
    - name: blobs
      type: capability
      properties: {{image: "ghcr.io/wasmcloud/blobstore-fs:0.11.0"}}
    - name: messages
      type: capability
      properties: {{image: "ghcr.io/wasmcloud/messaging-in-memory:0.1.0"}}
    - name: http
      type: capability
      properties: {{image: "ghcr.io/wasmcloud/http-server:0.23.0"}}
      traits:
        - type: link
          properties:
            target: {{name: app}}
            namespace: wasi
            package: http
            interfaces: [incoming-handler]
            source:
              config: [{{name: listen, properties: {{address: 127.0.0.1:8080}}}}]
"""

WAGI = '[[module]]\nroute = "/..."\nmodule = "{source}"\nvolumes = {{ "/data" = "data" }}\n'

#: Where it comes from, the manifest of its own host, and what it answers.
APPLICATIONS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "Spin's SDK for Rust, 5": (
        "rust-spin/spin5.wasm", "spin.toml", SPIN,
        {"/kv?key=k&value=v": "v", "/keys": "k", "/variable?name=name": "Ada",
         "/sqlite?db=default&note=first": "1 first\nid 1, 1 changes"},
    ),
    "Spin's SDK for Rust, 7": (
        "spin7", "spin.toml", SPIN,
        {"/kv?key=k&value=v": "v", "/keys": "k", "/variable?name=name": "Ada"},
    ),
    "Spin's SDK for Python": (
        "python-spin", "spin.toml", SPIN,
        {"/hello": "hello from Python and Spin", "/set?key=k&value=v": "ok",
         "/get?key=k": "v", "/variable?name=name": "Ada"},
    ),
    "Spin's SDK for JavaScript": (
        "js-spin", "spin.toml", SPIN,
        {"/kv?key=k&value=v": "v", "/keys": "k", "/variable?name=name": "Ada"},
    ),
    "wasmCloud's crate for Rust": (
        "rust-wasmcloud/wasmcloud.wasm", "wadm.yaml", WADM, {"/kv?key=k&value=v": "v"},
    ),
    "componentize-py": ("python", "", "", {"/hello": "hello from Python"}),
    "jco": ("js", "", "", {"/hello": "hello from JavaScript"}),
    "a WAGI module in C": (
        "cgi/c.wasm", "modules.toml", WAGI,
        {"/a": "hello from C\nGET /a\nquery: \nargs:\nbody: \nvisits: 1"},
    ),
    "a WAGI module in Go": (
        "go-cgi", "modules.toml", WAGI,
        {"/a": "hello from Go\nGET /a\nquery: \nargs: \nsha256: e3b0c44298fc1c149afbf4c8996fb924"
               "27ae41e4649b934ca495991b7852b855"},
    ),
}  # fmt: skip


def written(directory: Path, name: str, source: Path) -> Path:
    """The application in the manifest of its own host, or the bare component."""
    _, file, text, _ = APPLICATIONS[name]
    if not file:
        return source
    (directory / "data").mkdir()
    manifest = directory / file
    manifest.write_text(text.format(name="app", source=source), encoding="utf-8")
    return manifest


@pytest.mark.large
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", APPLICATIONS)
def test_it_runs_as_it_is(
    up, build: Callable[[str], Path], tmp_path: Path, cache: Path, name: str
) -> None:
    source = APPLICATIONS[name][0]
    guest = GUESTS / source if source.endswith(".wasm") else build(source)
    manifest = written(tmp_path, name, guest)
    told = paddock("doctor", manifest, cache=cache, timeout=COMPILE)
    assert told.returncode == 0, told.stdout + told.stderr
    state = ("--state-dir", tmp_path / "state")
    host: Running = serving(up(manifest, *state, wait=False), COMPILE)
    for path, answer in APPLICATIONS[name][3].items():
        response = host.get(path)
        assert response.status_code == 200, response.text + host.log
        assert response.text.strip() == answer.strip(), path


def test_six_of_other_projects_are_tried() -> None:
    assert len(APPLICATIONS) >= 6
    assert len({entry[0] for entry in APPLICATIONS.values()}) == len(APPLICATIONS)
