"""What the operator decides for outgoing connections of every guest, whatever it is granted."""

from __future__ import annotations

import concurrent.futures
import json
import socket
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import configuration, routed, write

NET = GUESTS / "rust" / "net" / "net.wasm"


class Peer:
    """A server of HTTP/1.1 that counts its connections; `/slow` waits for `go`."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.connections = self.open = 0
        self.go = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self.open += 1
        try:
            with connection, connection.makefile("rb") as lines:
                while line := lines.readline():
                    while lines.readline().strip():
                        pass
                    if b"/slow" in line:
                        self.go.wait(20)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npeer")
        except OSError:
            pass
        finally:
            with self._lock:
                self.open -= 1

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.go.set()
    peer.server.close()


def manifest(directory: Path, peer: Peer) -> Path:
    grants = [peer.url().rstrip("/"), f"tcp://127.0.0.1:{peer.port}", "http://127.0.0.2:1"]
    extra = f"allowed_outbound_hosts = {json.dumps(grants)}\n"
    return write(
        directory,
        routed("routes", extra=extra),
        routed("net", NET, extra).replace('"/..."', '"/..."\nhost = "net.test"'),
    )


def fetched(host: Running, peer: Peer, path: str = "/") -> tuple[int, str]:
    answer = host.get("/outbound", params={"url": peer.url(path)})
    return answer.status_code, answer.text


def connected(host: Running, peer: Peer) -> int:
    query: dict[str, object] = {"address": "127.0.0.1", "port": peer.port, "text": "GET / \n\n"}
    return host.get("/tcp", params=query, headers={"host": "net.test"}).status_code


@pytest.mark.parametrize("blocked", ["127.0.0.0/8", "127.0.0.1", "private"])
def test_a_blocked_network_is_reached_by_no_grant(
    up, tmp_path: Path, peer: Peer, blocked: str
) -> None:
    text = f'[outbound_networking]\nblock_networks = ["10.0.0.0/8", "{blocked}"]\n'
    host = up(manifest(tmp_path, peer), "--config", configuration(tmp_path, text))
    status, answer = fetched(host, peer)
    assert status == 502, answer
    assert connected(host, peer) == 403
    assert peer.connections == 0
    host.logged(r"\[routes\] warning: .*configuration blocks.* nothing can grant it")
    host.logged(r"\[net\] warning: .*configuration blocks.* nothing can grant it")


def test_another_network_is_no_hindrance_and_an_apply_blocks_at_once(
    up, tmp_path: Path, peer: Peer
) -> None:
    text = '[outbound_networking]\nblock_networks = ["10.0.0.0/8"]\n'
    host = up(manifest(tmp_path, peer), "--config", configuration(tmp_path, text))
    assert fetched(host, peer) == (200, "peer")
    assert connected(host, peer) == 200
    changed = '[outbound_networking]\nblock_networks = ["private"]\n'
    host.apply("--config", configuration(tmp_path, changed))
    assert fetched(host, peer)[0] == 502
    assert connected(host, peer) == 403


@pytest.mark.parametrize(("pooling", "connections"), [("true", 1), ("false", 5)])
def test_connections_are_kept_for_the_next_request_unless_switched_off(
    up, tmp_path: Path, peer: Peer, pooling: str, connections: int
) -> None:
    text = f"[outbound_http]\nconnection_pooling = {pooling}\n"
    host = up(manifest(tmp_path, peer), "--config", configuration(tmp_path, text))
    for _ in range(5):
        assert fetched(host, peer) == (200, "peer")
    assert peer.connections == connections


def test_no_more_connections_are_open_than_allowed_and_the_next_waits(
    up, tmp_path: Path, peer: Peer
) -> None:
    text = "[outbound_http]\nmax_connections = 2\n"
    host = up(manifest(tmp_path, peer), "--config", configuration(tmp_path, text))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(fetched, host, peer, "/slow") for _ in range(6)]
        wait_for("the first two", lambda: peer.open == 2)
        # The others have had time enough to connect, if they could.
        done, _ = concurrent.futures.wait(answers, timeout=0.5)
        assert not done and peer.open == 2
        peer.go.set()
        assert {answer.result() for answer in answers} == {(200, "peer")}


def test_an_audit_sees_which_granted_hosts_are_used(up, tmp_path: Path, peer: Peer) -> None:
    host = up(manifest(tmp_path, peer), "--audit")
    assert fetched(host, peer) == (200, "peer")
    assert connected(host, peer) == 200
    found: dict[str, dict[str, object]] = {}

    def seen() -> bool:
        shown = json.loads(host.command("status", "--audit", "--json").stdout)["components"]
        for each in shown:
            found[each["component"]] = tomllib.loads("\n".join(each["lines"]))
        return all(found.values())

    wait_for("both uses", seen)
    assert found == {
        "routes": {"allowed_outbound_hosts": [peer.url().rstrip("/")]},
        "net": {"allowed_outbound_hosts": [f"tcp://127.0.0.1:{peer.port}"]},
    }
