"""A checked application survives the cache; anything else is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from paddock.errors import ManifestError
from paddock.manifest.codec import from_json, to_json
from paddock.manifest.model import (
    Application,
    Build,
    Component,
    Executor,
    FileMount,
    FilePattern,
    HttpTrigger,
    Limits,
    Location,
    RegistrySource,
    Reuse,
    StaticResponse,
    Trigger,
    Unsupported,
    UrlSource,
    Variable,
)

PLACE = Location("a.toml", 3, 4)
EVERYTHING = Application(
    name="a ä 🎉",
    version="1",
    description='"quoted"',
    authors=("x",),
    variables={"v": Variable("v", None, required=True, secret=True, location=PLACE)},
    components={
        "c": Component(
            id="c",
            source=Path("/apps/c.wasm"),
            environment={"c": "class", "m": "", "": "empty", "p": "/x"},
            files=(FilePattern("*"), FileMount(Path("/a"), "/b", PLACE)),
            allowed_outbound_hosts=("http://a",),
            build=Build(("make",), Path("/apps"), ("*.py",)),
            limits=Limits(memory=1, time=0.5, instances=2, table=3),
            reuse=Reuse(1, 2, 3.0),
            unsupported=(Unsupported("k", "why", refuse=False),),
            location=PLACE,
            locations={"source": PLACE},
        ),
        "u": Component(id="u", source=UrlSource("https://x", "sha256:0")),
        "r": Component(id="r", source=RegistrySource("a:b", "1", "r")),
    },
    http=(
        HttpTrigger("h", "/", component="c", methods=("GET",), host="a.b"),
        HttpTrigger("s", None, static_response=StaticResponse(404, {"a": "b"}, "x")),
        HttpTrigger("w", "/w", component="c", executor=Executor("wagi", {"argv": "x"})),
    ),
    triggers=(
        Trigger(
            "cron",
            "t",
            "c",
            {
                "when": datetime(2020, 1, 2, 3, 4, tzinfo=UTC),
                "day": date(2020, 1, 2),
                "at": time(3, 4),
                "deep": {"list": (1, 2.5, True, ("x",)), "m": {"c": "x"}},
                "big": float("inf"),
            },
        ),
    ),
    trigger_settings={"redis": {"address": "x"}},
    base=Path("/apps"),
    source=Path("/apps/paddock.toml"),
    location=PLACE,
)


def test_everything_comes_back_as_it_was() -> None:
    again = from_json(to_json(EVERYTHING))
    assert again == EVERYTHING
    assert repr(again) == repr(EVERYTHING), "also what does not count for equality"


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "[1, {}, null]", "\0", "[" * 100_000])
def test_a_text_that_is_no_application_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        from_json(text)


def test_a_text_of_another_version_of_the_model_is_refused() -> None:
    revision, fields, body = json.loads(to_json(EVERYTHING))
    fields["Limits"] = ["memory"]
    with pytest.raises(ManifestError, match="another version"):
        from_json(json.dumps([revision, fields, body]))


def test_a_value_cut_short_is_refused() -> None:
    revision, fields, body = json.loads(to_json(EVERYTHING))
    body["v"].pop()
    with pytest.raises(ManifestError, match="incomplete"):
        from_json(json.dumps([revision, fields, body]))


def test_only_classes_of_the_model_can_be_named() -> None:
    revision, fields, _ = json.loads(to_json(EVERYTHING))
    with pytest.raises(ManifestError):
        from_json(json.dumps([revision, fields, {"c": "Popen", "v": ["true"]}]))
