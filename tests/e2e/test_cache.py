"""Compiled code on disk: found again, never trusted when it is not ours, private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hosts import Running
from manifests import routed, write


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "code").rglob("*") if path.is_file())


def serve(up, directory: Path, cache: Path) -> None:
    host: Running = up(write(directory, routed("hello-wat")), cache=cache)
    assert host.get("/").text.strip() == "hello"
    host.stop()


def test_code_is_kept_and_found_again(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    serve(up, tmp_path, cache)
    before = {path: path.stat().st_mtime_ns for path in entries(cache)}
    assert before
    serve(up, tmp_path, cache)
    assert {path: path.stat().st_mtime_ns for path in entries(cache)} == before


DAMAGE = {
    "truncated to nothing": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "one bit turned at the end": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "one bit turned in the code": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "a digest that is not ours": lambda data: bytes(32) + data[32:],
    "longer": lambda data: data + b"x",
    "something else": lambda data: b"\x7fELF" + bytes(1000),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_entry_is_compiled_anew(up, tmp_path: Path, how: str) -> None:
    cache = tmp_path / "cache"
    serve(up, tmp_path, cache)
    kept = {path: path.read_bytes() for path in entries(cache)}
    for path, data in kept.items():
        path.write_bytes(DAMAGE[how](data))
    serve(up, tmp_path, cache)
    for path, data in kept.items():
        assert len(path.read_bytes()) == len(data), "the entry was not written anew"


def test_an_entry_of_somebody_elses_key_is_compiled_anew(up, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    serve(up, tmp_path, theirs)
    ours.mkdir(mode=0o700)
    (ours / "code").mkdir(mode=0o700)
    for path in entries(theirs):
        (ours / "code" / path.relative_to(theirs / "code")).write_bytes(path.read_bytes())
    foreign = {path: path.read_bytes() for path in entries(ours)}
    serve(up, tmp_path, ours)
    for path, data in foreign.items():
        assert path.read_bytes() != data


def test_an_entry_under_another_name_is_not_taken_for_it(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    host: Running = up(write(tmp_path, routed("hello-wat"), routed("c", route="/c")), cache=cache)
    host.stop()
    first, second, *_ = entries(cache)
    swapped = first.read_bytes(), second.read_bytes()
    first.write_bytes(swapped[1])
    second.write_bytes(swapped[0])
    host = up(host.manifest, cache=cache)
    assert host.get("/").text.strip() == "hello"
    assert host.get("/c").text == "hello from C"


def test_key_and_code_are_readable_by_their_user_alone(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    serve(up, tmp_path, cache)
    for path in (cache, cache / "code", cache / "key", *entries(cache)):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_key_that_others_can_read_is_replaced(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    serve(up, tmp_path, cache)
    before = (cache / "key").read_bytes()
    (cache / "key").chmod(0o644)
    serve(up, tmp_path, cache)
    assert (cache / "key").read_bytes() != before
    assert stat.S_IMODE((cache / "key").stat().st_mode) == 0o600


def test_a_cache_that_can_not_be_written_costs_time_and_no_answer(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    serve(up, tmp_path, cache)
    for path in entries(cache):
        path.unlink()
    (cache / "code").rmdir()
    (cache / "code").write_text("in the way")
    serve(up, tmp_path, cache)


def test_without_a_cache_nothing_is_kept(up, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    host: Running = up(write(tmp_path, routed("hello-wat")), "--disable-cache", cache=cache)
    assert host.get("/").status_code == 200
    assert not cache.exists()
