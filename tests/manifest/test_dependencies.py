"""Dependencies and middleware in a manifest: what they mean, and what excludes what."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.manifest import codec
from paddock.manifest.dependency import compatible, matches, overlap
from paddock.manifest.model import Application, RegistrySource, UrlSource
from paddock.manifest.reader import read

HEAD = 'spin_manifest_version = 2\n[application]\nname = "x"\n'
LIB = '[component.lib]\nsource = "lib.wasm"\n'
DIGEST = "sha256:" + "a" * 64


def app(text: str, profile: str | None = None) -> Application:
    return read((HEAD + text).encode(), Path("/app/spin.toml"), profile)


def component(dependencies: str, more: str = "") -> str:
    return f'[component.c]\nsource = "c.wasm"\n{more}\n[component.c.dependencies]\n{dependencies}\n'


def refused(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        app(text)
    return str(caught.value)


def test_a_dependency_is_a_file_a_url_a_component_or_of_a_registry() -> None:
    made = app(
        component(
            '"acme:a/b@1.0.0" = { path = "../a.wasm", export = "my:own/b" }\n'
            f'"acme:url" = {{ url = "https://example.com/b.wasm", digest = "{DIGEST}" }}\n'
            'plain = { component = "lib" }\n"acme:old" = "^1.0"\n'
            '"acme:new" = { version = "1", registry = "r.example", package = "acme:other" }'
        )
        + LIB
    )
    found = {one.name: one for one in made.components["c"].dependencies}
    assert found["acme:a/b@1.0.0"].source == Path("/a.wasm")
    assert found["acme:a/b@1.0.0"].export == "my:own/b"
    assert found["acme:url"].source == UrlSource("https://example.com/b.wasm", DIGEST)
    assert (found["plain"].component, found["plain"].source) == ("lib", None)
    assert found["acme:old"].source == RegistrySource("acme:old", "^1.0")
    assert found["acme:new"].source == RegistrySource("acme:other", "1", "r.example")
    assert [one.location.line for one in found.values()] == [8, 9, 10, 11, 12]
    assert codec.from_json(codec.to_json(made)) == made


@pytest.mark.parametrize(
    ("line", "more", "inherit"),
    [
        ("", "", ()),
        (", inherit_configuration = false", "", ()),
        (", inherit_configuration = true", "", None),
        (', inherit_configuration = ["files", "environment"]', "", ("files", "environment")),
        ("", "dependencies_inherit_configuration = true", None),
        ("", "dependencies_inherit_configuration = false", ()),
    ],
)
def test_nothing_is_inherited_unless_the_manifest_says_so(
    line: str, more: str, inherit: tuple[str, ...] | None
) -> None:
    made = app(component(f'"a:b" = {{ path = "b.wasm"{line} }}', more))
    assert made.components["c"].dependencies[0].inherit == inherit


def test_middleware_belongs_to_its_route_outermost_first() -> None:
    made = app(
        '[[trigger.http]]\nroute = "/..."\ncomponent = "c"\n'
        'dependencies.middleware = [{ path = "m.wasm" }, { component = "lib", '
        'inherit_configuration = ["key_value_stores"] }]\n'
        '[component.c]\nsource = "c.wasm"\n' + LIB
    )
    first, second = made.http[0].middleware
    assert (first.source, first.inherit) == (Path("/app/m.wasm"), ())
    assert (second.component, second.inherit) == ("lib", ("key_value_stores",))
    assert second.key == "trigger.http[0].dependencies.middleware[1]"


def test_a_profile_exchanges_single_dependencies() -> None:
    text = component('"a:b" = { path = "b.wasm" }\n"a:c" = { path = "c.wasm" }') + (
        '[component.c.profile.debug.dependencies]\n"a:b" = { path = "debug.wasm" }\n'
    )
    usual, debug = app(text).components["c"], app(text, "debug").components["c"]
    assert [one.source for one in usual.dependencies] == [Path("/app/b.wasm"), Path("/app/c.wasm")]
    assert [one.source for one in debug.dependencies] == [
        Path("/app/debug.wasm"),
        Path("/app/c.wasm"),
    ]


@pytest.mark.parametrize(
    ("dependencies", "expected"),
    [
        ('"a:b" = 1', ":8: component.c.dependencies.'a:b': must be { path }"),
        ('"a b" = { path = "x" }', "is no name of an import"),
        ('"a:b" = { path = "x", exports = "y" }', "unknown key"),
        ('"a:b" = { path = "x", inherit_configuration = ["enviroment"] }', "'environment'?"),
        ('"a:b" = { path = "x", inherit_configuration = 1 }', "true, false or an array"),
        ('"a:b" = { url = "https://x/y" }', "digest: is required"),
        ('"a:b" = { component = "liv" }', "no component 'liv'\n  hint: did you mean 'lib'?"),
        ('"a:b" = { component = "c" }', "the component depends on itself"),
        ('"a:b" = { path = "x", export = "y" }', "can't answer every import of a package"),
        ('"a:b" = { path = "x" }\n"a:b/c@1.0.0" = { path = "y" }', "could answer the same"),
        ('"a:b" = { component = "rich" }', "component 'rich' has key_value_stores of its own"),
        ('"a:b" = { component = "nested" }', "component 'nested' has dependencies of its own"),
    ],
)
def test_a_mistake_about_dependencies_is_told_with_its_line(
    dependencies: str, expected: str
) -> None:
    others = (
        LIB + '[component.rich]\nsource = "r.wasm"\nkey_value_stores = ["default"]\n'
        '[component.nested]\nsource = "n.wasm"\n'
        '[component.nested.dependencies]\n"x:y" = { component = "lib" }\n'
    )
    text = refused(component(dependencies) + others)
    assert expected in text and "spin.toml:" in text


def test_a_cycle_of_components_is_refused() -> None:
    text = refused(
        component('"a:b" = { component = "d" }')
        + '[component.d]\nsource = "d.wasm"\n[component.d.dependencies]\n'
        '"a:c" = { component = "c" }\n'
    )
    assert "component 'd' has dependencies of its own" in text
    assert "component 'c' has dependencies of its own" in text


def test_the_two_ways_to_inherit_exclude_each_other() -> None:
    text = refused(
        component(
            '"a:b" = { path = "x", inherit_configuration = false }',
            "dependencies_inherit_configuration = true",
        )
    )
    assert "the component has 'dependencies_inherit_configuration' too" in text


def test_only_routes_with_a_component_have_middleware() -> None:
    text = refused(
        '[[trigger.http]]\nroute = "/"\nstatic_response = { body = "x" }\n'
        'dependencies.middleware = [{ path = "m.wasm" }]\n'
    )
    assert "a static response has no middleware" in text
    assert "unknown key" in refused(
        '[[trigger.http]]\nroute = "/"\ncomponent = "lib"\ndependencies.other = []\n' + LIB
    )
    made = app(
        '[[trigger.redis]]\ncomponent = "lib"\nchannel = "c"\n'
        'dependencies.middleware = [{ path = "m.wasm" }]\ncomponents.extra = ["lib"]\n' + LIB
    )
    found = [(one.key, one.refuse) for one in made.triggers[0].unsupported]
    assert found == [
        ("trigger.redis[0].components", True),
        ("trigger.redis[0].dependencies", True),
    ]


@pytest.mark.parametrize(
    ("name", "imported", "answer"),
    [
        ("a:b/c@0.1.0", "a:b/c@0.1.0", True),
        ("a:b/c", "a:b/c@0.1.0", True),
        ("a:b", "a:b/c", True),
        ("a:b@0.1.0", "a:b/c@0.1.0", True),
        ("plain-name", "plain-name", True),
        ("a:b/c@0.1.0", "a:b/c@0.1.1", False),
        ("a:b/c@0.1.0", "a:b/c", False),
        ("a:b/c", "a:b/d@0.1.0", False),
        ("a:b", "a:bb/c", False),
        ("a:b", "plain-name", False),
    ],
)
def test_a_name_stands_for_imports_as_spin_says(name: str, imported: str, answer: bool) -> None:
    assert matches(name, imported) is answer


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("a:b/c@0.1.0", "a:b/c@0.1.9", True),
        ("a:b/c@1.0.0", "a:b/c@1.9.0", True),
        ("a:b/c@0.1.0", "a:b/c@0.2.0", False),
        ("a:b/c@0.0.1", "a:b/c@0.0.2", False),
        ("a:b/c@1.0.0", "a:b/c@2.0.0", False),
        ("a:b/c@0.1.0-rc1", "a:b/c@0.1.0-rc2", False),
        ("a:b/c@0.1.0", "a:b/d@0.1.0", False),
        ("a:b/c", "a:b/c@0.1.0", False),
    ],
)
def test_versions_go_together_as_semver_says(one: str, other: str, answer: bool) -> None:
    assert compatible(one, other) is compatible(other, one) is answer


def test_names_of_one_package_overlap_unless_something_keeps_them_apart() -> None:
    assert overlap("a:b", "a:b/c") and overlap("a:b@1.0.0", "a:b@1.2.0")
    assert not overlap("a:b/c", "a:b/d") and not overlap("a:b@1.0.0", "a:b@2.0.0")
    assert not overlap("a:b", "a:c") and overlap("x", "x") and not overlap("x", "y")
