"""An application of Spin's with its own manifest and its own runtime configuration, as they are."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from hosts import GUESTS, Running
from tests.services.redis import RedisServer

MANIFEST = """\
spin_manifest_version = 2

[application]
name = "shop"
version = "1.0.0"

[variables]
name = {{ default = "Ada" }}

[[trigger.http]]
route = "/..."
component = "app"

[component.app]
source = "{source}"
key_value_stores = ["default", "cache"]
sqlite_databases = ["default"]
variables = {{ name = "{{{{ name }}}}" }}
"""
CONFIGURATION = """\
state_dir = "state"

[key_value_store.default]
type = "spin"
path = "own_store.db"

[key_value_store.cache]
type = "redis"
url = "{url}"

[sqlite_database.default]
type = "spin"
path = "own_data.db"

[[variables_provider]]
type = "static"
values = {{ name = "Grace" }}
"""


def test_stores_databases_and_variables_are_where_it_says(
    up: Callable[..., Running], tmp_path: Path, redis_server: RedisServer
) -> None:
    (tmp_path / "spin.toml").write_text(
        MANIFEST.format(source=GUESTS / "rust-spin" / "spin5.wasm"), encoding="utf-8"
    )
    config = tmp_path / "runtime-config.toml"
    config.write_text(CONFIGURATION.format(url=redis_server.url), encoding="utf-8")
    host = up(tmp_path / "spin.toml", "--runtime-config-file", config)
    key = uuid.uuid4().hex
    for query in ({"key": key, "value": "mine"}, {"key": key, "value": "shared", "store": "cache"}):
        answer = host.get("/kv", params=query)
        assert (answer.status_code, answer.text) == (200, query["value"]), host.log
    assert host.get("/kv", params={"key": key}).text == "mine"
    assert "1 note" in host.get("/sqlite?db=default&note=note").text
    assert host.get("/variable?name=name").text == "Grace"
    assert sorted(path.name for path in tmp_path.rglob("own_*.db")) == [
        "own_data.db",
        "own_store.db",
    ]
    assert redis_server.password not in host.log
