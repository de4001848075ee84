"""What the documentation shows is what the readers accept, key by key."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from paddock.manifest.hostconfig import HostLimits, read_host_config
from paddock.manifest.hostshapes import HostLimitsTable
from paddock.manifest.quantities import parse_duration, parse_size
from paddock.manifest.reader import read
from paddock.manifest.shapes import ComponentTable, HttpTable

DOCS = Path(__file__).parents[2] / "docs"


def example(page: str) -> bytes:
    found = re.search(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found
    return found[1].encode()


def test_the_manifest_of_the_documentation_is_read() -> None:
    app = read(example("manifest.md"), "paddock.toml")
    assert app.http[0].component == "cart"


def test_the_configuration_of_the_documentation_is_read() -> None:
    config = read_host_config(example("host-configuration.md"), "host.toml")
    assert set(config.providers("key_value_store")) == {"default", "cache"}


def test_every_key_of_a_component_and_of_a_trigger_is_documented() -> None:
    text = (DOCS / "manifest.md").read_text()
    quiet = {"allowed_http_hosts", "dependencies_inherit_configuration", "components", "tool"}
    for shape in (ComponentTable, HttpTable):
        for key in shape.model_fields.keys() - quiet:
            assert f"`{key}`" in text, key


def test_the_documented_defaults_are_the_defaults() -> None:
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \| (\w+) \|", (DOCS / "host-configuration.md").read_text(), re.MULTILINE
        )
    )
    usual = HostLimits()
    assert set(rows) == {field.name for field in fields(HostLimits)}
    assert set(rows) == set(HostLimitsTable.model_fields)
    for name, text in rows.items():
        value = getattr(usual, name)
        if isinstance(value, float):
            assert parse_duration(text) == value, name
        else:
            assert (int(text) if text.isdigit() else parse_size(text)) == value, name
