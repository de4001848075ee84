"""What an application may use at once, how requests queue, and reuse of instances."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from pathlib import Path

import httpx
import pytest
from hosts import Running
from manifests import configuration, routed, write

REUSE = 'reuse = {{ requests = {requests}, concurrency = {concurrency}, idle = "{idle}" }}\n'


def together(host: Running, path: str, count: int) -> list[httpx.Response]:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(
            pool.map(
                lambda _: httpx.get(host.url + path, timeout=60, trust_env=False), range(count)
            )
        )


def test_beyond_instances_and_queue_there_is_503_with_retry_after(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\nqueue = 2\nqueue_timeout = "30s"\n')
    manifest = write(tmp_path, routed("routes", extra="limits = { instances = 2 }\n"))
    host = up(manifest, "--config", config)
    answers = together(host, "/sleep?ms=1000", 10)
    refused = [a for a in answers if a.status_code == 503]
    assert len([a for a in answers if a.status_code == 200]) == 4
    assert len(refused) == 6
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)
    host.logged(r"(instances|queue).*limit of 2")
    assert host.get("/hello").status_code == 200


def test_what_waits_too_long_in_the_queue_gets_503(up, tmp_path: Path) -> None:
    config = configuration(
        tmp_path, '[limits]\ninstances = 1\nqueue = 10\nqueue_timeout = "200ms"\n'
    )
    host = up(write(tmp_path, routed("routes")), "--config", config)
    statuses = sorted(a.status_code for a in together(host, "/sleep?ms=1500", 3))
    assert statuses == [200, 503, 503]


def test_a_queued_request_is_served_as_soon_as_a_slot_is_free(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, "[limits]\ninstances = 2\n")
    host = up(write(tmp_path, routed("routes")), "--config", config)
    began = time.monotonic()
    assert {a.status_code for a in together(host, "/sleep?ms=200", 10)} == {200}
    assert time.monotonic() - began > 0.9


def test_a_client_that_leaves_the_queue_leaves_its_place(up, tmp_path: Path) -> None:
    from wire import Wire

    config = configuration(tmp_path, "[limits]\ninstances = 1\nqueue = 1\n")
    host = up(write(tmp_path, routed("routes")), "--config", config)
    first = Wire(host.port)
    first.request("GET /sleep?ms=1000 HTTP/1.1")
    second = Wire(host.port)
    second.request("GET /hello HTTP/1.1")
    second.reset()
    with host.new_client() as client:
        statuses = [client.get("/hello").status_code for _ in range(3)]
    assert statuses[-1] == 200
    assert first.answer().status == 200
    first.close()


def test_a_body_above_the_limit_is_413(up, tmp_path: Path) -> None:
    host = up(
        write(tmp_path, routed("routes")),
        "--config",
        configuration(tmp_path, '[limits]\nbody = "10KiB"\n'),
    )
    answer = host.client.post("/upload", content=b"x" * 10_241)
    assert answer.status_code == 413
    host.logged(r"body limit of 10240")
    assert host.client.post("/upload", content=b"x" * 10_240).text == "10240 bytes"


def test_time_beyond_the_limit_is_504_by_the_hosts_default_and_by_the_components(
    up, tmp_path: Path
) -> None:
    config = configuration(tmp_path, '[limits]\ntime = "300ms"\n')
    patient = routed("patient", "routes", 'limits = { time = "20s" }\n').replace(
        '"/..."', '"/..."\nhost = "patient.test"'
    )
    host = up(write(tmp_path, routed("routes"), patient), "--config", config)
    answer = host.get("/sleep?ms=5000")
    assert (answer.status_code, answer.content) == (504, b"")
    host.logged(r"\[routes\] warning: the time limit of 300ms was reached")
    assert host.get("/sleep?ms=600", headers={"host": "patient.test"}).status_code == 200


def test_a_stream_that_moves_on_lives_longer_than_the_time_limit(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("routes", extra='limits = { time = "500ms" }\n')))
    assert len(host.get("/stream?n=15&ms=100").text.splitlines()) == 15


def test_an_upload_that_moves_on_is_given_time(up, tmp_path: Path) -> None:
    host = up(write(tmp_path, routed("routes", extra='limits = { time = "10s" }\n')))
    assert (
        host.client.post("/upload?ms=50", content=(b"x" * 10 for _ in range(10))).text
        == "100 bytes"
    )


@pytest.mark.parametrize("source", ["routes", "http3"])
def test_reuse_serves_so_many_requests_from_one_instance_and_no_more(
    up, tmp_path: Path, source: str
) -> None:
    extra = REUSE.format(requests=5, concurrency=1, idle="30s")
    host = up(write(tmp_path, routed(source, extra=extra)))
    assert [host.get("/count").text for _ in range(12)] == [*"12345", *"12345", "1", "2"]


@pytest.mark.parametrize("source", ["routes", "http3"])
def test_an_instance_that_trapped_is_never_used_again(up, tmp_path: Path, source: str) -> None:
    bad = "hostile" if source == "routes" else "http3"
    extra = REUSE.format(requests=1000, concurrency=1, idle="30s") + 'limits = { time = "700ms" }\n'
    host = up(write(tmp_path, routed(bad, extra=extra)))
    if source == "http3":
        assert [host.get("/count").text for _ in range(3)] == ["1", "2", "3"]
        for path in ("/trap", "/loop"):
            assert host.get(path).status_code in (500, 504)
            assert host.get("/count").text == "1"
    else:
        for path in ("/trap", "/panic", "/loop", "/sleep", "/exit", "/no-finish"):
            with contextlib.suppress(httpx.HTTPError):
                host.get(path)
            assert host.get("/ignore-body").text == "not read"


def test_an_idle_instance_is_dropped_after_its_time(up, tmp_path: Path) -> None:
    extra = REUSE.format(requests=100, concurrency=1, idle="300ms")
    host = up(write(tmp_path, routed("routes", extra=extra)))
    assert [host.get("/count").text for _ in range(3)] == ["1", "2", "3"]
    time.sleep(1.0)  # nothing tells outside that an instance was dropped
    assert host.get("/count").text == "1"


def test_one_instance_of_wasi_0_3_serves_requests_at_once(up, tmp_path: Path) -> None:
    extra = REUSE.format(requests=1000, concurrency=16, idle="30s")
    host = up(write(tmp_path, routed("http3", extra=extra)))
    began = time.monotonic()
    assert {a.status_code for a in together(host, "/sleep?ms=300", 16)} == {200}
    assert time.monotonic() - began < 4
    counts = {int(a.text) for a in together(host, "/count", 30)}
    assert max(counts) > 8


def test_concurrency_that_wasi_0_2_can_not_have_is_a_warning(up, tmp_path: Path) -> None:
    extra = REUSE.format(requests=10, concurrency=4, idle="30s")
    host = up(write(tmp_path, routed("routes", extra=extra)))
    host.logged(r"reuse.concurrency = 4, but an instance of WASI 0.2 serves one request at a time")
    assert {a.status_code for a in together(host, "/sleep?ms=50", 8)} == {200}


@pytest.mark.parametrize("compiler", ["winch", "pulley"])
def test_other_compilers_serve_the_same(up, tmp_path: Path, compiler: str) -> None:
    host = up(write(tmp_path, routed("hello-wat")), "--compiler", compiler)
    assert host.get("/").text.strip() == "hello"
