"""An interface of a user's own, and the board behind it exchanged while it runs: examples/blink."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path

import httpx
import plugins
import pytest
from hosts import Running, wait_for
from manifests import configuration

BLINK = Path(__file__).resolve().parents[2] / "examples" / "blink"
PINS = "acme:gpio/pins@0.1.0"


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return plugins.installed(BLINK / "boards", tmp_path_factory.mktemp("boards"))


def manifest(directory: Path, granted: bool = True) -> Path:
    text = (BLINK / "paddock.toml").read_text(encoding="utf-8")
    text = text.replace('source = "blink.wasm"', f'source = "{BLINK / "blink.wasm"}"')
    if not granted:
        text = text.replace(f'interfaces = ["{PINS}"]', "")
    (directory / "paddock.toml").write_text(text, encoding="utf-8")
    return directory / "paddock.toml"


def board(directory: Path, name: str, **options: object) -> Path:
    """The example's own configuration, with options replaced."""
    text = (BLINK / f"{name}.toml").read_text(encoding="utf-8")
    for key, value in options.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {json.dumps(value)}", text, flags=re.MULTILINE)
    return configuration(directory, text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def blinks(host: Running, pin: int = 1, times: int = 2) -> tuple[int, str]:
    answer = host.get(f"/?pin={pin}&times={times}&ms=1")
    return answer.status_code, answer.text


def test_the_terminal_shows_the_board(up, tmp_path: Path, boards: Mapping[str, str]) -> None:
    host = up(manifest(tmp_path), "--config", board(tmp_path, "terminal", pins=4), env=boards)
    assert blinks(host) == (200, "pin 1 blinked 2 times\n")
    shown = re.findall(r"^board  (.*)$", host.log, re.MULTILINE)
    assert shown == ["○ ● ○ ○", "○ ○ ○ ○"] * 2
    assert blinks(host, pin=9) == (409, "this board has 4 pins, and 9 is none of them\n")


def test_the_board_is_exchanged_for_a_page_while_the_component_stays(
    up, tmp_path: Path, boards: Mapping[str, str]
) -> None:
    host = up(manifest(tmp_path), "--config", board(tmp_path, "terminal"), env=boards)
    before = host.status()["applications"]
    port = free_port()
    applied = host.apply("--config", board(tmp_path, "web", port=port))
    assert (
        f"application 'blink': interface '{PINS}' exchanged (terminal -> web)" in applied["changes"]
    )
    after = host.status()["applications"]
    assert before[0]["components"] == after[0]["components"]  # type: ignore[index]
    assert after[0]["providers"] == [  # type: ignore[index]
        {"kind": "interface", "name": PINS, "type": "web",
         "package": "blink-boards", "version": "1.0.0"}
    ]  # fmt: skip
    page = f"http://127.0.0.1:{port}"
    assert "EventSource" in httpx.get(page, trust_env=False).text
    with httpx.stream("GET", f"{page}/events", trust_env=False, timeout=30) as events:
        lines = (line for line in events.iter_lines() if line)
        assert next(lines) == f"data: {json.dumps([False] * 8)}"
        assert blinks(host, pin=2, times=1) == (200, "pin 2 blinked 1 times\n")
        lit = [False, False, True, *[False] * 5]
        assert [next(lines), next(lines)] == [
            f"data: {json.dumps(lit)}",
            f"data: {json.dumps([False] * 8)}",
        ]


def test_the_page_is_let_go_when_another_board_takes_its_place(
    up, tmp_path: Path, boards: Mapping[str, str]
) -> None:
    port = free_port()
    host = up(manifest(tmp_path), "--config", board(tmp_path, "web", port=port), env=boards)
    assert blinks(host)[0] == 200
    host.apply("--config", board(tmp_path, "terminal"))

    def gone() -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{port}", trust_env=False)
        except httpx.TransportError as error:
            # A request that is under way when the page goes ends in other words.
            return isinstance(error, httpx.ConnectError)
        return False

    wait_for("the page to be gone", gone)


def test_real_pins_are_refused_with_a_hint_where_there_are_none(
    up, tmp_path: Path, boards: Mapping[str, str]
) -> None:
    host = up(manifest(tmp_path), "--config", board(tmp_path, "terminal"), env=boards)
    config = board(tmp_path, "pins", chip="/dev/gpiochip-none")
    done = host.command("apply", "--config", config)
    assert done.returncode == 5
    assert 'choose type = "terminal" or "web"' in done.stderr
    assert blinks(host)[0] == 200


def test_a_board_that_is_not_installed_is_refused_with_those_that_are(
    up, tmp_path: Path, boards: Mapping[str, str]
) -> None:
    text = f'[provider."{PINS}"]\ntype = "terminl"\n'
    host = up(manifest(tmp_path), "--config", configuration(tmp_path, text), env=boards, wait=False)
    assert host.ended() == 5
    assert 'no provider of type "terminl"' in host.log
    assert "known types: gpiod, terminal, web" in host.log
    assert "host.toml:1" in host.log


def test_without_a_grant_the_component_starts_and_its_calls_are_denied(
    up, tmp_path: Path, boards: Mapping[str, str]
) -> None:
    host = up(manifest(tmp_path, granted=False), env=boards)
    assert "is not granted; a call is denied" in host.log
    assert host.get("/").status_code == 500
    host.logged(rf"interface '{PINS}' is not granted; .*\[component.blink\]: interfaces = ")


WRONG = """
class Board:
    def set(self, pin: str, high: bool) -> None: ...
    def get(self) -> bool: ...
"""


def test_a_class_that_does_not_fit_the_interface_refuses_the_plan(up, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    plugins.metadata(packages, "wrong", "1.0", {"paddock.interfaces": {PINS: "wrong:Board"}})
    (packages / "wrong.py").write_text(WRONG)
    host = up(manifest(tmp_path), env=plugins.environment(packages), wait=False)
    assert host.ended() == 5
    assert "Board.set does not fit" in host.log
    assert "`pin` is annotated str, and pin is u32" in host.log
    assert "takes 0 arguments, and is called with 1" in host.log
    assert re.search(r"paddock\.toml:\d+: component 'blink'", host.log)


def test_an_interface_that_nothing_brings_refuses_the_plan(up, tmp_path: Path) -> None:
    host = up(manifest(tmp_path), wait=False)
    assert host.ended() == 5
    assert "acme:gpio/pins in version 0.1.0" in host.log or f"the interface {PINS}" in host.log
