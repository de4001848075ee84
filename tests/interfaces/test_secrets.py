"""Secrets: found by name, revealed on request, shown nowhere else."""

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

STORE, REVEAL = "wasmcloud:secrets/store@2.1.0", "wasmcloud:secrets/reveal@2.1.0"


class Blocking:
    def get(self, name: str, /) -> Deferred[str | None]:
        return Deferred(lambda: {"token": "s3cret"}.get(name))

    def get_all(self) -> Mapping[str, str]:
        return {}

    def close(self) -> None: ...


def bridge(call: Callable[..., object], *args: object) -> Any:
    reply = call(*args)
    if isinstance(reply, Deferred):
        return reply()
    return asyncio.run(reply) if isinstance(reply, Coroutine) else reply


@pytest.mark.parametrize("secrets", [StaticValues({"token": "s3cret"}), Blocking()])
def test_a_secret_is_a_handle_until_it_is_revealed(secrets: Configuration) -> None:
    grants = Grants("app", "api", secrets=secrets)
    store: Any = bind(STORE, grants)
    reveal: Any = bind(REVEAL, grants)
    secret = bridge(store.get, "token")
    assert "s3cret" not in f"{secret} {secret!r}"
    assert bridge(reveal.reveal, secret) == Variant("string", "s3cret")


@pytest.mark.parametrize("secrets", [None, StaticValues({"token": "s3cret"})])
def test_any_other_name_is_not_found_and_the_line_that_grants_it_is_told_once(
    secrets: Configuration | None,
) -> None:
    told: list[tuple[str, str, str]] = []
    grants = Grants("app", "api", secrets=secrets, denied=lambda *each: told.append(each))
    store: Any = bind(STORE, grants)
    for _ in range(2):
        with pytest.raises(Err) as raised:
            bridge(store.get, "key")
        assert raised.value.payload == Variant("not-found")
    assert told == [("secret", "key", 'secrets.key = "{{ key }}"')]


def test_a_variable_is_no_secret_and_a_secret_no_variable() -> None:
    grants = Grants(
        "app",
        "api",
        configuration=StaticValues({"plain": "1"}),
        secrets=StaticValues({"token": "s3cret"}),
    )
    config: Any = bind("wasi:config/store@0.2.0-rc.1", grants)
    assert bridge(config.get_all) == [("plain", "1")]
    assert bridge(config.get, "token") is None
    with pytest.raises(Err):
        bridge(bind(STORE, grants).get, "plain")  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [Unavailable("the vault is away"), KeyError("s3cret")])
def test_a_failing_source_is_the_interfaces_own_error(error: Exception) -> None:
    store: Any = bind(STORE, Grants("app", "api"))
    payload = store.__paddock_error__(error)
    assert payload.case == "upstream"
    assert (payload.payload == "the vault is away") is isinstance(error, Unavailable)
    assert "s3cret" not in payload.payload
