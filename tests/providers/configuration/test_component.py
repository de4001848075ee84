"""A component's variables are templates over the application's."""

from __future__ import annotations

import asyncio

import pytest

from paddock.errors import ManifestError, NotFound
from paddock.providers.configuration.component import ComponentValues
from paddock.providers.configuration.static import StaticValues
from paddock.types import Deferred, resolve

APPLICATION = StaticValues({"host": "db", "port": "5432", "secret": "hidden {{ host }}"})
TEMPLATES = {"url": "tcp://{{ host }}:{{port}}/x", "plain": "as it is", "key": "{{ secret }}"}


def test_a_value_is_expanded_once_and_in_place() -> None:
    values = ComponentValues(TEMPLATES, APPLICATION)
    assert values.get("url") == "tcp://db:5432/x"
    assert values.get("plain") == "as it is"
    assert values.get("key") == "hidden {{ host }}"
    assert values.get_all() == {
        "url": "tcp://db:5432/x",
        "plain": "as it is",
        "key": "hidden {{ host }}",
    }


def test_variables_of_the_application_are_not_the_components() -> None:
    values = ComponentValues(TEMPLATES, APPLICATION)
    assert values.get("host") is None
    assert values.get("secret") is None


def test_a_variable_without_a_value_is_named() -> None:
    values = ComponentValues({"a": "{{ absent }}"}, APPLICATION)
    for call in (lambda: values.get("a"), values.get_all):
        with pytest.raises(NotFound, match="'absent' has no value"):
            call()


def test_a_malformed_template_is_refused_at_once() -> None:
    with pytest.raises(ManifestError, match="not closed"):
        ComponentValues({"a": "{{ host"}, APPLICATION)


class Slow:
    async def get(self, name: str, /) -> str | None:
        await asyncio.sleep(0)
        return name.upper()

    async def get_all(self) -> dict[str, str]:
        return {}

    def close(self) -> None: ...


class Blocking:
    def get(self, name: str, /) -> Deferred[str | None]:
        return Deferred(lambda: name.upper())

    def get_all(self) -> Deferred[dict[str, str]]:
        return Deferred(dict)

    def close(self) -> None: ...


@pytest.mark.parametrize("source", [Slow(), Blocking()])
def test_a_source_may_answer_later(source: Slow | Blocking) -> None:
    async def run() -> None:
        values = ComponentValues(TEMPLATES, source)
        assert await resolve(values.get("url")) == "tcp://HOST:PORT/x"
        assert (await resolve(values.get_all()))["key"] == "SECRET"
        assert values.get("plain") == "as it is"

    asyncio.run(run())
