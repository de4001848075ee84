"""Requests that guests make: to granted hosts, to other components, to themselves."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Running
from manifests import component, configuration, routed, write
from wire import Wire


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        if self.path == "/slow":
            self.server.gone.wait(20)  # type: ignore[attr-defined]
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("location", "http://10.0.0.1/")
        else:
            self.send_response(200)
        text = f"{self.command} {self.path} host={self.headers['host']}\n".encode() + body
        self.send_header("content-length", str(len(text)))
        self.send_header("x-seen", self.headers.get("x-sent", "none"))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def peer() -> Iterator[int]:
    """A server outside; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    server.gone = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_port
    server.gone.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def named(id: str, source: str, grants: list[str]) -> str:
    extra = f"allowed_outbound_hosts = {grants}\n".replace("'", '"')
    return routed(id, source, extra).replace('"/..."', f'"/..."\nhost = "{id}.test"')


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory, peer: int) -> Running:
    local = [f"http://127.0.0.1:{peer}", "http://self", "http://*.spin.internal"]
    return module_up(
        write(
            tmp_path_factory.mktemp("outbound"),
            named("granted", "routes", [*local, f"http://localhost:{peer}"]),
            named("granted3", "http3", local),
            named("nothing", "routes", []),
            named("nothing3", "http3", []),
            named("name", "routes", ["http://*:*", "https://*:*"]),
            named("port", "routes", [f"http://127.0.0.1:{peer + 1}"]),
            named("one", "routes", ["http://hello.spin.internal"]),
            component("hello"),
            component("streamer", "routes"),
            component("looping", "routes", 'allowed_outbound_hosts = ["http://*.spin.internal"]'),
            component("failing", "trap"),
            '[[trigger.http]]\nroute = { private = true }\ncomponent = "hello"\n',
        )
    )


def out(host: Running, who: str, url: str, **query: str) -> tuple[int, str]:
    answer = host.get("/outbound", params={"url": url, **query}, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


def chain(host: Running, who: str, to: str, **query: str) -> tuple[int, str]:
    answer = host.get("/chain", params={"to": to, **query}, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


@pytest.mark.parametrize("who", ["granted", "granted3"])
def test_a_granted_host_is_reached(host: Running, peer: int, who: str) -> None:
    status, text = out(host, who, f"http://127.0.0.1:{peer}/path?x=1")
    assert (status, text) == (200, f"GET /path?x=1 host=127.0.0.1:{peer}\n")


def test_a_granted_name_is_reached_where_it_points(host: Running, peer: int) -> None:
    assert out(host, "granted", f"http://localhost:{peer}/")[0] == 200


def test_method_headers_and_body_are_sent_and_come_back(host: Running, peer: int) -> None:
    answer = host.client.post(
        "/outbound", params={"url": f"http://127.0.0.1:{peer}/"}, content=b"b" * 100_000,
        headers={"host": "granted.test", "x-sent": "yes"},
    )  # fmt: skip
    assert answer.headers["x-seen"] == "yes"
    assert answer.text == f"POST / host=127.0.0.1:{peer}\n" + "b" * 100_000


@pytest.mark.parametrize("who", ["nothing", "nothing3", "port", "one"])
def test_what_is_not_granted_is_denied_and_the_log_says_what_would_grant_it(
    host: Running, peer: int, who: str
) -> None:
    status, text = out(host, who, f"http://127.0.0.1:{peer}/")
    assert status == 502 and ("denied" in text.lower() or "prohibited" in text.lower()), text
    host.logged(rf"\[{who}\].*http://127\.0\.0\.1:{peer}.*not granted")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/",
        "http://localhost:{}/",
        "http://[::1]:{}/",
        "http://127.1:{}/",
        "http://2130706433:{}/",
        "http://[::ffff:127.0.0.1]:{}/",
    ],
)
def test_a_grant_for_every_host_does_not_reach_private_addresses(
    host: Running, peer: int, url: str
) -> None:
    status, text = out(host, "name", url.format(peer))
    assert status == 502, text


def test_a_redirect_is_the_guests_own_affair(host: Running, peer: int) -> None:
    assert out(host, "granted", f"http://127.0.0.1:{peer}/redirect")[0] == 302


