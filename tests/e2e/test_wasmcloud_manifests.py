"""wasmCloud's own files are served: a wash project, a workload, a wadm application."""

from __future__ import annotations

import json
from pathlib import Path

from hosts import GUESTS, paddock, wait_for

COMPONENT = GUESTS / "rust-wasmcloud" / "wasmcloud.wasm"
PROGRAM = GUESTS / "rust" / "cli" / "cli.wasm"

WASH = f"""\
version: 2.0.0
build:
  command: cp {COMPONENT} built.wasm
  component_path: built.wasm
workload:
  environment: {{config: {{GREETING: hello}}}}
dev:
  wasi_keyvalue_path: kept/keys
  wasi_blobstore_path: kept/blobs
  service_file: {PROGRAM}
"""

WORKLOAD = f"""\
apiVersion: runtime.wasmcloud.dev/v1alpha1
kind: WorkloadDeployment
metadata: {{name: shop}}
spec:
  replicas: 2
  template:
    spec:
      hostInterfaces:
        - {{namespace: wasi, package: http, interfaces: [incoming-handler],
           config: {{host: shop.example.com}}}}
        - {{namespace: wasi, package: keyvalue, interfaces: [store, atomics],
           config: {{backend: in-memory}}}}
      components:
        - name: shop
          image: file://{COMPONENT}
          poolSize: 2
"""

WADM = f"""\
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {{name: far}}
spec:
  components:
    - name: one
      type: component
      properties: {{image: "ghcr.io/acme/one:1.0"}}
      traits:
        - type: link
          properties: {{target: {{name: two}}, namespace: acme, package: two, interfaces: [call]}}
    - name: two
      type: component
      properties: {{image: "file://{COMPONENT}"}}
"""


def test_a_wash_project_is_built_and_served_with_its_stores(up, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    (project / ".wash").mkdir(parents=True)
    (project / ".wash" / "config.yaml").write_text(WASH, encoding="utf-8")
    host = up(project, "--build")
    assert host.get("/kv?key=k&value=v").text.strip() == "v"
    assert any(path.is_file() for path in (project / "kept" / "keys").rglob("*"))
    # The service runs beside it, and is started again when it ends.
    triggers = wait_for("two starts", lambda: starts(host) if starts(host) > 1 else None)
    assert triggers > 1


def starts(host: object) -> int:
    status: dict[str, list[dict[str, list[dict[str, int]]]]] = host.status()  # type: ignore[attr-defined]
    return status["applications"][0]["triggers"][0]["starts"]


def test_its_state_stands_in_the_project(tmp_path: Path, cache: Path) -> None:
    (tmp_path / ".wash").mkdir()
    (tmp_path / ".wash" / "config.yaml").write_text(WASH, encoding="utf-8")
    done = paddock("status", tmp_path, cache=cache)
    assert done.returncode == 6
    assert str(tmp_path / ".paddock") in done.stderr or ".wash/.paddock" not in done.stderr


def test_a_workload_is_served_to_its_host_name(up, tmp_path: Path) -> None:
    manifest = tmp_path / "workload.yaml"
    manifest.write_text(WORKLOAD, encoding="utf-8")
    host = up(manifest)
    headers = {"host": "shop.example.com"}
    assert host.get("/kv?key=k&value=v", headers=headers).text.strip() == "v"
    assert host.get("/kv?key=k&value=v").status_code == 404
    assert "replicas: one host takes all requests" in host.log


def test_what_a_host_of_its_own_would_need_a_lattice_for_is_told(
    tmp_path: Path, cache: Path
) -> None:
    manifest = tmp_path / "wadm.yaml"
    manifest.write_text(WADM, encoding="utf-8")
    done = paddock("doctor", manifest, "--json", cache=cache)
    assert done.returncode == 5
    refused = [
        one["text"] for one in json.loads(done.stdout)["findings"] if one["level"] == "refused"
    ]
    assert any("registry" in text for text in refused)
    assert any("calls between components are over HTTP here" in text for text in refused)
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
