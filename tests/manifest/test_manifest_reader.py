"""A correct manifest becomes the application that it describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.manifest.model import (
    Application,
    Build,
    FileMount,
    FilePattern,
    Limits,
    RegistrySource,
    Reuse,
    StaticResponse,
    UrlSource,
)
from paddock.manifest.reader import load, read

FULL = (Path(__file__).parent / "corpus" / "full.toml").read_text()


def full(tmp_path: Path) -> Application:
    return read(FULL.encode(), tmp_path / "paddock.toml")


def minimal(extra: str = "", *, name: str = "paddock.toml") -> Application:
    text = 'spin_manifest_version = 2\n[application]\nname = "a"\n' + extra
    return read(text.encode(), Path("/apps") / name)


def test_the_application_table_is_read(tmp_path: Path) -> None:
    app = full(tmp_path)
    assert (app.name, app.version, app.description) == ("shop", "1.2.3", "sells")
    assert app.authors == ("A <a@example.com>",)
    assert app.trigger_settings == {"redis": {"address": "redis://localhost"}}
    assert app.base == tmp_path
    assert app.source == tmp_path / "paddock.toml"


def test_variables_know_default_requirement_and_secrecy(tmp_path: Path) -> None:
    token, host = full(tmp_path).variables.values()
    assert (token.name, token.default, token.required, token.secret) == ("token", None, True, True)
    assert (host.default, host.required, host.description) == (
        "api.example.com",
        False,
        "where to ask",
    )


def test_a_component_has_everything_that_it_is_granted(tmp_path: Path) -> None:
    cart = full(tmp_path).components["cart"]
    assert cart.source == tmp_path / "target/cart.wasm"
    assert cart.environment == {"MODE": "fast"}
    assert cart.variables == {"url": "https://{{ host }}/{{token}}"}
    assert cart.files == (
        FilePattern("static/**/*"),
        FileMount(tmp_path.parent / "shared", "/shared"),
    )
    assert cart.exclude_files == ("static/*.bak",)
    assert cart.allowed_outbound_hosts == ("https://{{ host }}", "http://stock.spin.internal")
    assert cart.key_value_stores == ("default", "cache")
    assert cart.sqlite_databases == ("default",)
    assert cart.ai_models == ("llama2-chat",)
    assert cart.limits == Limits(memory=64 << 20, time=0.5, instances=10, table=2000)
    assert cart.reuse == Reuse(requests=50, concurrency=2, idle=60.0)
    assert cart.build == Build(("make a", "make b"), tmp_path / "cart", ("src/**/*.rs",))


def test_sources_may_be_urls_and_packages(tmp_path: Path) -> None:
    components = full(tmp_path).components
    assert components["stock"].source == UrlSource(
        "https://example.com/stock.wasm", "sha256:" + "0" * 64
    )
    assert components["audit"].source == RegistrySource("acme:audit", "1.0.0")


def test_a_single_build_command_runs_beside_the_manifest(tmp_path: Path) -> None:
    assert full(tmp_path).components["audit"].build == Build(("make",), tmp_path)


def test_a_component_that_grants_nothing_is_granted_nothing(tmp_path: Path) -> None:
    stock = full(tmp_path).components["stock"]
    assert (stock.environment, stock.variables) == ({}, {})
    assert (stock.files, stock.allowed_outbound_hosts, stock.key_value_stores) == ((), (), ())
    assert (stock.limits, stock.reuse, stock.build) == (Limits(), None, None)


def test_http_triggers_keep_their_order_and_get_ids_as_in_spin(tmp_path: Path) -> None:
    public, private, static = full(tmp_path).http
    assert (public.id, public.route) == ("cart-http-trigger", "/shop/:id/...")
    assert public.methods == ("GET", "POST")
    assert public.host == "*.example.com"
    assert (private.id, private.route, private.component) == ("stock-http-trigger", None, "stock")
    assert (private.executor.type, private.executor.options) == ("wagi", {"argv": "x"})
    assert (static.id, static.component) == ("hello", None)
    assert static.static_response == StaticResponse(201, {"x-a": "b"}, "hi")


def test_a_second_route_to_the_same_component_gets_a_counted_id() -> None:
    app = minimal(
        '[[trigger.http]]\nroute = "/a"\ncomponent = "c"\n'
        '[[trigger.http]]\nroute = "/b"\ncomponent = "c"\n'
        '[component.c]\nsource = "c.wasm"\n'
    )
    assert [trigger.id for trigger in app.http] == ["c-http-trigger", "http-trigger1"]


def test_triggers_of_other_types_are_kept_for_their_plugin(tmp_path: Path) -> None:
    (trigger,) = full(tmp_path).triggers
    assert (trigger.type, trigger.id, trigger.component) == (
        "redis",
        "stock-redis-trigger",
        "stock",
    )
    assert trigger.options == {"channel": "orders", "retry": (1, 2)}


def test_a_component_may_stand_inside_its_trigger() -> None:
    app = minimal(
        '[[trigger.http]]\nid = "front"\nroute = "/"\ncomponent = { source = "a.wasm" }\n'
        '[[trigger.http]]\nid = "not kebab"\nroute = "/b"\ncomponent = { source = "b.wasm" }\n'
    )
    assert [trigger.component for trigger in app.http] == ["front-component", "inline-component1"]
    assert app.components["front-component"].source == Path("/apps/a.wasm")
    assert app.components["inline-component1"].source == Path("/apps/b.wasm")


def test_a_component_without_a_trigger_is_fine() -> None:
    app = minimal('[component.c]\nsource = "c.wasm"\n')
    assert list(app.components) == ["c"]
    assert app.http == ()


def test_every_item_knows_its_line(tmp_path: Path) -> None:
    app = full(tmp_path)
    lines = FULL.splitlines()
    cart = app.components["cart"]
    for location, text in (
        (app.location, "[application]"),
        (cart.location, "[component.cart]"),
        (cart.at("source"), 'source = "target'),
        (cart.at("key_value_stores"), "key_value_stores"),
        (cart.limits.location, "limits ="),
        (app.variables["host"].location, "host ="),
        (app.http[0].location, "[[trigger.http]]"),
        (app.triggers[0].location, "[[trigger.redis]]"),
    ):
        assert lines[location.line - 1].startswith(text)
    assert cart.at("environment_that_is_not_set") == cart.location


def test_moving_a_component_down_a_line_does_not_change_it(tmp_path: Path) -> None:
    path = tmp_path / "paddock.toml"
    assert read(FULL.encode(), path) == read(b"\n# a comment\n" + FULL.encode(), path)


def test_what_is_valid_but_has_no_effect_yet_is_kept_by_name() -> None:
    app = minimal(
        '[component.c]\nsource = "c.wasm"\ntargets = ["spin-2"]\n'
        '[[trigger.http]]\nroute = "/"\ncomponent = "c"\n'
        'components = { middleware = ["m"] }\n'
    )
    found = [(one.key, one.refuse, one.location.line) for one in app.components["c"].unsupported]
    assert found == [("component.c.targets", False, 6)]
    assert [one.key for one in app.http[0].unsupported] == ["trigger.http[0].components"]


def test_the_deprecated_list_of_http_hosts_is_understood() -> None:
    app = minimal(
        '[component.c]\nsource = "c.wasm"\nallowed_http_hosts = ["example.com", "https://b.com"]\n'
    )
    assert app.components["c"].allowed_outbound_hosts == (
        "http://example.com",
        "https://example.com",
        "https://b.com",
    )


def test_windows_line_ends_and_a_byte_order_mark_make_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "paddock.toml"
    windows = b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()
    app = read(windows, path)
    assert app == read(FULL.encode(), path)
    assert app.components["cart"].location.line == FULL.split("[component.cart]")[0].count("\n") + 1


def test_a_directory_prefers_paddock_toml(tmp_path: Path) -> None:
    text = 'spin_manifest_version = 2\n[application]\nname = "{}"\n'
    (tmp_path / "spin.toml").write_text(text.format("from-spin"))
    assert load(tmp_path).name == "from-spin"
    (tmp_path / "paddock.toml").write_text(text.format("from-paddock"))
    assert load(tmp_path).name == "from-paddock"
    assert load(tmp_path / "spin.toml").name == "from-spin"


@pytest.mark.parametrize(
    ("file", "id"),
    [("hello.wasm", "hello"), ("My App_2.wat", "my-app"), ("123.wasm", "component")],
)
def test_a_bare_component_is_an_application_on_every_route(
    tmp_path: Path, file: str, id: str
) -> None:
    (tmp_path / file).write_bytes(b"")
    app = load(tmp_path / file)
    assert app.name == id
    assert list(app.components) == [id]
    assert app.components[id].source == tmp_path / file
    assert [(trigger.route, trigger.component) for trigger in app.http] == [("/...", id)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".", "no paddock.toml or spin.toml"),
        ("missing.toml", "does not exist"),
        ("data.json", "can't tell what"),
        ("a\0b.toml", "NUL"),
    ],
)
def test_what_is_no_application_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "data.json").write_text("{}")
    with pytest.raises(ManifestError, match=text):
        load(tmp_path / name)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "paddock.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ManifestError, match="larger than"):
        load(path)
