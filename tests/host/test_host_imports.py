"""Imports are answered, refused in plain words, or answered with a warning."""

from __future__ import annotations

from pathlib import Path

from paddock.host.imports import check, useless
from paddock.manifest.model import Component, Reuse

HANDLER = "wasi:http/incoming-handler@0.2.0"


def component(**settings: object) -> Component:
    return Component("api", Path("/api.wasm"), **settings)  # type: ignore[arg-type]


def built_in(name: str) -> bool:
    return name.startswith("wasi:http/") and name.endswith(("@0.2.0", "@0.3.0"))


def test_what_the_engine_answers_is_not_bound() -> None:
    checked = check(component(), ["wasi:http/types@0.2.0"], built_in)
    assert (checked.bound, checked.problems, checked.warnings) == ((), (), ())


def test_a_granted_interface_is_bound_without_a_warning() -> None:
    granted = component(key_value_stores=("default",))
    checked = check(granted, ["wasi:keyvalue/store@0.2.0-draft2"], built_in)
    assert checked.bound == ("wasi:keyvalue/store@0.2.0-draft2",)
    assert not checked.warnings


def test_what_is_offered_but_not_granted_is_a_warning_with_the_line_that_grants_it() -> None:
    imports = ["wasi:keyvalue/store@0.2.0-draft2", "wasi:http/outgoing-handler@0.2.0"]
    checked = check(component(), imports, built_in)
    assert not checked.problems
    stores, outbound = checked.warnings
    assert 'key_value_stores = ["default"]' in stores
    assert "allowed_outbound_hosts" in outbound


def test_what_is_not_offered_is_a_problem_that_names_the_nearest() -> None:
    checked = check(
        component(), ["wasi:keyvalue/store@9.0.0", "acme:rockets/launch@1.0.0"], built_in
    )
    near, far = checked.problems
    assert "wasi:keyvalue/store in version 9.0.0" in near and "nearest" in near
    assert "acme:rockets/launch in version 1.0.0" in far and "nothing like it" in far


def test_a_candidate_of_wasi_itself_is_refused_with_the_release_that_is_offered() -> None:
    candidates = ["wasi:http/types@0.3.0-rc-2026-03-15", "wasi:http/types@0.1.0"]
    checked = check(component(), candidates, built_in)
    later, earlier = checked.problems
    assert "nearest that is offered is wasi:http/types@0.3.0" in later
    assert "nearest that is offered is wasi:http/types@0.2.0" in earlier


def test_concurrency_in_an_instance_of_wasi_0_2_is_a_warning() -> None:
    many = component(reuse=Reuse(concurrency=4))
    assert useless(many, [HANDLER])
    assert not useless(many, ["wasi:http/handler@0.3.0"])
    assert not useless(component(reuse=Reuse()), [HANDLER])
    assert not useless(component(), [HANDLER])


def test_who_only_takes_messages_is_not_told_that_no_broker_is_granted() -> None:
    handler, sender = "wasi:messaging/types@0.2.0-draft", "wasi:messaging/producer@0.2.0-draft"
    assert check(component(), [handler], built_in).warnings == ()
    (warning,) = check(component(), [handler, sender], built_in).warnings
    assert "imports a message broker" in warning


def test_an_import_under_a_label_is_checked_as_its_interface() -> None:
    labels = {"cache": "wasi:keyvalue/store@0.2.0-draft2", "odd": "acme:rockets/launch@1.0.0"}
    checked = check(component(), ["cache", "odd"], built_in, labels)
    assert checked.bound == ("cache",)
    assert "acme:rockets/launch in version 1.0.0" in checked.problems[0]
    assert "imports a key-value store (wasi:keyvalue/store" in checked.warnings[0]


def test_what_the_engine_answers_is_refused_under_a_label() -> None:
    (problem,) = check(
        component(), ["other"], built_in, {"other": "wasi:http/types@0.2.0"}
    ).problems
    assert "under the label 'other'" in problem
