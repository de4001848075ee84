"""An audit gives the smallest grants that would have served, and is told of every use."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paddock.host.audit import MOST, Audit, ComponentAudit
from paddock.host.observed import Observed, ObservedConfiguration, observed
from paddock.manifest.model import Component
from paddock.providers.configuration.static import StaticValues

COMPONENT = Component(
    "api",
    Path("/api.wasm"),
    key_value_stores=("default", "attic"),
    blob_containers=("*",),
    variables={"place": "here", "size": "{{ size }}"},
    secrets={"token": "{{ token }}"},
    allowed_outbound_hosts=("https://a.example", "https://*.b.example", "redis://{{ cache }}"),
)


def audited(audit: Audit, component: Component = COMPONENT) -> ComponentAudit:
    return audit.of("shop", component)


def lines(audit: Audit) -> dict[str, object]:
    (report,) = audit.report()
    return tomllib.loads("\n".join(cast("list[str]", report["lines"])))


def event(kind: str, grant: str, component: str = "api") -> Any:
    return SimpleNamespace(
        application="shop", component=component, kind=kind, fields={"what": "", "grant": grant}
    )


def test_names_keep_the_order_of_the_manifest_and_templates_their_text() -> None:
    audit = Audit()
    one = audited(audit)
    one.use("key-value store", "attic")
    one.use("key-value store", "default")
    one.use("variable", "size")
    one.use("secret", "token")
    one.deny("variable", "colour")
    assert lines(audit) == {
        "key_value_stores": ["default", "attic"],
        "variables": {"size": "{{ size }}", "colour": "{{ colour }}"},
        "secrets": {"token": "{{ token }}"},
    }


def test_a_star_is_exchanged_for_the_names_that_were_used() -> None:
    audit = Audit()
    audited(audit).use("blob container", "photos")
    assert lines(audit) == {"blob_containers": ["photos"]}
    (report,) = audit.report()
    assert {each["name"] for each in cast("list[dict[str, str]]", report["unused"])} >= {"attic"}


def test_a_pattern_of_hosts_is_exchanged_for_those_that_were_reached() -> None:
    audit = Audit()
    audited(audit)
    audit.events(
        [
            event("allowed", "https://www.b.example"),
            event("allowed", "redis://10.0.0.7:6379"),
            event("denied", 'allowed_outbound_hosts = ["tcp://1.2.3.4:5"]'),
            event("denied", "allowed_outbound_hosts = nonsense"),
            event("line", "x"),
            event("allowed", "https://a.example", component="other"),
        ]
    )
    assert lines(audit) == {
        "allowed_outbound_hosts": [
            "https://www.b.example",
            "redis://{{ cache }}",
            "tcp://1.2.3.4:5",
        ]
    }


def test_an_apply_keeps_the_records_and_looks_at_the_newer_manifest() -> None:
    audit = Audit()
    audited(audit).use("key-value store", "attic")
    audited(audit, Component("api", Path("/api.wasm"), key_value_stores=("attic", "new")))
    (report,) = audit.report()
    assert report["lines"] == ['key_value_stores = ["attic"]  # not used: "new"']


def test_a_guest_that_guesses_names_does_not_fill_the_memory() -> None:
    one = audited(Audit())
    for number in range(2 * MOST):
        one.deny("key-value store", str(number))
    assert len(one.denied) == MOST


class Store:
    PAGE = 1000

    def get(self, key: str) -> str:
        return f"value of {key}"

    async def set(self, key: str, *, ctx: object = None) -> object:
        return ctx


def test_a_provider_that_is_observed_does_the_same_and_tells_each_call() -> None:
    told: list[bool] = []
    store = cast("Any", Observed(Store(), lambda: told.append(True)))
    get = store.get
    assert store.PAGE == 1000 and told == []
    assert get("a") == "value of a" and told == [True]
    assert asyncio.run(store.set("a", ctx="who")) == "who"
    assert len(told) == 2
    with pytest.raises(AttributeError):
        _ = store.absent


def test_what_stands_for_any_name_is_told_by_the_facade_instead() -> None:
    one = audited(Audit())
    store = Store()
    found = observed({"*": store, "a": store}, "blob container", one)
    assert found["*"] is store and isinstance(found["a"], Observed)


@pytest.mark.parametrize("what", ["variable", "secret"])
def test_values_that_are_read_are_used_and_others_are_not(what: str) -> None:
    one = audited(Audit())
    values = ObservedConfiguration(StaticValues({"place": "here", "token": "t"}), what, one)
    assert (values.get("place"), values.get("token"), values.get("absent")) == ("here", "t", None)
    given: Mapping[str, str] = COMPONENT.variables if what == "variable" else COMPONENT.secrets
    assert {name for _, name in one.used} == {"place", "token"} & set(given)
    values.get_all()
    assert {name for _, name in one.used} == set(given)