def test_a_refused_connection_is_an_error_of_the_interface(up, tmp_path: Path) -> None:
    host = up(
        write(tmp_path, routed("routes", extra='allowed_outbound_hosts = ["http://127.0.0.1:1"]'))
    )
    answer = host.get("/outbound?url=http://127.0.0.1:1/")
    assert answer.status_code == 502 and "ConnectionRefused" in answer.text


def test_a_certificate_that_nobody_vouches_for_is_refused(up, tmp_path: Path) -> None:
    folder = Path(__file__).parent / "certificate"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        host = up(write(tmp_path, routed("routes", extra=f'allowed_outbound_hosts = ["{url}"]')))
        answer = host.get("/outbound", params={"url": url + "/"})
        server.shutdown()
    assert answer.status_code == 502 and "Tls" in answer.text, answer.text


def test_a_slow_server_meets_the_guests_own_timeout(host: Running, peer: int) -> None:
    status, text = out(host, "granted", f"http://127.0.0.1:{peer}/slow", timeout="200")
    assert status == 502 and "Timeout" in text


@pytest.mark.parametrize("domain", ["spin.internal", "paddock.internal"])
def test_a_chained_call_reaches_the_other_component(host: Running, domain: str) -> None:
    status, text = chain(host, "granted", "hello", domain=domain)
    assert (status, text.strip()) == (200, "hello")


def test_a_chained_call_streams_both_ways(host: Running) -> None:
    # The guest sends the whole body on before it looks at the answer.
    query = {"to": "streamer", "path": "/upload"}
    headers = {"host": "granted.test"}
    answer = host.client.post("/chain", params=query, content=b"x" * 2_000_000, headers=headers)
    assert answer.text == "2000000 bytes"
    with Wire(host.port) as wire:
        wire.request(
            "GET /chain?to=streamer&path=/stream%3Fn%3D100000%26ms%3D20 HTTP/1.1",
            host="granted.test",
        )
        assert wire.head().status == 200
        assert wire.exactly(int(wire.line(), 16) + 2).startswith(b"chunk 0")


def test_a_chained_call_needs_a_grant(host: Running) -> None:
    assert chain(host, "one", "hello")[0] == 200
    assert chain(host, "one", "streamer")[0] == 502
    assert chain(host, "nothing", "hello")[0] == 502


def test_a_chained_call_to_nobody_is_an_error(host: Running) -> None:
    assert chain(host, "granted", "nobody")[0] == 502


def test_a_chained_call_to_a_component_that_traps_gives_the_caller_an_answer(host: Running) -> None:
    assert chain(host, "granted", "failing")[0] in (500, 502)


def test_a_chain_without_end_is_cut_at_a_depth(host: Running) -> None:
    path = "/chain?to=looping&path=" + "/chain%3Fto%3Dlooping"
    for _ in range(6):
        # Each level encodes the path of the next once more.
        path = "/chain?to=looping&path=" + path.replace("%", "%25").replace("?", "%3F").replace(
            "&", "%26"
        )
    answer = host.get(path, headers={"host": "granted.test"})
    assert answer.status_code in (200, 404, 500, 502, 508)
    assert chain(host, "granted", "hello")[0] == 200


def test_a_self_request_reaches_the_route_that_a_client_would_reach(up, tmp_path: Path) -> None:
    host = up(
        write(
            tmp_path,
            routed("routes", extra='allowed_outbound_hosts = ["http://self"]'),
            routed("hello", route="/other"),
        )
    )
    assert host.get("/outbound?url=/other").text.strip() == "hello"
    assert host.get("/outbound?url=/hello").text == "hello"
    assert host.get("/outbound?url=http://self.alt/other").text.strip() == "hello"


def test_chained_calls_and_self_requests_do_not_wait_for_slots_that_they_hold(
    up, tmp_path: Path
) -> None:
    import concurrent.futures

    config = configuration(tmp_path, '[limits]\ninstances = 2\nqueue = 50\nqueue_timeout = "5s"\n')
    grants = 'allowed_outbound_hosts = ["http://*.spin.internal"]'
    host = up(
        write(tmp_path, routed("routes", extra=grants), component("hello")), "--config", config
    )

    def one(_: int) -> int:
        return host.client.get("/chain?to=hello").status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(40))) <= {200, 502, 503}
    assert host.get("/hello").status_code == 200
