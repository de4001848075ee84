"""Variables and configuration through every interface, over all three kinds of reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from paddock.capabilities.configuration import Configuration
from paddock.errors import Unavailable
from paddock.interfaces import Grants, bind
from paddock.providers.configuration.static import StaticValues
from paddock.types import Deferred, Err, Variant

VALUES = {"api_key": "s3cret", "empty": ""}


class Slow:
    async def get(self, name: str, /) -> str | None:
        await asyncio.sleep(0)
        return VALUES.get(name)

    async def get_all(self) -> Mapping[str, str]:
        await asyncio.sleep(0)
        return VALUES

    def close(self) -> None: ...


class Blocking:
    def get(self, name: str, /) -> Deferred[str | None]:
        return Deferred(lambda: VALUES.get(name))

    def get_all(self) -> Deferred[Mapping[str, str]]:
        return Deferred(lambda: VALUES)

    def close(self) -> None: ...


@pytest.fixture(params=[lambda: StaticValues(VALUES), Slow, Blocking])
def values(request: pytest.FixtureRequest) -> Configuration:
    made: Configuration = request.param()
    return made


def bridge(call: Callable[..., object], *args: object) -> Any:
    reply = call(*args)
    if isinstance(reply, Deferred):
        return reply()
    return asyncio.run(reply) if isinstance(reply, Coroutine) else reply


def failure(facade: Any, call: Callable[..., object], *args: object) -> Any:
    try:
        bridge(call, *args)
    except Err as error:
        return error.payload
    except Exception as error:
        return facade.__paddock_error__(error)
    raise AssertionError("expected an error")


def bound(interface: str, values: Configuration | None) -> Any:
    return bind(interface, Grants("app", "api", configuration=values))


CONFIG = ("wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft-2024-09-27")
VARIABLES = ("fermyon:spin/variables@2.0.0", "spin:variables/variables@3.0.0")


@pytest.mark.parametrize("interface", CONFIG)
def test_wasi_config_gets_one_and_all(interface: str, values: Configuration) -> None:
    facade = bound(interface, values)
    assert bridge(facade.get, "api_key") == "s3cret"
    assert bridge(facade.get, "empty") == ""
    assert bridge(facade.get, "Any Thing") is None
    assert sorted(bridge(facade.get_all)) == [("api_key", "s3cret"), ("empty", "")]


@pytest.mark.parametrize("interface", VARIABLES)
def test_spins_variables_tell_unset_from_invalid(interface: str, values: Configuration) -> None:
    facade = bound(interface, values)
    assert bridge(facade.get, "api_key") == "s3cret"
    assert bridge(facade.get, "empty") == ""
    unset = Variant("undefined", 'no variable for "api"."absent"')
    assert failure(facade, facade.get, "absent") == unset
    for name in ("", "Upper", "1a", "a-b", "a__b", "a_", "_a", "a\n"):
        assert failure(facade, facade.get, name) == Variant("invalid-name", name)


def test_the_line_that_would_give_a_variable_is_told_once() -> None:
    told: list[tuple[str, str, str]] = []
    grants = Grants("app", "api", denied=lambda *each: told.append(each))
    facade: Any = bind(VARIABLES[0], grants)
    for _ in range(2):
        failure(facade, facade.get, "api_key")
    assert told == [("variable", "api_key", 'variables.api_key = "{{ api_key }}"')]


def test_spins_older_config_has_one_case_for_both(values: Configuration) -> None:
    facade = bound("fermyon:spin/config", values)
    assert bridge(facade.get_config, "api_key") == "s3cret"
    assert failure(facade, facade.get_config, "absent").case == "invalid-key"
    assert failure(facade, facade.get_config, "A-B").case == "invalid-key"


def test_without_a_configuration_nothing_is_set() -> None:
    assert bridge(bound(CONFIG[0], None).get, "key") is None
    assert bridge(bound(CONFIG[0], None).get_all) == []
    facade = bound(VARIABLES[0], None)
    assert failure(facade, facade.get, "key").case == "undefined"


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get(self, name: str, /) -> str | None:
        raise self.error

    def get_all(self) -> Mapping[str, str]:
        raise self.error

    def close(self) -> None: ...


@pytest.mark.parametrize("error", [Unavailable("vault is away", hint="x"), KeyError("secret")])
def test_a_failing_source_is_the_interfaces_own_error(error: Exception) -> None:
    known = isinstance(error, Unavailable)
    facade = bound(CONFIG[0], Failing(error))
    for call, *args in ((facade.get, "key"), (facade.get_all,)):
        payload = failure(facade, call, *args)
        assert payload.case == "upstream"
        assert (payload.payload == "vault is away") is known
        assert "secret" not in payload.payload
    facade = bound(VARIABLES[0], Failing(error))
    payload = failure(facade, facade.get, "key")
    assert payload.case == "provider"
    assert "secret" not in payload.payload
