"""Sockets and outgoing HTTP by grant: scheme, host, network, range of ports; private only by name."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS, Running, paddock
from manifests import component, routed, write

NET = GUESTS / "rust" / "net" / "net.wasm"


class EchoTcp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(4096):
            if data.startswith(b"GET "):
                body = b"from the web"
                head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                self.request.sendall(head + body)
            else:
                self.request.sendall(b"tcp:" + data)


class EchoUdp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, back = self.request
        back.sendto(b"udp:" + data, self.client_address)


@pytest.fixture(scope="module")
def peer() -> Iterator[int]:
    """One port on which TCP, HTTP and UDP are answered."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), EchoTcp) as tcp:
        tcp.daemon_threads = True
        port: int = tcp.server_address[1]
        with socketserver.ThreadingUDPServer(("127.0.0.1", port), EchoUdp) as udp:
            for server in (tcp, udp):
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield port
            for server in (tcp, udp):
                server.shutdown()


#: Grants of each component, with the port of the peer in place of P, and P+1 of Q.
GRANTS = {
    "exact": ["tcp://127.0.0.1:P", "udp://127.0.0.1:P", "http://127.0.0.1:P"],
    "nothing": [],
    "tcp": ["tcp://127.0.0.1:P"],
    "udp": ["udp://127.0.0.1:P"],
    "web": ["http://127.0.0.1:P"],
    "any-scheme": ["*://127.0.0.1:P"],
    "network": ["tcp://127.0.0.0/8:P", "udp://127.0.0.0/30:P", "http://127.0.0.0/8:P"],
    "other-network": ["tcp://10.0.0.0/8:P", "udp://127.0.0.2/31:P", "http://10.0.0.0/8:P"],
    "range": ["tcp://127.0.0.1:P..Q", "http://127.0.0.1:P..Q", "udp://127.0.0.1:P..Q"],
    "range-before": ["tcp://127.0.0.1:1..P", "http://127.0.0.1:1..P", "udp://127.0.0.1:1..P"],
    "everything": ["*://*:*"],
    "name": ["tcp://localhost:P", "udp://localhost:P", "http://localhost:P"],
    "template": ["tcp://{{ where }}:P", "udp://{{ where }}:P", "http://{{ where }}:P"],
}


def hosted(id: str, source: str | Path, grants: list[str]) -> str:
    extra = f"allowed_outbound_hosts = {grants}\n".replace("'", '"')
    return routed(id, source, extra).replace('"/..."', f'"/..."\nhost = "{id}.test"')


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory, peer: int) -> Running:
    parts = ['[variables]\nwhere = { default = "127.0.0.1" }\n']
    for id, grants in GRANTS.items():
        put = [each.replace("P", str(peer)).replace("Q", str(peer + 1)) for each in grants]
        parts += [hosted(id, NET, put), hosted(f"{id}-http", "routes", put)]
    return module_up(write(tmp_path_factory.mktemp("sockets"), *parts))


