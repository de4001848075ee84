"""Guests by other people's tools, in every language that is prebuilt, and WASI 0.3."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hosts import GUESTS, Running, wait_for
from manifests import PREBUILT, component, routed, write
from wire import Wire

HTTP = {
    "wat": ("hello-wat", "hello"),
    "rust": ("hello", "hello"),
    "c": ("c", "hello from C"),
    "async-rust": ("http3", "hello"),
}


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("languages")
    go = directory / "go.wasm"
    go.write_bytes(gzip.decompress((GUESTS / "go/http/http.wasm.gz").read_bytes()))
    parts = [routed(id, source, route=f"/{id}/...") for id, (source, _) in HTTP.items()]
    parts.append(routed("go", go, route="/go/..."))
    parts.append(routed("http3", route="/..."))
    return module_up(write(directory, *parts))


@pytest.mark.parametrize("id", HTTP)
def test_a_guest_in_each_language_answers(host: Running, id: str) -> None:
    answer = host.get(f"/{id}/hello" if id != "async-rust" else "/hello")
    assert answer.status_code == 200
    assert answer.text.strip() == HTTP[id][1]


def test_a_guest_in_go_answers_with_its_goroutines(host: Running) -> None:
    assert host.get("/go/x").text == "hello from Go\npath: /go/x\nsum: 5050\n"


GRANTED = """sql_databases = ["default"]
blob_containers = ["default"]
message_brokers = ["default"]
"""


@pytest.fixture(scope="module")
def services(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Guests in C and Go that use a database, a blob store and a broker, granted and not."""
    directory = tmp_path_factory.mktemp("services")
    go = directory / "go.wasm"
    go.write_bytes(gzip.decompress((GUESTS / "go/services/services.wasm.gz").read_bytes()))
    parts = []
    for id, source in (("c", GUESTS / "c/services/services.wasm"), ("go", go)):
        for name, grants in ((id, GRANTED), (f"{id}-denied", "")):
            part = routed(name, source, grants)
            parts.append(part.replace('"/..."', f'"/..."\nhost = "{name}.test"'))
    consumer = GUESTS / "rust/messaging/messaging.wasm"
    grants = 'message_brokers = ["default"]\nkey_value_stores = ["default"]\n'
    parts.append(
        routed("consumer", consumer, grants).replace('"/..."', '"/..."\nhost = "all.test"')
    )
    parts.append('[[trigger.message]]\ncomponent = "consumer"\nsubject = "words"\n')
    return module_up(write(directory, *parts))


@pytest.mark.parametrize("id", ["c", "go"])
def test_a_guest_in_another_language_uses_a_database_a_blob_store_and_a_broker(
    id: str, services: Running
) -> None:
    def ask(path: str, who: str = id) -> tuple[int, str]:
        answer = services.get(path, headers={"host": f"{who}.test"})
        return answer.status_code, answer.text

    assert [ask(f"/sql/{id}") for _ in range(3)] == [(200, "1\n"), (200, "2\n"), (200, "3\n")]
    assert ask(f"/blob/{id}-word") == (200, f"{id}-word")
    assert ask(f"/publish/{id}-word") == (200, "published\n")
    wait_for("the message", lambda: f" words - {id}-word\n" in ask("/received", "all")[1])
    status, text = ask("/sql/x", f"{id}-denied")
    assert status == 500 and "error: access-denied" in text
    for path in ("/blob/x", "/publish/x"):
        status, text = ask(path, f"{id}-denied")
        assert status == 500 and "not granted" in text


def test_text_is_served_as_it_is(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("text", GUESTS / "wat/hello.wat")))
    assert host.get("/").text.strip() == "hello"


def test_wasi_0_3_echoes_ten_megabytes_by_handing_the_stream_on(host: Running) -> None:
    body = os.urandom(10 << 20)
    assert host.client.post("/echo", content=body).content == body


def test_wasi_0_3_copies_a_stream_through_the_guest(host: Running) -> None:
    body = os.urandom(1 << 20)
    assert host.client.post("/copy", content=body).content == body


def test_wasi_0_3_streams_a_response_while_it_is_made(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /stream?n=100000&ms=20 HTTP/1.1")
        assert wire.head().status == 200
        assert wire.exactly(int(wire.line(), 16) + 2).startswith(b"chunk 0")
    assert len(host.get("/stream?n=500").text.splitlines()) == 500


def test_wasi_0_3_waits_without_keeping_others_waiting(host: Running) -> None:
    assert host.get("/sleep?ms=50").text == "slept"


def test_wasi_0_3_statuses_and_headers_pass(host: Running) -> None:
    assert host.get("/status/404").status_code == 404
    assert "x-one: 1" in host.get("/headers", headers={"x-one": "1"}).text.splitlines()


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/trap", "unreachable"), ("/error", "InternalError")],
)
def test_a_failing_guest_of_wasi_0_3_gives_an_empty_500_and_a_reason_in_the_log(
    host: Running, path: str, reason: str
) -> None:
    answer = host.get(path)
    assert (answer.status_code, answer.content) == (500, b"")
    host.logged(rf"\[http3\] error: the guest failed: .*{reason}")
    assert host.get("/hello").status_code == 200


def test_every_prebuilt_http_guest_loads_in_one_application(up, tmp_path: Path) -> None:
    other = ("add", "cli", "bridge", "middle2", "middle3", "part", "parts")
    served = [name for name in PREBUILT if name not in other]
    host = up(
        write(
            tmp_path,
            *(routed(name, route=f"/{name}/...") for name in served),
            component("unrouted", "add"),
        )
    )
    assert host.get("/hello-wat/").status_code == 200
    assert host.get("/nowhere").status_code == 404
