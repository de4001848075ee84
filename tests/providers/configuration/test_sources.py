"""Sources of configuration: static values, the environment, `.env`, layers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from paddock.errors import ManifestError, Unavailable
from paddock.providers.configuration.dotenv import parse
from paddock.providers.configuration.environment import (
    EnvironmentConfig,
    EnvironmentConfiguration,
    EnvironmentValues,
)
from paddock.providers.configuration.layers import Layers
from paddock.providers.configuration.static import StaticConfig, StaticConfiguration, StaticValues
from paddock.providers.options import OptionError
from paddock.types import Deferred, resolve


def test_static_values_are_text_in_the_end() -> None:
    config = StaticConfig.from_table({"values": {"b": 1, "a": True, "c": "x"}})
    values = StaticConfiguration.open(config, application="a", name="", state_dir=Path())
    assert dict(values.get_all()) == {"a": "true", "b": "1", "c": "x"}
    assert values.get("absent") is None
    assert config == StaticConfig.from_table({"values": {"c": "x", "a": True, "b": 1}})


def test_static_values_never_show_in_a_representation() -> None:
    assert "hidden" not in repr(StaticConfig.from_table({"values": {"key": "hidden"}}))


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        ({"values": "x"}, "values", "must be a table, not a string"),
        ({"values": {"a": []}}, "values.a", "must be a string, not a list"),
        ({"value": {}}, "value", "has no option `value`"),
    ],
)
def test_a_bad_static_table_is_refused(table: dict[str, object], key: str, text: str) -> None:
    with pytest.raises(OptionError, match=text) as raised:
        StaticConfig.from_table(table)
    assert raised.value.key == key


def environment(config: EnvironmentConfig) -> EnvironmentValues:
    return EnvironmentConfiguration.open(config, application="a", name="", state_dir=Path())


def test_the_environment_is_read_under_both_prefixes_and_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("SPIN_VARIABLE_A=file\nPADDOCK_VARIABLE_B=file\nOTHER=x\n")
    monkeypatch.setenv("SPIN_VARIABLE_A", "spin")
    monkeypatch.setenv("SPIN_VARIABLE_C", "spin")
    monkeypatch.setenv("PADDOCK_VARIABLE_C", "paddock")
    values = environment(EnvironmentConfig.from_table({"type": "environment"}))
    assert [values.get(name) for name in ("a", "b", "c", "other")] == [
        "spin", "file", "paddock", None,
    ]  # fmt: skip
    assert values.get_all() == {"a": "spin", "b": "file", "c": "paddock"}


def test_a_prefix_of_ones_own_replaces_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_NAME", "mine")
    monkeypatch.setenv("SPIN_VARIABLE_NAME", "spin")
    for prefix in ("MY", "MY_"):
        assert environment(EnvironmentConfig.from_table({"prefix": prefix})).get("name") == "mine"


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="there is no such file"):
        environment(EnvironmentConfig(dotenv_path=str(tmp_path / "absent.env")))


def test_a_dotenv_file_is_read_as_the_common_tools_do() -> None:
    text = """
# a comment
A=plain
 export B = spaced out  # and a comment
C='single # kept \\n'
D="double \\"quoted\\"\\nline"   # comment
E=
F=a#b
G=""
A.B=dotted
H=x=y
"""
    assert parse(text, ".env") == {
        "A": "plain", "B": "spaced out", "C": "single # kept \\n", "D": 'double "quoted"\nline',
        "E": "", "F": "a#b", "G": "", "A.B": "dotted", "H": "x=y",
    }  # fmt: skip


@pytest.mark.parametrize("line", ["no equals sign", "1A=x", 'A="open', "A='a' b", "=x", "A B=c"])
def test_a_malformed_line_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(ManifestError, match=r"\.env:2: this line is not") as raised:
        parse(f"A=1\n{line}\n", ".env")
    assert line not in str(raised.value)


class Slow:
    async def get(self, name: str, /) -> str | None:
        return {"a": "slow", "b": "slow"}.get(name)

    async def get_all(self) -> dict[str, str]:
        return {"a": "slow", "b": "slow"}

    def close(self) -> None: ...


class Blocking:
    def get(self, name: str, /) -> Deferred[str | None]:
        return Deferred(lambda: {"b": "blocking", "c": "blocking"}.get(name))

    def get_all(self) -> Deferred[dict[str, str]]:
        return Deferred(lambda: {"b": "blocking", "c": "blocking"})

    def close(self) -> None: ...


def test_the_first_layer_that_knows_a_name_answers() -> None:
    async def run() -> None:
        layers = Layers([StaticValues({"a": "static"}), Slow(), Blocking()])
        assert layers.get("a") == "static", "in place, without asking the others"
        assert await resolve(layers.get("b")) == "slow"
        assert await resolve(layers.get("c")) == "blocking"
        assert await resolve(layers.get("d")) is None
        assert await resolve(layers.get_all()) == {"a": "static", "b": "slow", "c": "blocking"}

    asyncio.run(run())
