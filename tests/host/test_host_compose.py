"""Components made of several: what is plugged where, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock import _core
from paddock.host.compose import Misfit, Parts, compose, parted, parts
from paddock.host.desired import Desired, DesiredApplication
from paddock.host.imports import check
from paddock.host.inherit import denied, key_of
from paddock.host.watch import watched
from paddock.manifest.dependency import INHERITABLE, Dependency
from paddock.manifest.model import Application, Component, RegistrySource
from paddock.manifest.reader import read

GUESTS = Path(__file__).resolve().parent.parent / "guests" / "rust"
SOCKET, PART, MIDDLE = (GUESTS / name / f"{name}.wasm" for name in ("parts", "part", "middle3"))
HTTP3 = GUESTS / "http3" / "http3.wasm"


def whole(*dependencies: Dependency, middleware: tuple[Dependency, ...] = (), of: Path = SOCKET):
    return compose(Parts("c", dependencies, middleware), of.read_bytes())


def on(name: str, source: Path = PART, **more: object) -> Dependency:
    return Dependency(name, source, key=f"component.c.dependencies.'{name}'", **more)  # type: ignore[arg-type]


def misfit(*dependencies: Dependency, **more: object) -> str:
    with pytest.raises(Misfit) as caught:
        whole(*dependencies, **more)  # type: ignore[arg-type]
    assert caught.value.message.startswith(caught.value.where)
    return caught.value.message


@pytest.mark.parametrize("name", ["paddock:parts", "paddock:parts@0.1.2"])
def test_a_whole_package_comes_from_one_dependency(name: str) -> None:
    imports, exports = _core.interfaces(whole(on(name, inherit=None)).data)
    assert not any(each.startswith("paddock:parts/") for each in imports)
    assert exports == ["wasi:http/incoming-handler@0.2.0"]


def test_what_is_not_inherited_is_no_import_of_the_host_any_more() -> None:
    nothing, _ = _core.interfaces(whole(on("paddock:parts")).data)
    own, _ = _core.interfaces(SOCKET.read_bytes())
    assert "wasi:cli/environment@0.2.6" in nothing and "wasi:cli/environment@0.2.6" in own
    for start in ("wasi:http/outgoing", "wasi:sockets/ip-name", "wasi:keyvalue", "wasi:config"):
        assert not any(each.startswith(start) for each in nothing), start
    some, _ = _core.interfaces(whole(on("paddock:parts", inherit=("key_value_stores",))).data)
    assert set(some) - set(nothing) == {"wasi:keyvalue/store@0.2.0-draft2"}


def test_each_interface_may_come_from_a_dependency_of_its_own() -> None:
    names = ("shout", "reach", "counter")
    made = whole(*(on(f"paddock:parts/{name}", inherit=None) for name in names))
    assert not any("paddock:parts" in each for each in _core.interfaces(made.data)[0])
    assert made.carriers["wasi:config/store@0.2.0-draft-2024-09-27"].name == "paddock:parts/shout"


def test_an_export_of_another_version_that_goes_with_it_answers(tmp_path: Path) -> None:
    older = tmp_path / "older.wasm"
    older.write_bytes(
        PART.read_bytes().replace(b"paddock:parts/shout@0.1.2", b"paddock:parts/shout@0.1.9")
    )
    made = whole(on("paddock:parts/shout", older, inherit=None))
    assert "paddock:parts/shout@0.1.2" not in _core.interfaces(made.data)[0]
    older.write_bytes(
        PART.read_bytes().replace(b"paddock:parts/shout@0.1.2", b"paddock:parts/shout@0.2.2")
    )
    assert "does not export 'paddock:parts/shout@0.1.2'" in misfit(on("paddock:parts/shout", older))


@pytest.mark.parametrize(
    ("dependency", "expected"),
    [
        (on("acme:log"), "dependency 'acme:log': answers no import; the component imports: "),
        (on("paddock:parts/shout", MIDDLE), "does not export 'paddock:parts/shout@0.1.2'; it"),
        (on("paddock:parts/shout", export="acme:no/no"), "does not export 'acme:no/no' for"),
        (on("paddock:parts/shout", export="paddock:parts/reach@0.1.2"), "is not what is imported"),
        (on("paddock:parts/shout", Path("/nowhere.wasm")), "can't read /nowhere.wasm"),
        (on("paddock:parts/shout", GUESTS / "cli" / "cli-p1.wasm"), "is a core module"),
        (on("paddock:parts/shout", Path(__file__)), "neither a WebAssembly binary nor"),
        (on("a:b", RegistrySource("a:b", "1")), "comes from a registry"),  # type: ignore[arg-type]
    ],
)
def test_a_dependency_that_does_not_fit_is_named(dependency: Dependency, expected: str) -> None:
    text = misfit(dependency)
    assert expected in text and text.startswith("(not from a file): component 'c': dependency")


def test_cut_and_changed_bytes_of_a_dependency_are_refused_and_nothing_else(tmp_path: Path) -> None:
    data, file = PART.read_bytes(), tmp_path / "cut.wasm"
    for length in range(0, len(data), len(data) // 23):
        file.write_bytes(data[:length])
        misfit(on("paddock:parts", file))


def test_middleware_imports_and_exports_a_handler_and_stands_before_one() -> None:
    middle = Dependency("middleware 1", MIDDLE)
    made = whole(middleware=(middle, Dependency("middleware 2", MIDDLE)), of=HTTP3)
    imports, exports = _core.interfaces(made.data)
    assert exports == ["wasi:http/handler@0.3.0"] and "wasi:http/handler@0.3.0" not in imports
    assert "stands before 'wasi:http/handler@0.3.0', but the component exports" in misfit(
        middleware=(middle,)
    )
    assert "is no middleware" in misfit(middleware=(Dependency("middleware 1", PART),), of=HTTP3)


def test_every_name_that_can_be_inherited_is_a_key_of_some_import() -> None:
    imports = (
        "fermyon:spin/llm@2.0.0",
        "wasi:http/outgoing-handler@0.2.6",
        "wasi:cli/environment@0.3.0",
        "wasi:filesystem/preopens@0.2.0",
        "wasi:keyvalue/batch@0.2.0-draft2",
        "fermyon:spin/sqlite@2.0.0",
        "wasi:config/store@0.2.0-draft-2024-09-27",
        "wasi:blobstore/container@0.2.0-draft",
        "wasmcloud:messaging/consumer@0.2.0",
        "wasmcloud:secrets/store@2.1.0",
        "paddock:sql/database@0.1.0",
    )
    assert [key_of(name) for name in imports] == list(INHERITABLE[:-1])
    for name in (
        "wasi:http/client@0.3.0",
        "wasi:sockets/tcp@0.2.6",
        "wasi:sockets/udp-create-socket@0.2.0",
        "wasi:sockets/types@0.3.0",
        "wasi:sockets/ip-name-lookup@0.2.6",
        "fermyon:spin/postgres@2.0.0",
        "spin:redis/redis@3.0.0",
        "fermyon:spin/http",
    ):
        assert key_of(name) == "allowed_outbound_hosts", name
    for name in ("wasi:io/streams@0.2.6", "wasi:logging/logging@0.1.0-draft", "acme:no/where"):
        assert key_of(name) is None, name


def test_a_denial_names_component_dependency_and_the_line_that_lifts_it() -> None:
    dependency = on("acme:a/b", inherit=("files",))
    imports = ["wasi:cli/environment@0.2.6", "wasi:io/poll@0.2.6", "wasi:http/client@0.3.0"]
    assert dict(denied("c", dependency, imports)) == {
        # Every program looks there at its start; it finds nothing.
        "wasi:cli/environment@0.2.6": None,
        "wasi:http/client@0.3.0": "component 'c': its dependency 'acme:a/b' does not inherit "
        "allowed_outbound_hosts; to let it: component.c.dependencies.'acme:a/b'."
        'inherit_configuration = ["files", "allowed_outbound_hosts"]',
    }


def test_an_import_that_nobody_offers_is_blamed_on_the_dependency() -> None:
    carrier = on("acme:a/b")
    checked = check(
        Component("c", SOCKET), ["acme:no/no"], _core.built_in, carriers={"acme:no/no": carrier}
    )
    assert (
        "component 'c': its dependency 'acme:a/b' imports the interface acme:no/no"
        in (checked.problems[0])
    )


MANIFEST = """spin_manifest_version = 2
[application]
name = "x"
[[trigger.http]]
route = "/one"
component = "c"
id = "one"
dependencies.middleware = [{ path = "m.wasm" }]
[[trigger.http]]
route = "/two"
component = "c"
[[trigger.http]]
route = "/three"
component = "d"
dependencies.middleware = [{ component = "lib" }]
[component.c]
source = "c.wasm"
[component.c.dependencies]
"a:b" = { component = "lib" }
[component.d]
source = "d.wasm"
[component.lib]
source = "lib.wasm"
"""


def split(text: str = MANIFEST) -> Application:
    return parted(read(text.encode(), Path("/app/spin.toml")))


def test_a_route_with_middleware_has_a_component_of_its_own_where_others_use_it() -> None:
    made = split()
    assert parted(made) == made
    assert [route.component for route in made.http] == ["c-for-one", "c", "d"]
    assert [one.source for one in made.components["c-for-one"].middleware] == [Path("/app/m.wasm")]
    assert made.components["c"].middleware == ()
    assert [one.source for one in made.components["d"].middleware] == [Path("/app/lib.wasm")]
    # Both have the dependency; its bytes are the other component's.
    for name in ("c", "c-for-one"):
        assert [one.source for one in made.components[name].dependencies] == [Path("/app/lib.wasm")]


def test_a_component_that_only_others_depend_on_does_not_run_by_itself() -> None:
    assert "lib" not in split().components
    own = MANIFEST + '[[trigger.http]]\nroute = "/lib"\ncomponent = "lib"\n'
    assert "lib" in split(own).components


def test_an_application_without_dependencies_stays_as_it_is() -> None:
    plain = Application("x", components={"c": Component("c", SOCKET)})
    assert parted(plain) is plain and parts(plain.components["c"]) is None


def test_files_of_dependencies_are_watched() -> None:
    application = read(MANIFEST.encode(), Path("/app/spin.toml"))
    desired = Desired((DesiredApplication(application),))
    found = watched(desired, Path("/app/spin.toml"), None)
    assert {Path("/app/m.wasm"), Path("/app/lib.wasm"), Path("/app/c.wasm")} <= found
