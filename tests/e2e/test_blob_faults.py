"""What guests and a host make of blob stores whose servers go away, hang or refuse."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import writers
from hosts import GUESTS, Running, memory, wait_for
from manifests import configuration, routed, write
from tests.services.nats import NatsServer
from tests.services.proxy import FaultyProxy
from tests.services.s3 import S3Server

WASI, WASMCLOUD = "blob", "blob-wasmcloud"
Server = S3Server | NatsServer


@pytest.fixture(params=["own_s3", "own_nats"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


class Writers(writers.Writers):
    """Threads that write objects, each a new one."""

    def __init__(self, host: Running) -> None:
        def write(client: httpx.Client, name: str) -> httpx.Response:
            return client.get("/write", params={"name": name, "value": name})

        super().__init__(host, write, (WASI, WASMCLOUD))

    def more(self, what: str = "acknowledged", count: int = 20) -> None:
        """Wait until so many more ended in this way."""
        done: list[object] = getattr(self, what)
        goal = len(done) + count
        wait_for(f"more {what}", lambda: len(done) >= goal)

    def told(self, *texts: str) -> None:
        """All failures are the interfaces' own errors, with one of these texts."""
        failures = [text for _, text in self.failures]
        wrong = [text for text in failures if not any(each in text for each in texts)]
        assert wrong == [] and {status for status, _ in self.failures} <= {500, 503, 504, 507}

    def kept(self) -> None:
        """Every acknowledged object is there, and whole."""
        with self.host.new_client(headers={"host": f"{WASI}.test"}) as client:
            for name in self.acknowledged:
                assert client.get("/read", params={"name": name}).text == name


def table(server: Server, **changes: str) -> str:
    if isinstance(server, S3Server):
        options = {
            "type": "s3", "bucket": server.bucket, "endpoint": server.url,
            "access_key": server.user, "secret_key": server.password,
        }  # fmt: skip
    else:
        options = {
            "type": "nats", "url": server.address, "username": server.user,
            "password": server.password,
        }  # fmt: skip
    options |= {"timeout": "1s", **changes}
    lines = [f'{key} = "{value}"' for key, value in options.items()]
    return "\n".join(["[blob_store.default]", *lines, ""])


def started(up, directory: Path, text: str) -> Running:
    parts = [
        routed(
            name, GUESTS / "rust" / name / f"{name}.wasm", extra='blob_containers = ["default"]'
        ).replace('"/..."', f'"/..."\nhost = "{name}.test"', 1)
        for name in (WASI, WASMCLOUD)
    ]
    return up(write(directory, *parts), "--config", configuration(directory, text))


