"""Guests that behave badly, each contained while its neighbours are served."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import httpx
import pytest
from hosts import SANE, Running, wait_for, while_served
from manifests import PREBUILT, component, configuration, routed, write
from wire import Wire

SMALL = 'limits = { memory = "16MiB", time = "1s", table = 5000 }\n'
TEXT = [
    "loop",
    "memory-bomb",
    "table-bomb",
    "many-memories",
    "memory-touch",
    "recursion",
    "silent",
    "trap",
]
FILES = 'files = [{ source = "pages", destination = "/pages" }]\n'


def at(id: str, source: str, extra: str = SMALL) -> str:
    return routed(id, source, extra).replace('"/..."', f'"/..."\nhost = "{id}.test"')


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("hostile")
    (directory / "pages").mkdir()
    os.symlink("/etc/passwd", directory / "pages" / "link-to-etc-passwd")
    os.symlink("..", directory / "pages" / "link-to-parent")
    (directory / "secret").write_text("secret")
    assert set(TEXT) <= set(PREBUILT)
    host = module_up(
        write(
            directory,
            routed("neighbour", "hello"),
            at("hostile", "hostile", SMALL + FILES),
            at("slow", "hostile", 'limits = { time = "60s" }\n'),
            *(at(id, id) for id in TEXT),
        )
    )
    assert host.get("/").status_code == 200
    return host


def provoke(host: Running, who: str, path: str = "/", **options: object) -> httpx.Response:
    headers = {"host": f"{who}.test"}
    return host.get(path, headers=headers, **options)


def test_endless_loops_on_all_cores_are_stopped_and_neighbours_served(host: Running) -> None:
    count = 2 * (os.cpu_count() or 2)
    began = time.monotonic()
    answers = while_served(
        host, lambda: httpx.get(f"{host.url}/", headers={"host": "loop.test"}, timeout=60), count
    )
    assert [a.status_code for a in answers] == [504] * count  # type: ignore[attr-defined]
    assert all(a.content == b"" for a in answers)  # type: ignore[attr-defined]
    assert time.monotonic() - began < 1 + 4 * SANE
    host.logged(r"\[loop\] warning: the time limit of 1s was reached")


def test_a_loop_after_the_response_has_begun_cuts_it(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.request("GET /loop-after-headers HTTP/1.1", host="hostile.test")
        try:
            answer = wire.answer()
        except EOFError:
            answer = None
        assert answer is None or answer.status == 504 or not answer.whole
    host.logged(r"\[hostile\] warning: the time limit of 1s was reached")


def test_waiting_in_the_host_counts_as_time(host: Running) -> None:
    began = time.monotonic()
    assert provoke(host, "hostile", "/sleep").status_code == 504
    assert 0.9 < time.monotonic() - began < 1 + SANE


@pytest.mark.parametrize(
    ("who", "limit"),
    [
        ("memory-bomb", "memory"),
        ("many-memories", "memory"),
        ("memory-touch", "memory"),
        ("table-bomb", "table"),
    ],
)
def test_growth_beyond_the_limit_is_refused_and_told(host: Running, who: str, limit: str) -> None:
    answer = provoke(host, who)
    # These guests notice, and say so; one that does not notice gets 500.
    assert (answer.status_code, answer.text.strip()) == (200, "refused")
    value = "16777216 bytes" if limit == "memory" else "5000 elements"
    host.logged(rf"\[{who}\] warning: the {limit} limit of {value} was reached")


def test_a_guest_that_can_not_do_without_more_memory_fails_alone(host: Running) -> None:
    answers = while_served(
        host,
        lambda: httpx.get(f"{host.url}/memory", headers={"host": "hostile.test"}, timeout=60),
        4,
    )
    assert {a.status_code for a in answers} == {500}  # type: ignore[attr-defined]
    host.logged(r"\[hostile\] warning: the memory limit of 16777216 bytes was reached")


@pytest.mark.parametrize(("who", "path"), [("recursion", "/"), ("hostile", "/recurse")])
def test_endless_recursion_ends_at_the_end_of_the_stack(host: Running, who: str, path: str) -> None:
    answer = provoke(host, who, path)
    assert (answer.status_code, answer.content) == (500, b"")
    host.logged(rf"\[{who}\] error: the guest failed: .*(call stack exhausted|out of bounds|stack)")


def test_a_million_small_host_calls_are_just_work(host: Running) -> None:
    answers = while_served(
        host,
        lambda: httpx.get(f"{host.url}/calls?n=1000000", headers={"host": "slow.test"}, timeout=60),
    )
    assert answers[0].text == "1000000 calls, true"  # type: ignore[attr-defined]


def test_ten_thousand_pollables_are_polled_or_refused(host: Running) -> None:
    assert provoke(host, "slow", "/poll?n=10000").status_code in (200, 500)


@pytest.mark.parametrize(
    ("who", "path", "reason"),
    [
        ("trap", "/", "unreachable"),
        ("hostile", "/trap", "unreachable"),
        ("hostile", "/panic", "unreachable"),
        ("hostile", "/exit?code=3", "exit|response"),
        ("silent", "/", "without a response"),
        ("hostile", "/silent", "without a response"),
        ("hostile", "/error", "error"),
    ],
)
def test_a_failing_guest_gives_an_empty_500_and_its_reason_only_to_the_log(
    host: Running, who: str, path: str, reason: str
) -> None:
    answer = provoke(host, who, path)
    assert (answer.status_code, answer.content) == (500, b"")
    assert answer.headers["content-length"] == "0"
    host.logged(rf"\[{who}\] error: the guest .*({reason})")


def test_what_a_panicking_guest_says_is_in_the_log(host: Running) -> None:
    provoke(host, "hostile", "/panic")
    host.logged(r"\[hostile\] stderr: .*a secret that no client may see")


def test_malformed_outgoing_requests_are_refused(host: Running) -> None:
    text = provoke(host, "hostile", "/bad-requests").text
    for line in text.splitlines():
        if (
            "\\r" in line
            or "\\n" in line
            or "\\0" in line
            or "a b" in line
            or "G T" in line
            or "ht tp" in line
        ):
            assert line.endswith("refused"), line


def test_no_path_leads_out_of_a_granted_directory(host: Running) -> None:
    text = provoke(host, "hostile", "/traversal").text
    assert "1 directories" in text
    # Below a link that stays inside nothing is opened either: it leads out.
    assert not [
        line
        for line in text.splitlines()
        if line.endswith((": OPENED", ": MADE", ": LINKED")) and not line.endswith(".: OPENED")
    ]
    assert not (host.manifest.parent / "made").exists()
    assert not (host.manifest.parent / "pages" / "made-link").is_symlink()


def test_a_flood_of_output_keeps_nobody_waiting_and_control_characters_out_of_the_log(
    host: Running,
) -> None:
    answers = while_served(
        host,
        lambda: httpx.get(f"{host.url}/flood?n=20000", headers={"host": "slow.test"}, timeout=60),
    )
    assert answers[0].status_code == 200  # type: ignore[attr-defined]
    host.logged(r"\[slow\] stdout: 1?\d")
    assert "\x1b" not in host.log and "\x07" not in host.log


@pytest.mark.parametrize("path", ["/ignore-body", "/half-body"])
def test_a_guest_that_does_not_read_the_request_harms_nobody(host: Running, path: str) -> None:
    with Wire(host.port) as wire:
        wire.request(f"POST {path} HTTP/1.1", "Content-Length: 1000000", host="hostile.test")
        try:
            wire.send(b"x" * 1_000_000)
            assert wire.answer().status == 200
        except (ConnectionError, EOFError):
            pass
    assert host.get("/").status_code == 200


def test_all_bad_guests_at_once_leave_the_host_well(host: Running) -> None:
    paths = [
        "/loop",
        "/memory",
        "/recurse",
        "/trap",
        "/silent",
        "/sleep",
        "/flood?n=1000",
        "/huge-headers?n=100",
    ]

    def all_of_them() -> None:
        for path in paths:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(host.url + path, headers={"host": "hostile.test"}, timeout=60)

    while_served(host, all_of_them, 3)
    assert host.process.poll() is None
    wait_for("a status", host.status)


def test_hostile_guests_are_contained_without_a_pool_too(up, tmp_path: Path) -> None:
    host = up(
        write(
            tmp_path,
            routed("neighbour", "hello"),
            at("memory-bomb", "memory-bomb"),
            at("loop", "loop"),
        ),
        "--disable-pooling",
    )
    assert provoke(host, "memory-bomb").text.strip() == "refused"
    assert provoke(host, "loop").status_code == 504
    assert host.get("/").status_code == 200


def test_fuel_ends_a_loop_before_its_time_does(up, tmp_path: Path) -> None:
    host = up(
        write(tmp_path, routed("hello"), at("loop", "loop", 'limits = { time = "50s" }\n')),
        "--fuel",
        "50000000",
    )
    began = time.monotonic()
    assert provoke(host, "loop").status_code in (500, 504)
    assert time.monotonic() - began < 20
    host.logged(r"\[loop\] warning: the fuel limit of 50000000 was reached")
    assert host.get("/").status_code == 200


def test_an_instance_that_is_larger_than_its_limit_never_starts(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\nmemory = "64KiB"\n')
    host = up(write(tmp_path, routed("wait"), component("spare", "hello")), "--config", config)
    assert host.get("/?ms=1").status_code == 500
    host.logged(r"\[wait\].*memory")
