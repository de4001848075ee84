"""Spin's runtime configuration, as its documentation shows it, is a host's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.host.desired import DesiredApplication
from paddock.host.handles import Handles
from paddock.host.kinds import KINDS
from paddock.host.variables import layers
from paddock.manifest.hostconfig import HostConfig, read_host_config
from paddock.manifest.model import Application
from paddock.types import resolve

SERVED = """\
state_dir = "state"
log_dir = "logs"
max_instance_memory = 104857600

[key_value_store.default]
type = "spin"
path = ".spin/sqlite_key_value.db"

[key_value_store.cache]
type = "redis"
url = "redis://127.0.0.1:6379"

[sqlite_database.default]
type = "spin"
path = "sqlite.db"

[[variables_provider]]
type = "static"
values = { a = "static" }

[[variables_provider]]
type = "env"
prefix = "SPIN_TEST_VAR"
dotenv_path = "DOTENV"

[[variables_provider]]
type = "vault"
url = "http://127.0.0.1:1"
token = "root"
mount = "secret"
prefix = "spin"

[outbound_networking]
block_networks = ["private", "1.1.1.1/32"]

[outbound_http]
connection_pooling = true
max_connections = 10

[llm_compute]
type = "spin"
"""


def read(tmp_path: Path, text: str) -> HostConfig:
    return read_host_config(text.encode(), tmp_path / "runtime-config.toml")


def test_every_table_of_spins_that_is_supported_is_read(tmp_path: Path) -> None:
    config = read(tmp_path, SERVED)
    assert config.state_dir == tmp_path / "state"
    assert config.log_dir == tmp_path / "logs"
    assert config.limits.memory == 104857600
    assert [each.type for each in config.variables_providers] == ["static", "env", "vault"]
    assert "language models" in config.notices[0]
    assert config.outbound.blocked == ("private", "1.1.1.1/32")


@pytest.mark.parametrize(
    ("kind", "name", "type_name"),
    [
        ("key_value", "default", "spin"),
        ("key_value", "cache", "redis"),
        ("sqlite", "default", "spin"),
    ],
)
def test_a_provider_of_spins_is_known_with_its_options(
    tmp_path: Path, kind: str, name: str, type_name: str
) -> None:
    key = Handles(tmp_path).key("app", kind, name, read(tmp_path, SERVED))
    assert key is not None and key.type == type_name


async def test_variables_come_from_the_providers_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = tmp_path / "dotenv"
    dotenv.write_text("SPIN_TEST_VAR_A=file\nSPIN_TEST_VAR_B=file\n")
    monkeypatch.setenv("SPIN_TEST_VAR_C", "environment")
    config = read(tmp_path, SERVED.replace("DOTENV", str(dotenv)))
    source = layers(DesiredApplication(Application("app")), config, tmp_path)
    found = [await resolve(source.get(name)) for name in ("a", "b", "c")]
    assert found == ["static", "file", "environment"]


@pytest.mark.parametrize(
    ("table", "kind", "reason"),
    [
        ('type = "libsql"\nurl = "https://x"\ntoken = "t"', "sqlite", "a libSQL server"),
        ('type = "azure_cosmos"\nkey = "k"', "key_value", "Azure Cosmos DB"),
        ('type = "aws_dynamo"\ntable = "t"', "key_value", "Amazon DynamoDB"),
    ],
)
def test_a_provider_that_only_spin_has_is_refused_with_its_reason(
    tmp_path: Path, table: str, kind: str, reason: str
) -> None:
    config = read(tmp_path, f"[{KINDS[kind].table}.default]\n{table}\n")
    with pytest.raises(ManifestError, match=f"is Spin's: {reason} .*not supported"):
        Handles(tmp_path).key("app", kind, "default", config)
