"""The host's configuration is read with the same care as a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.manifest.hostconfig import (
    HostConfig,
    HostLimits,
    OutboundPolicy,
    ProviderConfig,
    Tls,
    load_host_config,
    read_host_config,
)
from paddock.manifest.problems import ManifestMistakes

FULL = """
state_dir = "state"
log_dir = "/var/log/paddock"

[key_value_store.default]
type = "sqlite"
path = "default.db"

[key_value_store.cache]
type = "acme-cache"
servers = ["a", "b"]

[[variables_provider]]
type = "static"
values = { a = "1" }

[[variables_provider]]
type = "env"
prefix = "APP_"
dotenv_path = ".env"

[limits]
memory = "128MiB"
time = "5s"
table = 50000
instances = 20
queue = 0
queue_timeout = "1s"
body = "1MB"
stream = "1h"
connections = 100
header_timeout = "2s"
idle_timeout = "3s"
drain = "4s"

[tls]
certificate = "cert.pem"
key = "/etc/key.pem"
"""


def read(text: str) -> HostConfig:
    return read_host_config(text.encode(), Path("/etc/paddock/host.toml"))


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ManifestMistakes) as caught:
        read(text)
    return [(problem.location.line, str(problem)) for problem in caught.value.problems]


def test_every_key_is_read() -> None:
    config = read(FULL)
    assert config.providers("key_value_store") == {
        "default": ProviderConfig("sqlite", {"path": "default.db"}),
        "cache": ProviderConfig("acme-cache", {"servers": ("a", "b")}),
    }
    assert config.variables_providers == (
        ProviderConfig("static", {"values": {"a": "1"}}),
        ProviderConfig("env", {"prefix": "APP_", "dotenv_path": ".env"}),
    )
    assert config.limits == HostLimits(
        memory=128 << 20,
        time=5.0,
        table=50_000,
        instances=20,
        queue=0,
        queue_timeout=1.0,
        body=1_000_000,
        stream=3600.0,
        connections=100,
        header_timeout=2.0,
        idle_timeout=3.0,
        drain=4.0,
    )
    assert config.tls == Tls(Path("/etc/paddock/cert.pem"), Path("/etc/key.pem"))


def test_relative_paths_start_beside_the_file() -> None:
    config = read(FULL)
    assert config.state_dir == Path("/etc/paddock/state")
    assert config.log_dir == Path("/var/log/paddock")
    assert config.source == Path("/etc/paddock/host.toml")


def test_an_empty_file_is_the_default_configuration() -> None:
    config = read("")
    assert config == HostConfig(source=config.source)
    assert config.limits == HostLimits()


def test_a_provider_knows_its_line() -> None:
    config = read(FULL)
    lines = FULL.splitlines()
    store = config.providers("key_value_store")["cache"].location.line
    assert lines[store - 1] == "[key_value_store.cache]"


def test_spins_key_for_memory_is_the_same_limit() -> None:
    assert read("max_instance_memory = 1048576\n").limits.memory == 1 << 20
    ((line, text),) = mistakes('max_instance_memory = 1\n[limits]\nmemory = "1MiB"\n')
    assert line == 1
    assert "set twice" in text


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        ("outbound_networking", "max_socket_connections", "a limit for sockets"),
        ("outbound_networking", "max_total_connections", "outbound_http.max_connections is"),
        ("outbound_http", "max_concurrent_requests", "use max_connections"),
    ],
)
def test_a_key_of_spin_that_has_no_effect_yet_is_refused_by_name(
    table: str, key: str, reason: str
) -> None:
    ((line, text),) = mistakes(f'log_dir = "x"\n[{table}]\n{key} = 1\n')
    assert line == 3
    assert reason in text
    assert "hint: leave it out" in text


def test_old_names_for_variables_providers_are_refused_with_the_new_one() -> None:
    ((_, text),) = mistakes('[[config_provider]]\ntype = "vault"\n')
    assert "use [[variables_provider]]" in text


def test_what_holds_for_outgoing_connections_of_every_guest_is_read() -> None:
    config = read(
        '[outbound_networking]\nblock_networks = ["1.1.1.1", "8.8.8.8/16", "private", "fd00::/8"]\n'
        "[outbound_http]\nconnection_pooling = false\nmax_connections = 10\n"
    )
    blocked = ("1.1.1.1/32", "8.8.0.0/16", "private", "fd00::/8")
    assert config.outbound == OutboundPolicy(blocked, pooling=False, connections=10)
    assert read("").outbound == OutboundPolicy()
    ((line, text),) = mistakes('[outbound_networking]\nblock_networks = ["intranet"]\n')
    assert (line, "'intranet' is neither a network nor 'private'" in text) == (2, True)


def test_a_host_for_language_models_is_a_notice() -> None:
    config = read('[llm_compute]\ntype = "spin"\n')
    assert config.notices == (
        "/etc/paddock/host.toml:1: [llm_compute] has no effect: this host offers no language models",
    )


def test_client_certificates_are_refused_by_name() -> None:
    ((line, text),) = mistakes('[[client_tls]]\nhosts = ["a"]\n')
    assert (line, "client certificates" in text) == (1, True)


def test_all_mistakes_are_reported_at_once() -> None:
    found = mistakes(
        'stat_dir = "x"\n[key_value_store.a]\ntyp = "memory"\n[limits]\nmemory = 5.5\ntime = "5"\n'
        "[tls]\nkey = 3\n[[variables_provider]]\ntype = 3\n"
    )
    for line, text in (
        (1, "did you mean 'state_dir'?"),
        (2, "key_value_store.a: has no 'type'"),
        (5, "limits.memory: must be a size, not a float"),
        (6, "limits.time: duration '5' has no unit"),
        (7, "tls.certificate: is required"),
        (8, "tls.key: must be a string"),
        (9, "variables_provider[0]: has no 'type'"),
    ):
        assert any(text in told for at, told in found if at == line), (line, text, found)


def test_a_missing_file_is_reported_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"can't read .*host\.toml"):
        load_host_config(tmp_path / "host.toml")
