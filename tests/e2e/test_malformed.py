"""Files that are no components, or once were: a clear error each, and nothing begun."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS, Running, paddock
from manifests import guest, routed, write

#: As many mutations as fit into a test run; each costs a process.
MUTATIONS = 12

WHOLE = {
    "an empty file": b"",
    "text": b"hello",
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "an ELF program": b"\x7fELF" + bytes(200),
    "only the magic number": b"\0asm",
    "a version of the future": b"\0asm\x63\0\0\0",
    "a component of a version to come": b"\0asm\x63\0\1\0",
    "a section longer than the file": b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f",
    "a module without anything": b"\0asm\x01\0\0\0",
    "a component without anything": b"\0asm\x0d\0\x01\0",
    "broken text": b"(module (func",
    "text of nothing": b";; nothing\n",
    "nested beyond all measure": b"(module " + b"(func (block " * 50_000,
    "bytes that are no UTF-8": b"(module \xff\xfe)",
}


def truncations() -> Iterator[tuple[str, bytes]]:
    for name in ("hello-wat", "hello", "http3"):
        data = guest(name).read_bytes()
        for part in (9, len(data) // 3, len(data) * 2 // 3, len(data) - 1):
            yield f"{name} cut at {part}", data[:part]


def mutations() -> Iterator[tuple[str, bytes]]:
    chance = random.Random(20_260_131)
    for number in range(MUTATIONS):
        name = ("hello-wat", "hello", "c-kv")[number % 3]
        data = bytearray(guest(name).read_bytes())
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        yield f"{name} mutation {number}", bytes(data)


BROKEN = [*WHOLE.items(), *truncations()]


def clear(text: str) -> bool:
    """Whether an error is for people: what, on what, and no Debug text of ours."""
    return text.startswith("error:") and not any(
        sign in text for sign in ("Traceback", "panicked", "unexpectedly", "Err(", "RUST_BACKTRACE")
    )


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("malformed")
    shutil.copy(guest("hello"), directory / "guest.wasm")
    return module_up(write(directory, routed("guest", directory / "guest.wasm")))


@pytest.mark.parametrize("what", [name for name, _ in BROKEN])
def test_a_broken_file_is_refused_by_a_running_host_which_goes_on(host: Running, what: str) -> None:
    file = host.manifest.parent / "guest.wasm"
    before = host.status()["generation"]
    file.write_bytes(dict(BROKEN)[what])
    try:
        done = host.command("apply")
    finally:
        shutil.copy(guest("hello"), file)
    assert done.returncode in (4, 5), done.stderr
    assert clear(done.stderr), done.stderr
    assert "guest" in done.stderr
    assert host.get("/").status_code == 200
    assert host.status()["generation"] == before


@pytest.mark.parametrize(("what", "data"), list(mutations()))
def test_a_mutated_component_is_refused_or_contained(host: Running, what: str, data: bytes) -> None:
    file = host.manifest.parent / "guest.wasm"
    file.write_bytes(data)
    try:
        done = host.command("apply")
        if done.returncode == 0:
            # Valid by chance: then it may answer, fail or loop, and no more.
            assert host.get("/", timeout=60).status_code < 600
        else:
            assert done.returncode in (4, 5) and clear(done.stderr), done.stderr
    finally:
        shutil.copy(guest("hello"), file)
        host.apply()
    assert host.get("/").text.strip() == "hello"


@pytest.mark.parametrize("what", list(WHOLE))
def test_inspect_says_what_is_wrong(tmp_path: Path, cache: Path, what: str) -> None:
    file = tmp_path / ("x.wat" if "text" in what or "nested" in what else "x.wasm")
    file.write_bytes(WHOLE[what])
    done = paddock("inspect", file, cache=cache)
    if "without anything" in what or what == "text of nothing":
        assert done.returncode in (0, 4), done.stderr
        return
    assert done.returncode == 4, done.stderr
    assert clear(done.stderr) and file.name in done.stderr, done.stderr


@pytest.mark.parametrize("what", ["an empty file", "text", "a section longer than the file"])
def test_up_says_what_is_wrong_and_leaves_nothing_behind(
    tmp_path: Path, cache: Path, what: str
) -> None:
    file = tmp_path / "x.wasm"
    file.write_bytes(WHOLE[what])
    for path in (file, write(tmp_path, routed("x", file))):
        done = paddock("up", path, "--listen", "127.0.0.1:0", cache=cache)
        assert done.returncode in (4, 5), done.stderr
        assert clear(done.stderr) and "x.wasm" in done.stderr, done.stderr
        assert done.stdout == ""
        assert not (tmp_path / ".paddock" / "control.sock").exists()


def test_a_component_that_serves_no_http_is_refused_with_what_it_exports(
    tmp_path: Path, cache: Path
) -> None:
    done = paddock("up", write(tmp_path, routed("add")), "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5
    assert (
        "exports no HTTP handler" in done.stderr and "add" in done.stderr and "hint:" in done.stderr
    )


def test_a_command_is_refused_with_how_to_run_it(tmp_path: Path, cache: Path) -> None:
    done = paddock("up", write(tmp_path, routed("cli")), "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode == 5 and "paddock run" in done.stderr


def test_an_import_that_nobody_offers_refuses_the_plan_in_plain_words(
    tmp_path: Path, cache: Path
) -> None:
    text = (GUESTS / "wat/hello.wat").read_text()
    file = tmp_path / "strange.wat"
    imported = '(component (import "acme:rockets/launch@1.2.0" (instance (export "fly" (func))))'
    file.write_text(text.replace("(component", imported, 1))
    done = paddock(
        "up", write(tmp_path, routed("strange", file)), "--listen", "127.0.0.1:0", cache=cache
    )
    assert done.returncode == 5, done.stderr
    assert "component 'strange' imports" in done.stderr and "acme:rockets/launch" in done.stderr
    assert "1.2.0" in done.stderr and "does not offer" in done.stderr


def test_an_import_in_another_version_names_the_nearest_that_is_offered(
    tmp_path: Path, cache: Path
) -> None:
    text = (GUESTS / "wat/hello.wat").read_text()
    file = tmp_path / "later.wat"
    imported = '(component (import "wasi:keyvalue/store@9.0.0" (instance (export "open" (func))))'
    file.write_text(text.replace("(component", imported, 1))
    done = paddock(
        "up", write(tmp_path, routed("later", file)), "--listen", "127.0.0.1:0", cache=cache
    )
    assert done.returncode == 5, done.stderr
    assert "the nearest that is offered is wasi:keyvalue/store@0.2.0-draft" in done.stderr


def test_machine_code_is_not_run_unless_allowed(tmp_path: Path, cache: Path, up) -> None:
    code = tmp_path / "hello.cwasm"
    done = paddock("compile", guest("hello"), "-o", code, cache=cache)
    assert done.returncode == 0, done.stderr
    manifest = write(tmp_path, routed("hello", code))
    done = paddock("up", manifest, "--listen", "127.0.0.1:0", cache=cache)
    assert done.returncode in (4, 5) and "--allow-precompiled" in done.stderr, done.stderr
    host = up(manifest, "--allow-precompiled")
    assert host.get("/").text.strip() == "hello"


def test_machine_code_that_was_damaged_or_made_for_something_else_is_refused(
    tmp_path: Path, cache: Path
) -> None:
    code = tmp_path / "hello.cwasm"
    done = paddock("compile", guest("hello-wat"), "-o", code, cache=cache)
    assert done.returncode == 0, done.stderr
    whole = code.read_bytes()
    manifest = write(tmp_path, routed("hello", code))
    for data in (whole[:100], b"\x7fELF" + bytes(100), b""):
        code.write_bytes(data)
        done = paddock(
            "up", manifest, "--listen", "127.0.0.1:0", "--allow-precompiled", cache=cache
        )
        assert done.returncode in (4, 5) and clear(done.stderr), done.stderr
