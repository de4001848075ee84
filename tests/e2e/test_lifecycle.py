"""Start, stop, signals, watching, and the hand-over to a new process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from hosts import Running, alive, paddock, wait_for
from load import Load
from manifests import configuration, guest, routed, write


def in_thread(host: Running, path: str) -> tuple[threading.Thread, list[httpx.Response]]:
    answers: list[httpx.Response] = []
    thread = threading.Thread(
        target=lambda: answers.append(httpx.get(host.url + path, timeout=60, trust_env=False))
    )
    thread.start()
    return thread, answers


def under_way(host: Running, word: str) -> None:
    """Wait until a guest that printed `word` is at work."""
    host.logged(word)


SLOW = "/stream?n=20&ms=50"


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stop"])
def test_an_end_lets_a_running_request_finish_and_exits_0(up, tmp_path: Path, how: str) -> None:
    host: Running = up(write(tmp_path, routed("routes")))
    with host.new_client() as client, client.stream("GET", SLOW) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("chunk 0")
        if how == "stop":
            assert host.command("stop").returncode == 0
        else:
            host.signal(signal.Signals[how])
        host.logged("stopping") if how != "stop" else None
        assert len(list(lines)) == 19
    assert host.ended() == 0
    assert not (host.state_dir / "control.sock").exists()


def test_an_ending_host_takes_no_new_work(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("routes")))
    with host.new_client() as client, client.stream("GET", "/stream?n=40&ms=50") as answer:
        lines = answer.iter_lines()
        next(lines)
        host.signal()

        def refused() -> bool:
            try:
                return httpx.get(host.url + "/hello", timeout=5, trust_env=False).status_code == 503
            except httpx.TransportError:
                return True

        wait_for("new connections to be refused", refused)
        assert len(list(lines)) == 39
    assert host.ended() == 0


def test_an_idle_kept_connection_does_not_hold_up_the_end(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("routes")))
    assert host.get("/hello").status_code == 200
    began = time.monotonic()
    host.signal()
    assert host.ended() == 0
    assert time.monotonic() - began < 5


def test_draining_is_bounded(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\ndrain = "500ms"\n')
    host: Running = up(write(tmp_path, routed("routes")), "--config", config)
    with host.new_client() as client, client.stream("GET", "/stream?n=100000&ms=50") as answer:
        # Kept: when the iterator goes, so does the connection.
        lines = answer.iter_lines()
        next(lines)
        began = time.monotonic()
        host.signal()
        assert host.ended() == 0
        assert time.monotonic() - began < 8
    host.logged("1 requests? (was|were) cut off")


def test_a_second_signal_ends_at_once(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\ndrain = "60s"\n')
    host: Running = up(write(tmp_path, routed("routes")), "--config", config)
    with host.new_client() as client, client.stream("GET", "/stream?n=100000&ms=50") as answer:
        # Kept: when the iterator goes, so does the connection.
        lines = answer.iter_lines()
        next(lines)
        host.signal()
        host.logged("a second signal ends at once")
        began = time.monotonic()
        host.signal()
        assert host.ended() == 130
        assert time.monotonic() - began < 3


def test_an_endless_loop_does_not_hold_up_the_end(up, tmp_path: Path) -> None:
    config = configuration(tmp_path, '[limits]\ndrain = "500ms"\n')
    host: Running = up(
        write(tmp_path, routed("loop"), routed("routes", route="/hello")), "--config", config
    )
    threads = []
    for _ in range(4):

        def loop() -> None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(host.url + "/", timeout=60, trust_env=False)

        threads.append(threading.Thread(target=loop))
        threads[-1].start()
    assert host.get("/hello").status_code == 200
    host.signal()
    began = time.monotonic()
    assert host.ended() == 0
    assert time.monotonic() - began < 10
    for thread in threads:
        thread.join()


def test_stop_can_wait_for_the_end(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("routes")))
    thread, answers = in_thread(host, "/sleep?ms=700")
    under = host.command("stop", "--wait")
    assert under.returncode == 0
    assert host.ended(5) == 0
    thread.join()
    del answers


def test_a_warm_start_answers_soon(up, tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("hello"))
    up(manifest).stop()
    began = time.monotonic()
    host = up(manifest)
    assert host.get("/").status_code == 200
    # The figure itself belongs to the benchmarks; this machine is busy.
    assert time.monotonic() - began < 5


def touch_later(path: Path) -> None:
    """Give a file a modification time that no clock granularity hides."""
    stamp = path.stat().st_mtime_ns + 2_000_000_000
    os.utime(path, ns=(stamp, stamp))


def test_watching_applies_a_changed_component(up, tmp_path: Path) -> None:
    file = Path(shutil.copy(guest("hello"), tmp_path / "guest.wasm"))
    host: Running = up(write(tmp_path, routed("guest", file)), "--watch")
    assert host.get("/").text.strip() == "hello"
    changed(host, lambda: shutil.copy(guest("c"), file), "hello from C")


def changed(host: Running, change: object, text: str) -> None:
    """Make a change until it is seen: the watch may begin a moment after the host serves."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        change()  # type: ignore[operator]
        try:
            wait_for(text, lambda: host.get("/").text.strip() == text, 10)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"{text!r} was never served:\n{host.log}")


