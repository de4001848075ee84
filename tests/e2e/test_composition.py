"""Applications of components that are plugged together: what answers, what is denied, and why."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Running, paddock
from manifests import component, guest, write

#: Keys of the component that others are plugged into: it is granted everything.
RICH = """key_value_stores = ["default"]
environment = { WHERE = "outside" }
variables = { greeting = "hello" }
allowed_outbound_hosts = ["*://localhost:*", "*://127.0.0.1:*"]
"""


def route(id: str, more: str = "", host: str | None = None) -> str:
    return f'[[trigger.http]]\nroute = "/..."\nhost = "{host or id}.test"\ncomponent = "{id}"\n{more}\n'


def with_part(id: str, dependency: str, extra: str = "") -> str:
    """A component into which `paddock:parts` is plugged as `dependency` says."""
    table = f'{RICH}{extra}\n[component.{id}.dependencies]\n"paddock:parts" = {dependency}'
    return route(id) + component(id, "parts", table)


def by_path(inherit: str = "", path: Path | None = None) -> str:
    return f'{{ path = "{path or guest("part")}"{inherit} }}'


def named_middleware(directory: Path, name: str) -> Path:
    """The middleware under another name; the guest says where that stands in it."""
    file = directory / f"{name}.wasm"
    data = guest("middle3").read_bytes()
    assert data.count(b"middle-name1") == 1 and len(name) == 12
    file.write_bytes(data.replace(b"middle-name1", name.encode()))
    return file


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """A server of the guest `part`; its port."""
    handler = functools.partial(Files, directory=guest("part").parent)
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=files.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield files.server_port
    files.shutdown()
    thread.join()
    files.server_close()


@pytest.fixture(scope="module")
def host(module_up, tmp_path_factory: pytest.TempPathFactory) -> Running:
    directory = tmp_path_factory.mktemp("composed")
    (directory / "data").mkdir()
    (directory / "data" / "note.txt").write_text("a note")
    files = 'files = [{ source = "data", destination = "/data" }]'
    outer, inner = (named_middleware(directory, f"middle-{name}") for name in ("outer", "inner"))
    both = f'dependencies.middleware = [{{ path = "{outer}" }}, {{ path = "{inner}" }}]'

    def nosy(inherit: str) -> str:
        entry = f'{{ path = "{outer}", inherit_configuration = {inherit} }}'
        return f"dependencies.middleware = [{entry}]"

    return module_up(
        write(
            directory,
            with_part("none", by_path()),
            with_part("all", '{ component = "lib", inherit_configuration = true }', files),
            with_part("some", by_path(', inherit_configuration = ["key_value_stores"]')),
            component("lib", "part"),
            route("hello") + component("hello"),
            route("hello", f'dependencies.middleware = [{{ path = "{guest("middle2")}" }}]', "two"),
            route("three") + component("three", "http3", 'environment = { WHERE = "three" }'),
            route("three", both, "both"),
            route("three", nosy("true"), "nosy"),
            route("three", nosy('["variables"]'), "poor"),
        )
    )


def get(host: Running, who: str, path: str, **query: str) -> tuple[int, str]:
    answer = host.get(path, params=query, headers={"host": f"{who}.test"})
    return answer.status_code, answer.text


CAPABILITIES = {
    "environment": ("environment", "outside"),
    "files": ("files", "a note"),
    "variable": ("variables", 'Ok(Some("hello"))'),
    "store": ("key_value_stores", "Ok(true)"),
    "http": ("allowed_outbound_hosts", "asked: true"),
    "lookup": ("allowed_outbound_hosts", "true"),
}


@pytest.mark.parametrize("who", ["none", "all", "some"])
def test_a_dependency_answers_the_imports_of_a_component(host: Running, who: str) -> None:
    assert get(host, who, "/shout", text="hey") == (200, "HEY!")
    assert get(host, who, "/count", **{"from": "5"}) == (200, "7")
    assert get(host, who, "/reach", what="random") == (200, "1")


@pytest.mark.parametrize("what", CAPABILITIES)
def test_a_dependency_that_inherits_everything_may_what_the_component_may(
    host: Running, what: str
) -> None:
    assert get(host, "all", "/reach", what=what) == (200, CAPABILITIES[what][1])


@pytest.mark.parametrize("what", sorted(CAPABILITIES.keys() - {"environment", "files"}))
def test_what_is_not_inherited_traps_and_the_log_says_what_would_grant_it(
    host: Running, what: str
) -> None:
    key = CAPABILITIES[what][0]
    assert get(host, "none", "/reach", what=what) == (500, "")
    host.logged(
        rf"\[none\].*component 'none': its dependency 'paddock:parts' does not inherit {key}; to "
        rf"let it: component\.none\.dependencies\.'paddock:parts'\.inherit_configuration = "
        rf'\["{key}"\] \(w'
    )
    # Neighbours, and the component itself, are served as before.
    assert get(host, "hello", "/") == (200, "hello")
    assert get(host, "none", "/own") == (200, "outside")


@pytest.mark.parametrize("who", ["none", "some"])
def test_environment_and_files_are_empty_where_they_are_not_inherited(
    host: Running, who: str
) -> None:
    assert get(host, who, "/reach", what="environment") == (200, "")
    status, text = get(host, who, "/reach", what="files")
    assert status == 200 and "a note" not in text


def test_a_list_names_what_is_inherited(host: Running) -> None:
    assert get(host, "some", "/reach", what="store") == (200, "Ok(true)")
    assert get(host, "some", "/reach", what="variable") == (500, "")
    host.logged(r"component 'some'.*= \[.key_value_stores., .variables.\]")


def test_middleware_stands_before_the_component_first_is_outermost(host: Running) -> None:
    answer = host.get("/headers", headers={"host": "both.test"})
    way = [line for line in answer.text.splitlines() if line.startswith("x-way")]
    assert answer.status_code == 200
    assert way == ["x-way: middle-outer", "x-way: middle-inner"]
    assert answer.headers.get_list("x-back") == ["middle-inner", "middle-outer"]
    # The same component on a route of its own has none.
    plain = host.get("/headers", headers={"host": "three.test"})
    assert "x-way" not in plain.text and "x-back" not in plain.headers


def test_middleware_of_wasi_0_2_hands_on_or_answers_itself(host: Running) -> None:
    assert get(host, "two", "/")[0] == 401
    answer = host.get("/", headers={"host": "two.test", "x-key": "yes"})
    assert (answer.status_code, answer.text) == (200, "hello")


def test_bodies_go_through_middleware_as_streams(host: Running) -> None:
    body = b"0123456789" * 100_000
    answer = host.client.post("/echo", content=body, headers={"host": "both.test"})
    assert answer.content == body


def test_middleware_may_what_it_inherits_of_the_component(host: Running) -> None:
    assert get(host, "nosy", "/middle-environment")[0] == 404
    # Its own error, since it sees no environment.
    assert get(host, "poor", "/middle-environment")[0] >= 500
    assert get(host, "poor", "/hello") == (200, "hello")


def test_middleware_of_wasi_0_3_traps_where_it_calls_what_it_does_not_inherit(
    host: Running,
) -> None:
    assert get(host, "poor", "/middle-client") == (500, "")
    host.logged(r"does not inherit allowed_outbound_hosts; to let it: .*middleware")
    assert get(host, "poor", "/hello") == (200, "hello")
    # Where it inherits, the call is answered, and refused as the component's own would be.
    assert get(host, "nosy", "/middle-client")[0] == 404
    host.logged(r"outgoing HTTP to http://localhost:1")


def test_the_limits_of_an_instance_count_every_part(up, tmp_path: Path) -> None:
    few = 'limits = { memory = "2MiB" }'
    host = up(
        write(tmp_path, with_part("none", by_path(), few), route("hello"), component("hello"))
    )
    # Each of the two has more than one MiB from its start.
    assert get(host, "none", "/shout", text="x")[0] in (500, 503)
    assert get(host, "hello", "/") == (200, "hello")


def test_a_changed_dependency_is_applied_while_the_host_watches(up, tmp_path: Path) -> None:
    part = tmp_path / "part.wasm"
    part.write_bytes(guest("part").read_bytes())
    host = up(write(tmp_path, with_part("c", by_path(path=part))), "--watch")
    assert get(host, "c", "/reach", what="x") == (200, "nothing called x")
    changed = tmp_path / "changed"
    changed.write_bytes(guest("part").read_bytes().replace(b"nothing called", b"no more called"))
    changed.replace(part)
    host.logged(r"component 'c' exchanged")
    assert get(host, "c", "/reach", what="x") == (200, "no more called x")


def test_a_dependency_by_url_is_fetched_by_its_digest(up, tmp_path: Path, server: int) -> None:
    data = guest("part").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    url = f"http://127.0.0.1:{server}/part.wasm"
    host = up(write(tmp_path, with_part("c", f'{{ url = "{url}", digest = "sha256:{digest}" }}')))
    assert get(host, "c", "/shout", text="far") == (200, "FAR!")


def refusal(directory: Path, cache: Path, *parts: str) -> str:
    """What `paddock up --dry-run` says of an application that is refused, and doctor too."""
    manifest = write(directory, *parts)
    done = paddock(
        "up", manifest, "--listen", "127.0.0.1:0", "--state-dir", directory / "state", cache=cache
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    looked = paddock("doctor", manifest, "--state-dir", directory / "state", cache=cache)
    assert looked.returncode != 0 and "Traceback" not in looked.stderr, looked.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("dependency", "expected"),
    [
        ('{ path = "gone.wasm" }', "can't read"),
        (f'{{ path = "{guest("hello")}" }}', "does not export 'paddock:parts/shout@0.1.2'"),
        ('{ version = "1.0.0" }', "comes from a registry, which is not supported yet"),
        ('{ path = "cut.wasm" }', "damaged WebAssembly binary"),
        ('{ path = "core.wasm" }', "is a core module, not a component"),
    ],
)
def test_a_dependency_that_can_not_be_had_refuses_the_plan_with_its_line(
    tmp_path: Path, cache: Path, dependency: str, expected: str
) -> None:
    (tmp_path / "cut.wasm").write_bytes(guest("part").read_bytes()[:50_000])
    (tmp_path / "core.wasm").write_bytes(b"\0asm\x01\0\0\0")
    text = refusal(tmp_path, cache, with_part("c", dependency))
    assert expected in text and "paddock.toml:18: component 'c': dependency" in text, text


def test_a_wrong_digest_refuses_the_plan(tmp_path: Path, cache: Path, server: int) -> None:
    url = f"http://127.0.0.1:{server}/part.wasm"
    manifest = write(tmp_path, with_part("c", f'{{ url = "{url}", digest = "sha256:{"0" * 64}" }}'))
    done = paddock(
        "up", manifest, "--listen", "127.0.0.1:0", "--state-dir", tmp_path / "state", cache=cache
    )
    assert done.returncode != 0
    assert "paddock.toml:18: component 'c': dependency 'paddock:parts':" in done.stderr
    assert "has the digest sha256:" in done.stderr and "Traceback" not in done.stderr


def test_doctor_and_grants_see_the_composed_component(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, with_part("c", by_path(', inherit_configuration = ["variables"]')))
    looked = paddock("doctor", manifest, cache=cache)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "composed with 'paddock:parts'" in looked.stdout
    done = paddock("grants", manifest, "--json", cache=cache)
    found = {row["key"]: row["imports"] for row in json.loads(done.stdout)[0]["grants"]}
    assert found["variables"] == ["wasi:config/store@0.2.0-draft-2024-09-27"]
    assert found["key_value_stores"] == []


def test_inspect_shows_the_composed_component(tmp_path: Path, cache: Path) -> None:
    manifest = write(tmp_path, with_part("c", by_path()), component("lib", "part"))
    done = paddock("inspect", manifest, "--component", "c", "--json", cache=cache)
    names = [item["name"] for item in json.loads(done.stdout)["imports"]]
    assert "wasi:cli/environment@0.2.6" in names
    assert not any(name.startswith(("paddock:parts", "wasi:keyvalue")) for name in names)
    wrong = paddock("inspect", manifest, "--component", "d", cache=cache)
    assert wrong.returncode != 0 and "has no component 'd' that runs" in wrong.stderr


def test_convert_keeps_dependencies_and_moves_their_paths(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "sub").mkdir()
    manifest = tmp_path / "spin.toml"
    manifest.write_text(
        'spin_manifest_version = 2\n[application]\nname = "x"\n'
        '[[trigger.http]]\nroute = "/"\ncomponent = "c"\n'
        'dependencies.middleware = [{ path = "m.wasm" }]\n'
        '[component.c]\nsource = "c.wasm"\n'
        '[component.c.dependencies]\n"a:b/c@1.0.0" = { path = "b.wasm", export = "d:e/f" }\n'
    )
    target = tmp_path / "sub" / "paddock.toml"
    done = paddock("convert", manifest, "-o", target, cache=cache)
    assert done.returncode == 0, done.stderr
    from paddock.manifest.reader import load

    old, new = load(manifest), load(target)
    assert old.components["c"].dependencies == new.components["c"].dependencies
    assert old.http[0].middleware == new.http[0].middleware