def ask(host: Running, who: str, route: str, **query: object) -> tuple[int, str]:
    answer = host.get(f"/{route}", params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


def test_a_host_starts_without_the_server_and_finds_it_later(
    up, tmp_path: Path, server: Server
) -> None:
    server.kill()
    host = started(up, tmp_path, table(server))
    assert ask(host, WASMCLOUD, "exists") in (
        (503, "error: store-unavailable\n"), (504, "error: timeout\n"),
    )  # fmt: skip
    host.logged("calls fail until it answers")
    server.start()
    wait_for("the server", lambda: ask(host, WASI, "exists")[0] == 200)
    assert ask(host, WASI, "create") == (200, "default\n")


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_server_that_goes_away_is_the_interfaces_error_until_it_is_back(
    up, tmp_path: Path, server: Server, fault: str
) -> None:
    host = started(up, tmp_path, table(server))
    assert ask(host, WASI, "create")[0] == 200
    for number in range(5):
        assert ask(host, WASMCLOUD, "write", name=f"{number}", value="kept")[0] == 200
    getattr(server, fault)()
    for route in ("write", "read", "list", "info"):
        status, text = ask(host, WASMCLOUD, route, name="0", value="lost")
        assert (status, text) in (
            (503, "error: store-unavailable\n"), (504, "error: timeout\n"),
        )  # fmt: skip
        status, text = ask(host, WASI, route, name="0", value="lost")
        assert status == 500
        assert server.password not in text
    server.start() if fault == "kill" else server.resume()
    wait_for("the server", lambda: ask(host, WASI, "exists") == (200, "true\n"))
    for number in range(1, 5):
        assert ask(host, WASI, "read", name=f"{number}") == (200, "kept")
    assert ask(host, WASI, "write", name="0", value="again")[0] == 200
    assert server.password not in host.log


#: What the two interfaces say while the server can't be asked.
AWAY = (
    "error: store-unavailable",
    "error: timeout",
    "can't be reached",
    "did not answer",
    "answered 5",
)


@pytest.mark.parametrize("fault", ["kill", "pause", "refuse_authentication"])
def test_writers_get_errors_and_go_on_and_nothing_acknowledged_is_lost(
    up, tmp_path: Path, server: Server, fault: str
) -> None:
    host = started(up, tmp_path, table(server))
    assert ask(host, WASI, "create")[0] == 200
    with Writers(host) as writers:
        writers.more()
        getattr(server, fault)()
        writers.more("failures")
        host.logged("calls fail until it answers")
        if fault == "kill":
            server.start()
        elif fault == "pause":
            server.resume()
        else:
            wait_for("the refusal", lambda: "refuse" in str(writers.failures))
            server.accept_authentication()
        writers.more()
    refusals = ("refuse", "error: access-denied", "error: other(")
    writers.told(*AWAY, *(refusals if fault == "refuse_authentication" else ()))
    writers.kept()
    assert server.password not in host.log + str(writers.failures)


FAULTS = {
    "slow down": ((503, "<Error><Code>SlowDown</Code></Error>"), "quota-exceeded"),
    "internal": ((500, "<Error><Code>InternalError</Code></Error>"), "store-unavailable"),
    "quota": ((403, "<Error><Code>QuotaExceeded</Code></Error>"), "quota-exceeded"),
    "full": ((507, "<Error><Code>XMinioStorageFull</Code></Error>"), "quota-exceeded"),
    "cut": ("cut", "store-unavailable"),
    "nonsense": ((400, "<html>"), "error: other("),
}


def test_a_faulty_server_is_told_while_reads_go_on(up, tmp_path: Path, own_s3: S3Server) -> None:
    with FaultyProxy(own_s3.port) as proxy:
        host = started(up, tmp_path, table(own_s3, endpoint=proxy.url))
        assert ask(host, WASI, "create")[0] == 200
        with Writers(host) as writers:
            for fault, wanted in FAULTS.values():
                writers.more(count=8)
                proxy.fault = fault
                writers.more("failures", 4)
                told = ask(host, WASMCLOUD, "write", name="more", value="x")[1]
                assert wanted in told, fault
                assert ask(host, WASI, "read", name=writers.acknowledged[0])[0] == 200
                proxy.fault = None
            writers.more()
        writers.kept()


def test_a_full_s3_server_is_told_and_others_go_on(up, tmp_path: Path, own_s3: S3Server) -> None:
    host = started(up, tmp_path, table(own_s3))
    assert ask(host, WASI, "create")[0] == 200
    own_s3.full = True
    own_s3.restart()
    wait_for("the server", lambda: ask(host, WASI, "exists") == (200, "true\n"))
    with Writers(host) as writers:
        writers.more()
        for who in (WASI, WASMCLOUD):
            status, text = ask(host, who, "make", name="big", size=8 << 20)
            assert status in (500, 503) and any(each in text for each in AWAY)
            assert ask(host, who, "has", name="big") == (200, "false\n")
        writers.more()
    assert writers.failures == []
    own_s3.full = False
    own_s3.restart()
    wait_for("room", lambda: ask(host, WASI, "make", name="big", size=8 << 20)[0] == 200)
    writers.kept()


def test_a_dead_server_does_not_fill_the_hosts_memory(up, tmp_path: Path, server: Server) -> None:
    host = started(up, tmp_path, table(server))
    assert ask(host, WASI, "create")[0] == 200
    server.kill()
    for who in (WASI, WASMCLOUD):
        assert {ask(host, who, "make", name="x", size=1 << 20)[0] for _ in range(15)} <= {500, 503}
    before = memory(host)
    for who in (WASI, WASMCLOUD):
        assert {ask(host, who, "make", name="x", size=1 << 20)[0] for _ in range(60)} <= {500, 503}
    assert memory(host) - before < 60_000
    server.start()
    wait_for("the server", lambda: ask(host, WASI, "make", name="x", size=1 << 20)[0] == 200)


def test_a_wrong_secret_is_in_no_answer_and_no_log(up, tmp_path: Path, server: Server) -> None:
    key = "secret_key" if isinstance(server, S3Server) else "password"
    host = started(up, tmp_path, table(server, **{key: "wrong-secret"}))
    for who in (WASI, WASMCLOUD):
        status, text = ask(host, who, "exists")
        assert status != 200
        assert "wrong-secret" not in text
    host.logged("refuse[sd]")
    assert "wrong-secret" not in host.log
    assert "wrong-secret" not in host.command("status", "--json").stdout


def test_a_full_server_is_told_and_still_answers(up, tmp_path: Path, own_nats: NatsServer) -> None:
    host = started(up, tmp_path, table(own_nats))
    assert ask(host, WASI, "create")[0] == 200
    assert ask(host, WASI, "write", name="kept", value="kept")[0] == 200
    own_nats.full = True
    own_nats.restart()
    wait_for("the server", lambda: ask(host, WASI, "exists") == (200, "true\n"))
    assert ask(host, WASMCLOUD, "write", name="more", value="x" * 1000) == (
        507, "error: quota-exceeded\n",
    )  # fmt: skip
    status, text = ask(host, WASI, "write", name="more", value="x" * 1000)
    assert (status, "no room left" in text) == (500, True), text
    assert ask(host, WASI, "read", name="kept") == (200, "kept")
    own_nats.full = False
    own_nats.restart()
    wait_for("room", lambda: ask(host, WASI, "write", name="more", value="x")[0] == 200)
    assert ask(host, WASI, "read", name="kept") == (200, "kept")
