"""Routes that a module declares itself: how many, and what they may be."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from paddock.errors import PlanError
from paddock.host.expand import MOST_ROUTES, _with_routes
from paddock.manifest.model import Application
from paddock.manifest.reader import load


def expanded(directory: Path, lines: list[str]) -> Application:
    manifest = directory / "modules.toml"
    manifest.write_text('[[module]]\nroute = "/m/..."\nmodule = "m.wasm"\n')
    application = load(manifest)
    trigger = application.http[0]
    return _with_routes(application, trigger, application.components["m"], lines)


def test_each_line_is_a_route_with_its_entry_point(tmp_path: Path) -> None:
    application = expanded(tmp_path, ["/one first", "", "/two second", "/three"])
    routes = {trigger.route: trigger.component for trigger in application.http}
    assert routes["/m/one"] == "m-first" and routes["/m/two"] == "m-second"
    assert routes["/m/three"] == "m"


def test_a_module_that_declares_too_many_refuses_the_plan(tmp_path: Path) -> None:
    lines = [f"/r{number} e{number}" for number in range(MOST_ROUTES + 1)]
    assert len(expanded(tmp_path, lines[:-1]).components) == MOST_ROUTES + 1
    with pytest.raises(PlanError, match=f"more than {MOST_ROUTES}"):
        expanded(tmp_path, lines)


def test_an_entry_point_is_quoted_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    expanded(tmp_path, ["/a \x1b[2J"])
    assert "\x1b" not in caplog.text and "[2J" in caplog.text