def test_watching_applies_a_changed_manifest(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("a", "hello")), "--watch")
    changed(host, lambda: write(tmp_path, routed("a", "c")), "hello from C")


def test_watching_reports_what_is_broken_and_the_old_version_goes_on(up, tmp_path: Path) -> None:
    file = Path(shutil.copy(guest("hello"), tmp_path / "guest.wasm"))
    manifest = write(tmp_path, routed("guest", file))
    host: Running = up(manifest, "--watch")
    changed(host, lambda: shutil.copy(guest("c"), file), "hello from C")
    file.write_bytes(b"\0asm broken")
    host.logged("not applied, the old version goes on serving")
    assert host.get("/").text == "hello from C"
    manifest.write_text("broken = = =")
    host.logged(r"paddock.toml:1")
    assert host.get("/").text == "hello from C"
    shutil.copy(guest("hello"), file)
    changed(host, lambda: write(tmp_path, routed("guest", file)), "hello")


def test_an_upgrade_under_load_fails_no_request(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("hello")))
    load = Load(host.port, connections=8)
    with load:
        wait_for("the load", lambda: load.done > 200)
        for _ in range(2):
            before = host.status()["pid"]
            done = host.command("upgrade")
            assert done.returncode == 0, done.stderr + host.log
            wait_for("the new process", lambda before=before: host.status()["pid"] != before)
        reached = load.done
        wait_for("more load", lambda: load.done > reached + 200)
    successor = int(str(host.status()["pid"]))
    try:
        assert load.failures == []
        assert host.ended() == 0
        assert successor != host.process.pid
        assert host.get("/").text.strip() == "hello"
    finally:
        assert host.command("stop", "--wait").returncode == 0
        wait_for("the successor to end", lambda: not alive(successor))


def test_an_upgrade_that_fails_leaves_the_old_process_serving(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("hello")))
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\nexit 3\n")
    false.chmod(0o755)
    done = host.command("upgrade", "--python", false)
    assert done.returncode == 6, done.stderr
    assert "the old one goes on" in done.stderr
    assert host.command("upgrade", "--python", tmp_path / "absent").returncode == 6
    assert host.get("/").status_code == 200
    assert host.status()["pid"] == host.process.pid


def test_a_request_that_is_under_way_survives_an_upgrade(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("routes")))
    with host.new_client() as client, client.stream("GET", "/stream?n=60&ms=50") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert host.command("upgrade").returncode == 0
        assert len(list(lines)) == 59
    assert host.ended() == 0
    successor = int(str(host.status()["pid"]))
    assert host.command("stop", "--wait").returncode == 0
    wait_for("the successor to end", lambda: not alive(successor))


def test_a_new_process_serves_what_was_applied_last(up, tmp_path: Path) -> None:
    host: Running = up(write(tmp_path, routed("hello", route="/old")))
    other = write(tmp_path, routed("c", route="/new"), name="other.toml")
    config = configuration(tmp_path, '[limits]\ntime = "9s"\n')
    done = paddock(
        "apply", other, "--config", config, "--state-dir", host.state_dir, cache=host.cache
    )
    assert done.returncode == 0, done.stderr
    assert host.command("upgrade").returncode == 0
    assert host.ended() == 0
    successor = int(str(host.status()["pid"]))
    try:
        assert (host.get("/old").status_code, host.get("/new").status_code) == (404, 200)
        dry = paddock("apply", other, "--dry-run", "--state-dir", host.state_dir, cache=host.cache)
        assert dry.stdout == "nothing changes\n"
    finally:
        assert host.command("stop", "--wait").returncode == 0
        wait_for("the successor to end", lambda: not alive(successor))
