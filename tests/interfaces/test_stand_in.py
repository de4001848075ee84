"""Imports that a guest only carries along: told of in the plan, and no answer when called."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.errors import CapabilityError
from paddock.host.imports import check
from paddock.interfaces import Grants, bind
from paddock.manifest.model import Component
from paddock.types import Err, Variant

CANDIDATE = "wasi:http/client@0.3.0-rc-2026-03-15"


def released(name: str) -> bool:
    return name in ("wasi:http/client@0.3.0", "wasi:cli/run@0.2.0")


def component() -> Component:
    return Component("api", Path("api.wasm"), allowed_outbound_hosts=("https://example.com",))


def test_a_candidate_beside_its_release_is_bound_with_one_warning() -> None:
    imports = [CANDIDATE, "wasi:http/client@0.3.0"]
    checked = check(component(), imports, released)
    assert checked.problems == ()
    assert checked.bound == (CANDIDATE,)
    (warning,) = checked.warnings
    assert "candidate of WASI" in warning
    assert CANDIDATE in warning


def test_a_candidate_alone_refuses_the_plan() -> None:
    checked = check(component(), [CANDIDATE], released)
    assert checked.bound == ()
    assert len(checked.problems) == 1


def test_a_function_of_a_candidate_fails_by_name_when_it_is_called() -> None:
    bound = bind(CANDIDATE, Grants("app", "api"))
    with pytest.raises(CapabilityError, match=r"send of wasi:http/client@0\.3\.0-rc"):
        bound.send(object())  # type: ignore[attr-defined]


@pytest.mark.parametrize("interface", ["fermyon:spin/llm", "fermyon:spin/llm@2.0.0"])
def test_no_language_model_is_supported(interface: str) -> None:
    bound = bind(interface, Grants("app", "api"))
    for function in ("infer", "generate_embeddings"):
        with pytest.raises(Err) as caught:
            getattr(bound, function)("llama2-chat", "hello")
        assert caught.value.payload == Variant("model-not-supported")
