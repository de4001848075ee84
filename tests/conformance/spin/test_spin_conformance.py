"""Spin's conformance cases against `paddock up`.

Our own stand in `cases/`. `PADDOCK_SPIN_CONFORMANCE=DIRECTORY` adds every case folder
of a directory, such as the public suite's, as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import GUESTS
from tests.conformance.spin import json5
from tests.conformance.spin.case import Case, mismatches, send
from tests.conformance.spin.ports import Ports

HERE = Path(__file__).resolve().parent
PUBLIC = os.environ.get("PADDOCK_SPIN_CONFORMANCE")
FOLDERS = [HERE / "cases", *([Path(PUBLIC)] if PUBLIC else [])]
CASES = [
    Case(manifest.parent, GUESTS / "rust")
    for folder in FOLDERS
    for manifest in sorted(folder.glob("*/spin.toml"))
]
BEHAVIOURS = 19


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    services = Ports()
    yield services
    services.close()


def test_there_is_a_case_for_each_behaviour_of_the_suite() -> None:
    assert len([case for case in CASES if case.folder.parent == HERE / "cases"]) == BEHAVIOURS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, ports: Ports, up, tmp_path: Path) -> None:
    host = up(case.manifest(tmp_path, ports.port))
    for request, expected in case.invocations(ports.port):
        problems = mismatches(expected, send(host.client, request))
        assert not problems, "\n".join([*problems, host.log])


def test_what_the_runner_wants_is_exact() -> None:
    import httpx

    response = httpx.Response(200, headers={"content-length": "0", "server": "x"})
    assert mismatches({"headers": [{"name": "Content-Length", "value": "0"}]}, response) == [
        "unexpected header server"
    ]
    wanted = {
        "status": 500,
        "body": "no",
        "headers": [{"name": "a"}, {"name": "server", "value": "y"}],
    }
    assert len(mismatches(wanted, response)) == 5


def test_json5_is_read_as_the_cases_write_it() -> None:
    text = """{ // a comment
        invocations: [ { 'a': "x, } // no comment", }, ], /* another */ "b": 1.5, }"""
    assert json5.loads(text) == {"invocations": [{"a": "x, } // no comment"}], "b": 1.5}
