"""Health and metrics, on a listener of their own."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hosts import GUESTS, Running, wait_for

Start = Callable[..., Running]
CLI = GUESTS / "rust/cli/cli.wasm"
MANIFEST = f"""
paddock_manifest_version = 1
[application]
name = "shop"
[[trigger.cron]]
id = "tick"
component = "job"
cron_expression = "* * * * * *"
[component.job]
source = "{CLI}"
"""


@pytest.fixture
def host(up: Start, tmp_path: Path) -> Running:
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(MANIFEST)
    return up(manifest, "--admin-listen", "127.0.0.1:0")


def admin(host: Running) -> str:
    return host.logged(r"health and metrics: (http://\S+)")[1]


def test_a_host_that_serves_is_alive_and_ready(host: Running) -> None:
    for path in ("/livez", "/readyz"):
        response = httpx.get(admin(host) + path, trust_env=False)
        assert (response.status_code, response.text) == (200, "ok\n")
    assert httpx.get(f"{admin(host)}/else", trust_env=False).status_code == 404
    assert httpx.post(f"{admin(host)}/livez", trust_env=False).status_code == 405


def test_metrics_tell_of_triggers_and_connections(host: Running) -> None:
    def counted() -> float:
        text = httpx.get(f"{admin(host)}/metrics", trust_env=False).text
        labels = r'\{application="shop",trigger="tick",type="cron",component="job"\}'
        found = re.search(rf"^paddock_trigger_handled_total{labels} (\S+)$", text, re.MULTILINE)
        assert found, text
        assert "# TYPE paddock_http_connections gauge" in text
        return float(found[1])

    wait_for("a run", lambda: counted() >= 1)


def test_nothing_listens_unless_asked(up: Start, tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(MANIFEST)
    assert "health and metrics" not in up(manifest).log


def test_nonsense_on_the_listener_is_no_matter(host: Running) -> None:
    url = httpx.URL(admin(host))
    for nonsense in (b"\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 20_000, b"GET / HTTP/1.1\r\n"):
        with socket.create_connection((url.host, url.port or 0)) as connection:
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            connection.recv(1000)
    assert httpx.get(f"{admin(host)}/livez", trust_env=False).status_code == 200


def test_a_taken_port_is_told(up: Start, tmp_path: Path) -> None:
    manifest = tmp_path / "paddock.toml"
    manifest.write_text(MANIFEST)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        running = up(manifest, "--admin-listen", address, wait=False)
        assert running.ended() == 6
    assert "--admin-listen" in running.log


def test_a_host_that_stops_ends_well_with_the_listener_open(host: Running) -> None:
    admin(host)
    host.signal(signal.SIGTERM)
    assert host.ended() == 0
