"""A manifest of each host that is read, and how the tests read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.manifest.model import Application
from paddock.manifest.problems import ManifestMistakes
from paddock.manifest.reader import load

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
