"""Guests of tens of megabytes, built in the test run by other people's tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hosts import Running, serving
from manifests import routed, write

pytestmark = [pytest.mark.large, pytest.mark.timeout(600)]

#: Seconds for the first compile of a guest in Python on two busy cores.
COMPILE = 240.0


def served(host: Running) -> Running:
    return serving(host, COMPILE)


def test_a_guest_in_python(up, build: Callable[[str], Path], tmp_path: Path) -> None:
    manifest = write(tmp_path, routed("python", build("python")))
    host = served(up(manifest, wait=False))
    assert host.get("/hello").text == "hello from Python"
    assert host.client.post("/echo", content=b"e" * 1_000_000).content == b"e" * 1_000_000
    assert host.get("/json?a=1").json() == {"path": "/json", "query": {"a": "1"}}
    assert host.get("/sleep?ms=10").text == "slept"


def test_a_guest_in_python_over_wasi_0_3_with_a_store(
    up, build: Callable[[str], Path], tmp_path: Path
) -> None:
    variables = '[variables]\nname = { default = "Ada" }\n'
    extra = 'key_value_stores = ["default"]\nvariables = { name = "{{ name }}" }\n'
    manifest = write(tmp_path, variables, routed("python", build("python-p3"), extra))
    host = served(up(manifest, wait=False))
    assert host.get("/set?key=k&value=v").status_code == 200
    assert host.get("/get?key=k").text == "v"
    assert host.get("/exists?key=k").text == "true"
    assert host.get("/keys").text.split() == ["k"]
    assert host.get("/variable?name=name").text == "Ada"
    assert host.get("/get?store=other").status_code == 403


def test_a_guest_in_javascript(up, build: Callable[[str], Path], tmp_path: Path) -> None:
    host = served(up(write(tmp_path, routed("js", build("js"))), wait=False))
    assert host.get("/hello").text == "hello from JavaScript"
    assert host.client.post("/echo", content=b"e" * 100_000).content == b"e" * 100_000
    answer = host.get("/json?a=1", headers={"user-agent": "test"}).json()
    assert answer == {"method": "GET", "path": "/json", "query": {"a": "1"}, "agent": "test"}


def test_an_sdk_that_imports_its_whole_world_is_served_as_it_is(
    up, build: Callable[[str], Path], tmp_path: Path
) -> None:
    variables = '[variables]\nname = { default = "Ada" }\n'
    extra = 'key_value_stores = ["default"]\nvariables = { name = "{{ name }}" }\n'
    manifest = write(tmp_path, variables, routed("spin", build("python-spin"), extra))
    host = served(up(manifest, wait=False))
    assert host.get("/set?key=k&value=v").text == "ok"
    assert host.get("/get?key=k").text == "v"
    assert host.get("/variable?name=name").text == "Ada"
    assert host.get("/get?store=other").status_code == 403
    assert "candidate of WASI beside the release" in host.log