def ask(host: Running, who: str, path: str, **query: object) -> tuple[int, str]:
    answer = host.get(path, params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text.strip()


def tried(host: Running, who: str, kind: str, port: int, address: str = "127.0.0.1") -> bool:
    """Whether a component reached the peer; anything but that and a denial is a failure."""
    if kind == "http":
        status, text = ask(host, f"{who}-http", "/outbound", url=f"http://{address}:{port}/")
        if (status, text) == (200, "from the web"):
            return True
        assert status == 502 and ("denied" in text.lower() or "prohibited" in text.lower()), text
        return False
    status, text = ask(host, who, f"/{kind}", address=address, port=port, text="hello")
    if (status, text) == (200, f"{kind}:hello"):
        return True
    assert (status, text) == (403, "error: access-denied"), (status, text)
    return False


@pytest.mark.parametrize(
    ("who", "kinds"),
    [
        ("exact", {"tcp", "udp", "http"}),
        ("nothing", set()),
        ("tcp", {"tcp"}),
        ("udp", {"udp"}),
        ("web", {"http"}),
        ("any-scheme", {"tcp", "udp", "http"}),
        ("network", {"tcp", "udp", "http"}),
        ("other-network", set()),
        ("range", {"tcp", "udp", "http"}),
        # The end of a range is no part of it.
        ("range-before", set()),
        # Private addresses are reached by name or network, never by `*`.
        ("everything", set()),
        ("name", {"tcp", "udp"}),
        ("template", {"tcp", "udp", "http"}),
    ],
)
def test_what_is_granted_is_reached_and_nothing_else(
    host: Running, peer: int, who: str, kinds: set[str]
) -> None:
    assert {kind for kind in ("tcp", "udp", "http") if tried(host, who, kind, peer)} == kinds


def test_a_name_of_http_is_reached_by_its_name(host: Running, peer: int) -> None:
    assert tried(host, "name", "http", peer, "localhost")
    # A network allows any name whose address lies in it.
    assert tried(host, "network", "http", peer, "localhost")
    assert not tried(host, "other-network", "http", peer, "localhost")


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("who", ["everything", "nothing", "other-network"])
def test_an_ipv4_address_in_disguise_is_itself(
    host: Running, peer: int, who: str, kind: str
) -> None:
    status, text = ask(host, who, f"/{kind}", address="::ffff:127.0.0.1", port=peer, text="x")
    # Before any grant is asked, a socket of IPv6 may not take such an address at all.
    assert (status, text) in ((403, "error: access-denied"), (502, "error: invalid-argument"))


@pytest.mark.parametrize("who", ["exact", "any-scheme", "everything"])
def test_listening_is_never_granted(host: Running, who: str) -> None:
    for address in ("127.0.0.1", "0.0.0.0"):
        assert ask(host, who, "/listen", address=address, port=0) == (403, "error: access-denied")


@pytest.mark.parametrize("who", ["nothing", "range-before"])
def test_a_denied_socket_is_told_once_with_the_line_that_would_grant_it(
    host: Running, peer: int, who: str
) -> None:
    for _ in range(2):
        assert not tried(host, who, "tcp", peer)
    line = rf'\[{who}\] warning: .*allowed_outbound_hosts = \["tcp://127.0.0.1:{peer}"\]'
    host.logged(line)
    assert len(re.findall(line, host.log)) == 1


def test_names_are_looked_up_only_by_who_may_connect_somewhere(host: Running) -> None:
    assert "127.0.0.1" in ask(host, "name", "/resolve", name="localhost")[1]
    status, _ = ask(host, "nothing", "/resolve", name="localhost")
    assert status in (403, 502)


def test_a_variable_decides_where_a_template_leads(up, tmp_path: Path, peer: int) -> None:
    grant = f"tcp://{{{{ where }}}}:{peer}"
    text = [
        '[variables]\nwhere = { default = "10.0.0.1" }\n',
        routed("net", NET, f'allowed_outbound_hosts = ["{grant}"]\n'),
    ]
    host = up(write(tmp_path, *text))
    query = {"address": "127.0.0.1", "port": peer, "text": "x"}
    assert host.get("/tcp", params=query).status_code == 403
    host = up(
        write(tmp_path, *text), "--variable", "where=127.0.0.1", "--state-dir", tmp_path / "2"
    )
    assert host.get("/tcp", params=query).text == "tcp:x"


def test_a_grant_that_is_none_refuses_the_manifest(tmp_path: Path, cache: Path) -> None:
    for grant in ("tcp://127.0.0.1", "127.0.0.1:80", "tcp://10.0.0.0/8:9..9", "http://a/b"):
        extra = f'allowed_outbound_hosts = ["{grant}"]\n'
        done = paddock("up", write(tmp_path, component("net", NET, extra)), cache=cache)
        assert done.returncode == 3, grant
        assert "hint:" in done.stderr


def test_the_peer_of_these_tests_answers_who_may_connect(peer: int) -> None:
    with socket.create_connection(("127.0.0.1", peer), 5) as connection:
        connection.sendall(b"x")
        assert connection.recv(10) == b"tcp:x"
