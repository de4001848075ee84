"""WAGI's modules.toml as it is: CGI modules in C, Rust and Go, volumes, routes of their own."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest
from hosts import GUESTS, Running, paddock
from wire import Wire

MODULES = f"""\
[[module]]
route = "/c/..."
module = "file://{GUESTS}/cgi/c.wasm"
volumes = {{ "/data" = "kept" }}

[[module]]
route = "/words"
module = "{GUESTS}/cgi/c.wasm"
argv = "x one two"

[[module]]
route = "/rust"
module = "{GUESTS}/cgi/rust.wasm"
environment = {{ NAME = "Ada" }}

[[module]]
route = "/direct"
module = "{GUESTS}/cgi/rust.wasm"
entrypoint = "goodbye"

[[module]]
route = "/text"
module = "text.wat"
"""

TEXT = """\
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "content-type:text/plain\\n\\nhello from text\\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 8))
    (i32.store (i32.const 4) (i32.const 41))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 60)))))
"""


def written(directory: Path, modules: str = MODULES) -> Path:
    (directory / "kept").mkdir(exist_ok=True)
    (directory / "text.wat").write_text(TEXT, encoding="utf-8")
    manifest = directory / "modules.toml"
    manifest.write_text(modules, encoding="utf-8")
    return manifest


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    return module_up(written(tmp_path_factory.mktemp("wagi")))


@pytest.mark.parametrize(("route", "language"), [("/c/a%20b", "C"), ("/rust", "Rust")])
def test_a_module_answers_as_a_cgi_program(host: Running, route: str, language: str) -> None:
    answer = host.client.post(f"{route}?x=1&y=2", content=b"the body")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-made-by"] == language
    lines = answer.text.splitlines()
    path = "/a b" if language == "C" else ""
    assert lines[0] == f"hello from {language}"
    assert lines[1] == f"POST {path}"
    assert lines[2:5] == ["query: x=1&y=2", "args: x=1 y=2", "body: the body"]


def test_a_module_in_go_answers(up, tmp_path: Path) -> None:
    module = built("go-cgi")
    host = up(written(tmp_path, f'[[module]]\nroute = "/go/..."\nmodule = "{module}"\n'))
    answer = host.client.post("/go/x?q", content=b"b" * 1_000_000)
    assert answer.headers["x-made-by"] == "Go"
    digest = hashlib.sha256(b"b" * 1_000_000).hexdigest()
    assert answer.text.splitlines() == [
        "hello from Go", "POST /x", "query: q", "args: q", f"sha256: {digest}",
    ]  # fmt: skip


def built(name: str) -> Path:
    spec = importlib.util.spec_from_file_location("guests_large", GUESTS / "large.py")
    assert spec and spec.loader
    large = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = large
    spec.loader.exec_module(large)
    try:
        return large.build(name)
    except large.MissingTool as missing:
        pytest.skip(str(missing))


def test_status_and_location_become_the_response(host: Running) -> None:
    assert host.get("/c?missing").status_code == 404
    away = host.get("/c?away")
    assert (away.status_code, away.headers["location"]) == (302, "https://example.com/")


def test_arguments_are_as_the_module_says(host: Running) -> None:
    assert "args: one two" in host.get("/words?ignored").text.splitlines()


def test_a_volume_is_written_to(host: Running) -> None:
    before = int(host.get("/c").text.rpartition("visits: ")[2])
    assert host.get("/c").text.rstrip().endswith(f"visits: {before + 1}")
    assert (host.manifest.parent / "kept" / "visits").read_text() == str(before + 1)


def test_a_module_without_a_volume_writes_nowhere(host: Running) -> None:
    assert "visits" not in host.get("/words").text


def test_a_module_declares_routes_of_its_own(host: Running) -> None:
    assert host.get("/rust").text.startswith("hello from Rust")
    assert host.get("/rust/hello").text == "hello, Ada\n"
    assert host.get("/rust/goodbye/all/of/you").text == "goodbye /all/of/you\n"
    assert host.get("/rust/main").text.startswith("hello from Rust")
    assert host.get("/rust/other").status_code == 404


def test_an_entry_point_of_the_manifest_runs(host: Running) -> None:
    assert host.get("/direct").text == "goodbye \n"


def test_text_and_the_health_check_answer(host: Running) -> None:
    assert host.get("/text").text == "hello from text\n"
    assert host.get("/healthz").text == "OK"


def test_a_request_before_its_body_does_not_block_others(host: Running) -> None:
    with Wire(host.port) as wire:
        wire.send("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        assert host.get("/text").text == "hello from text\n"


def test_routes_that_make_no_sense_refuse_the_plan(tmp_path: Path, cache: Path) -> None:
    module = tmp_path / "bad.wat"
    module.write_text(TEXT.replace('(export "_start")', '(export "_start") (export "_routes")'))
    manifest = written(tmp_path, '[[module]]\nroute = "/"\nmodule = "bad.wat"\n')
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert "modules.toml:1: component 'bad': its _routes: line 1" in done.stderr


def test_the_converted_manifest_serves_the_same(up, tmp_path: Path, cache: Path) -> None:
    written(tmp_path)
    output = tmp_path / "paddock.toml"
    done = paddock("convert", tmp_path / "modules.toml", "-o", output, cache=cache)
    assert done.returncode == 0, done.stderr
    host = up(output)
    assert host.get("/rust/hello").text == "hello, Ada\n"
    assert host.get("/c").text.rstrip().endswith("visits: 1")
    assert host.get("/healthz").text == "OK"
