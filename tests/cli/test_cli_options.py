"""How options are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.cli import assignments, bare, grants_options, options, run, wasmtime_flags
from paddock.cli.parser import Parser
from paddock.errors import UsageError
from paddock.manifest.model import FileMount, Limits


def parse_run(*argv: str) -> tuple[wasmtime_flags.Flags, grants_options.Given, list[str]]:
    parser = Parser("run", "")
    run.configure(parser)
    ours, rest = parser.split_at_file(argv)
    args = parser.parse(ours)
    flags = grants_options.flags_of(args)
    return flags, grants_options.given(args, flags), rest


def test_all_after_the_file_belongs_to_the_guest() -> None:
    _, given, rest = parse_run("--env", "A=1", "x.wasm", "--env", "B=2", "--", "-W", "--help")
    assert rest == ["x.wasm", "--env", "B=2", "--", "-W", "--help"]
    assert given.environment == {"A": "1"}


def test_two_dashes_stand_before_a_file_that_looks_like_an_option() -> None:
    assert parse_run("--inherit-env", "--", "-x.wasm", "a")[2] == ["-x.wasm", "a"]


def test_values_joined_to_their_option_do_not_hide_the_file() -> None:
    _, given, rest = parse_run("--env=A=1", "-Wtimeout=5s", "-S", "p3=y", "x.wasm", "a")
    assert rest == ["x.wasm", "a"]
    assert given.time == 5.0


def test_the_command_line_of_the_wasi_testsuite_is_understood(tmp_path: Path) -> None:
    _, given, rest = parse_run(
        "-W", "component-model-async=y", "-S", "p3=y,http=y,inherit-network", "--dir",
        f"{tmp_path}::/", "--env", "K=V", "x.wasm", "arg",
    )  # fmt: skip
    assert given.directories == ((tmp_path, "/"),)
    assert given.inherit_network
    assert "tcp://*:*" in given.outbound
    assert rest == ["x.wasm", "arg"]


def test_limits_are_read_from_our_options_and_from_those_of_wasmtime() -> None:
    _, ours, _ = parse_run("--max-memory", "64MiB", "--timeout", "250ms", "x")
    _, theirs, _ = parse_run("-W", "max-memory-size=67108864,timeout=0.25s", "x")
    assert (ours.memory, ours.time) == (theirs.memory, theirs.time) == (64 << 20, 0.25)


def test_settings_of_the_engine_come_from_the_flags_of_wasmtime() -> None:
    parser = Parser("run", "")
    run.configure(parser)
    args = parser.parse(
        ["-C", "compiler=winch,cache=n", "-W", "fuel=9", "-O", "pooling-allocator=n"]
    )
    grants_options.flags_of(args)
    assert (args.compiler, args.disable_cache, args.fuel) == ("winch", True, 9)
    assert args.disable_pooling is True
    assert options.cache_dir(args) is None


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("-Wtimeut=5s", "did you mean 'timeout'?"),
        ("-Wtimeout=fast", "'fast' is not a duration"),
        ("-Wtimeout", "needs a value"),
        ("-Wsimd=n", "can't be turned off"),
        ("-Sp3=maybe", "not y or n"),
        ("-Ccompiler=gcc", "no compiler 'gcc'"),
        ("-Snn", "no such setting"),
    ],
)
def test_a_flag_that_can_not_be_honoured_is_refused(flag: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_run(flag, "x.wasm")
    assert said in str(caught.value)
    assert flag[:2] in caught.value.message


def test_sockets_are_granted_by_address() -> None:
    _, given, _ = parse_run("--tcp", "10.0.0.0/8:5432", "--udp", "[::1]:53", "x")
    assert given.outbound == ("tcp://10.0.0.0/8:5432", "udp://[::1]:53")
    assert not given.name_lookup


def test_a_granted_name_can_be_looked_up() -> None:
    assert parse_run("--tcp", "example.com:443", "x")[1].name_lookup


@pytest.mark.parametrize("text", ["example.com", ":80", "a:b:c:99999", "x:y"])
def test_a_socket_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--tcp"):
        parse_run("--tcp", text, "x")


def test_a_directory_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="no directory 'nowhere'"):
        parse_run("--dir", "nowhere::/data", "x")


def test_the_environment_is_given_or_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "yes")
    monkeypatch.delenv("ABSENT", raising=False)
    assert assignments.environment(["A=b=c", "OURS", "ABSENT", "E="]) == {
        "A": "b=c",
        "OURS": "yes",
        "E": "",
    }
    assert parse_run("--inherit-env", "--env", "OURS=no", "x")[1].environment["OURS"] == "no"


def test_variables_come_from_the_line_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("text\n")
    (tmp_path / "v.json").write_text('{"a": "1"}')
    (tmp_path / "v.toml").write_text('b = "2"\n')
    given = [f"t=@{tmp_path}/v.txt", f"@{tmp_path}/v.json", f"@{tmp_path}/v.toml", "c=3"]
    assert assignments.variables(given) == {"t": "text\n", "a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("v.json", b"[1]", "holds no names"),
        ("v.json", b'{"a": 1}', "'a' in"),
        ("v.json", b"{", "v.json: "),
        ("v.toml", b"a = ", "v.toml: "),
        ("v.yaml", b"a: b", "can't tell what"),
        ("v.json", b"\xff", "not UTF-8"),
    ],
)
def test_a_file_of_variables_with_a_mistake_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match="--variable") as caught:
        assignments.variables([f"@{tmp_path / name}"])
    assert said in caught.value.message


def test_a_pair_without_a_value_names_its_option() -> None:
    with pytest.raises(UsageError, match="--key-value x: not KEY=VALUE"):
        assignments.pairs(["x"], "--key-value")


def test_serve_makes_an_application_of_one_component(tmp_path: Path) -> None:
    file = tmp_path / "hello.wasm"
    file.write_bytes(b"")
    _, given, _ = parse_run("--dir", f"{tmp_path}::data", "--http", "https://example.com",
                            "--key-value-store", "a", "--secret", "b=c", "x")  # fmt: skip
    application = bare.application(file, given, Limits(), None)
    (component,) = application.components.values()
    assert component.allowed_outbound_hosts == ("https://example.com",)
    assert (component.key_value_stores, component.secrets) == (("a",), {"b": "c"})
    (mount,) = component.files
    assert mount == FileMount(tmp_path, "/data", writable=True)
    assert application.http[0].route == "/..."
